// Folders opened one inside the other, so that a link in the place of a folder is never followed.

import { Buffer } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
// a FIFO in place of the file must not block
const FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The path of an entry of an open folder. */
export function below(folder: number, name: Buffer | string): Buffer {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${folder}/`), Buffer.from(name)]);
}

export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}

/** null when it is missing, a link, or not a folder. */
export function openFolder(path: string | Buffer): number | null {
  try {
    return openSync(path, FOLDER);
  } catch (error) {
    if (['ENOENT', 'ELOOP', 'ENOTDIR'].includes(codeOf(error))) return null;
    throw error;
  }
}

export function within<T>(folder: number, work: (folder: number) => T): T {
  try {
    return work(folder);
  } finally {
    closeSync(folder);
  }
}

/** Null for a file that is missing, longer than `limit` bytes, or not a regular file. */
export function readText(folder: number, name: string, limit: number): string | null {
  try {
    const file = openSync(below(folder, name), FILE);
    return within(file, () => {
      if (!fstatSync(file).isFile()) return null;
      const bytes = Buffer.alloc(limit + 1);
      const size = readSync(file, bytes, 0, limit + 1, 0);
      return size > limit ? null : bytes.toString('utf8', 0, size);
    });
  } catch (error) {
    if (['ENOENT', 'ELOOP', 'ENXIO'].includes(codeOf(error))) return null;
    throw error;
  }
}
