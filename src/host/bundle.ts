// Several files as one plain tar file, by the library `tar`. Reading takes regular files with expected names alone, into a
// folder that the caller owns.

import { closeSync, openSync, readSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { create, extract, type ReadEntry } from 'tar';
import { MailctlError } from '../errors.ts';
import type { Host } from './host.ts';
import { syncPath } from './sync.ts';

const MAGIC_AT = 257;

/** Writes the files of the folder to one file, which gets its name when it is complete. */
export async function writeBundle(
  host: Pick<Host, 'files'>,
  folder: string,
  { file, names }: { file: string; names: readonly string[] },
): Promise<void> {
  const path = host.files.path(file);
  const unfinished = `${path}.unfinished`;
  try {
    await create({ file: unfinished, cwd: host.files.path(folder), portable: true, mode: 0o600 }, [
      ...names,
    ]);
    syncPath(unfinished);
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    throw new MailctlError('FILE_FAILED', `cannot write ${file}: no space left on the device`, {
      cause: error,
    });
  }
}

/** The library would also unpack compressed files, whose size is not bounded by that of the file. */
function isPlainTar(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    const magic = new Uint8Array(5);
    return readSync(file, magic, 0, 5, MAGIC_AT) === 5 && String.fromCharCode(...magic) === 'ustar';
  } finally {
    closeSync(file);
  }
}

/** Unpacks the files with expected names; returns their names. Throws ARCHIVE_INVALID. */
export async function readBundle(
  host: Pick<Host, 'files'>,
  file: string,
  { folder, expected }: { folder: string; expected: (name: string) => boolean },
): Promise<string[]> {
  const path = host.files.path(file);
  const cwd = host.files.path(folder);
  if ((await host.files.stat(file)) === null)
    throw new MailctlError('FILE_FAILED', `cannot read ${file}: no such file or directory`);
  if (!isPlainTar(path)) throw new MailctlError('ARCHIVE_INVALID', `${file} is no backup file`);
  await mkdir(cwd, { recursive: true, mode: 0o700 });
  const filter = (name: string, entry: unknown) =>
    expected(name) && (entry as ReadEntry).type === 'File';
  try {
    await extract({ file: path, cwd, filter, strict: true, preserveOwner: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC')
      throw new MailctlError('FILE_FAILED', `cannot write ${folder}: no space left on the device`);
    throw new MailctlError('ARCHIVE_INVALID', `${file} is damaged`, { cause: error });
  }
  return (await readdir(cwd)).filter(expected).map((name) => join(name));
}
