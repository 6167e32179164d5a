// Several files of one folder that are replaced together: all or none, also after a crash or power cut. The new
// contents are first written to a folder beside them; the rename of that folder is the commit. The next process
// finishes an interrupted replacement.

import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { MailctlError } from '../errors.ts';
import { syncPath } from './sync.ts';

const COMMIT = '.commit';
const PREPARED = '.commit.new';
const READ_ATTEMPTS = 1000;

export interface FileSets {
  /** A consistent snapshot of the texts; a missing file is empty. Needs no lock. */
  read<Name extends string>(folder: string, names: readonly Name[]): Promise<Record<Name, string>>;
  /** True while a replacement is unfinished: it is running, or its process died. */
  isPending(folder: string): Promise<boolean>;
  /**
   * Replaces the files together. The set stays pending until finish(), so that what is derived from
   * the files is known to be stale. The caller holds the lock.
   */
  replace(folder: string, texts: Readonly<Record<string, string>>, mode: number): Promise<void>;
  /** Moves the files of an interrupted replacement into place; the set stays pending. */
  settle(folder: string): Promise<void>;
  finish(folder: string): Promise<void>;
}

/** Changes when the file at the path is replaced or written to. */
function identity(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? 'none' : `${stat.ino} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.size}`;
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function readSet<Name extends string>(folder: string, names: readonly Name[]) {
  const commit = join(folder, COMMIT);
  const identities = () =>
    [commit, ...names.map((name) => join(folder, name))].map(identity).join('\n');
  for (let attempt = 0; attempt < READ_ATTEMPTS; attempt += 1) {
    const before = identities();
    const texts = names.map((name) => [
      name,
      readIfThere(join(commit, name)) ?? readIfThere(join(folder, name)) ?? '',
    ]);
    if (identities() === before) return Object.fromEntries(texts) as Record<Name, string>;
  }
  throw new MailctlError('TIMED_OUT', `the files in ${folder} kept changing while they were read`);
}

function prepare(folder: string, texts: Readonly<Record<string, string>>, mode: number): void {
  const prepared = join(folder, PREPARED);
  const clear = () => rmSync(prepared, { recursive: true, force: true });
  clear();
  try {
    mkdirSync(prepared, { mode: 0o700 });
    for (const [name, text] of Object.entries(texts)) {
      const path = join(prepared, name);
      writeFileSync(path, text, { mode, flush: true });
      chmodSync(path, mode);
    }
    syncPath(prepared);
    renameSync(prepared, join(folder, COMMIT));
  } catch (error) {
    clear();
    throw error;
  }
  syncPath(folder);
}

function settleSet(folder: string): void {
  const commit = join(folder, COMMIT);
  for (const name of readdirSync(commit)) renameSync(join(commit, name), join(folder, name));
  syncPath(folder);
}

const KNOWN = ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO'];

/** Reports a full or read-only disk as FILE_FAILED; before the rename nothing has changed. */
function onFolder<T>(folder: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES') {
      throw new MailctlError('NOT_ROOT', `only root can read ${folder}`, {
        hint: 'repeat the command as root (sudo)',
        cause: error,
      });
    }
    if (code === undefined || !KNOWN.includes(code)) throw error;
    const reason = code === 'ENOSPC' || code === 'EDQUOT' ? 'no space left on the device' : code;
    throw new MailctlError('FILE_FAILED', `cannot write in ${folder}: ${reason}`, { cause: error });
  }
}

export function createFileSets(at: (path: string) => string): FileSets {
  const isPending = (folder: string) =>
    onFolder(folder, () => identity(join(at(folder), COMMIT)) !== 'none');
  return {
    read: async (folder, names) => onFolder(folder, () => readSet(at(folder), names)),
    isPending: async (folder) => isPending(folder),
    replace: async (folder, texts, mode) =>
      onFolder(folder, () => {
        prepare(at(folder), texts, mode);
        settleSet(at(folder));
      }),
    settle: async (folder) => onFolder(folder, () => settleSet(at(folder))),
    finish: async (folder) =>
      onFolder(folder, () => {
        rmSync(join(at(folder), COMMIT), { recursive: true, force: true });
        syncPath(at(folder));
      }),
  };
}
