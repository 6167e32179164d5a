// One changing command at a time. The lock is SQLite's lock on a file, so the kernel releases it when its process
// dies; a file beside it names the holder, for error messages.

import { Database, SQLiteError } from 'bun:sqlite';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { type LockHolder, MailctlError } from '../errors.ts';
import { type Clock, pollUntil } from './clock.ts';
import type { Files } from './files.ts';

export interface Locks {
  /**
   * Runs `work` while this process alone holds the lock. Throws LOCKED when another holds it for longer
   * than `wait`.
   */
  hold<T>(lock: WantedLock, work: () => Promise<T>): Promise<T>;
  /**
   * The holder of the lock, from the file beside it; null when the lock is free, or its holder has not yet
   * written its name. Safe for concurrent callers.
   */
  query(path: string): LockHolder | null;
}

export interface WantedLock {
  readonly path: string;
  readonly holder: string;
  /** Milliseconds to wait for another holder. */
  readonly wait: number;
  /** A dry run does without it. */
  readonly onlyToWrite?: true;
}

interface Place {
  readonly files: Pick<Files, 'path'>;
  readonly clock: Clock;
}

interface Lock {
  release(): void;
}

/** A process that can open the file, even for reading, can lock it, so it is created with a mode for root alone. */
function makeFile(file: string): void {
  try {
    closeSync(openSync(file, 'ax', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // by name: closing a descriptor of the file would release a lock of this process (fcntl(2))
    chmodSync(file, 0o600);
  }
}

function tryLock(file: string): Lock | null {
  const database = new Database(file, { create: true });
  try {
    // nothing is stored, and without a journal there is no second file
    database.exec('PRAGMA journal_mode=OFF; PRAGMA busy_timeout=0; BEGIN EXCLUSIVE');
    return { release: () => database.close() };
  } catch (error) {
    database.close();
    if (!isBusy(error)) throw error;
    return null;
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof SQLiteError && error.code === 'SQLITE_BUSY';
}

/** null until the holder has written its name. */
function readHolder(file: string): LockHolder | null {
  try {
    const { command, pid } = JSON.parse(readFileSync(file, 'utf8')) as Partial<LockHolder>;
    return typeof command === 'string' && typeof pid === 'number' ? { command, pid } : null;
  } catch (error) {
    const unwritten = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (unwritten || error instanceof SyntaxError) return null;
    throw error;
  }
}

function locked(holder: LockHolder | null): MailctlError {
  const who = holder === null ? 'another mailctl' : `${holder.command} (pid ${holder.pid})`;
  return new MailctlError('LOCKED', `locked by ${who}`, {
    hint: 'repeat the command when it has finished',
    ...(holder === null ? {} : { holder }),
  });
}

async function hold<T>(
  { files, clock }: Place,
  lock: WantedLock,
  work: () => Promise<T>,
): Promise<T> {
  const file = files.path(lock.path);
  const holderFile = `${file}.holder`;
  mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
  makeFile(file);
  const held = await pollUntil(clock, { timeout: lock.wait, interval: 20 }, async () =>
    tryLock(file),
  );
  if (held === null) throw locked(readHolder(holderFile));
  try {
    const holder: LockHolder = { command: lock.holder, pid: process.pid };
    writeFileSync(holderFile, `${JSON.stringify(holder)}\n`, { mode: 0o644 });
    return await work();
  } finally {
    held.release();
  }
}

function query({ files }: Place, path: string): LockHolder | null {
  const file = files.path(path);
  if (!existsSync(file)) return null;
  const database = new Database(file, { readonly: true });
  try {
    database.query('SELECT count(*) FROM sqlite_master').get();
    return null;
  } catch (error) {
    if (!isBusy(error)) throw error;
    return readHolder(`${file}.holder`);
  } finally {
    database.close();
  }
}

export function createLocks(place: Place): Locks {
  return {
    hold: (lock, work) => hold(place, lock, work),
    query: (path) => query(place, path),
  };
}
