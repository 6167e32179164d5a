// One changing command at a time. The lock is SQLite's own lock on a file, so the kernel lets go of it
// when its process dies, however it dies; a file beside it says who holds it, for the waiting person.

import { Database } from 'bun:sqlite';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { MailctlError } from '../errors.ts';
import { type Clock, pollUntil } from './clock.ts';
import type { Files } from './files.ts';

export interface Locks {
  /**
   * Runs `work` while this process alone holds the lock. Throws LOCKED when another holds it for longer
   * than `wait`.
   */
  hold<T>(lock: WantedLock, work: () => Promise<T>): Promise<T>;
  /** Who holds the lock, as written beside it, or null when it is free. Others may ask at the same time. */
  query(path: string): string | null;
}

export interface WantedLock {
  readonly path: string;
  readonly holder: string;
  /** Milliseconds to wait for another holder. */
  readonly wait: number;
}

interface Place {
  readonly files: Pick<Files, 'path'>;
  readonly clock: Clock;
}

interface Lock {
  release(): void;
}

function tryLock(file: string): Lock | null {
  const database = new Database(file, { create: true });
  try {
    // nothing is ever stored: without a journal the lock leaves no second file behind
    database.exec('PRAGMA journal_mode=OFF; PRAGMA busy_timeout=0; BEGIN EXCLUSIVE');
    return { release: () => database.close() };
  } catch (error) {
    database.close();
    if (!String((error as Error).message).includes('locked')) throw error;
    return null;
  }
}

function readHolder(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    // the holder may be between taking the lock and writing its name
    return 'another mailctl';
  }
}

async function hold<T>(
  { files, clock }: Place,
  lock: WantedLock,
  work: () => Promise<T>,
): Promise<T> {
  const file = files.path(lock.path);
  const holderFile = `${file}.holder`;
  mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
  const held = await pollUntil(clock, { timeout: lock.wait, interval: 20 }, async () =>
    tryLock(file),
  );
  if (held === null) {
    throw new MailctlError('LOCKED', `${readHolder(holderFile)} is still at work here`, {
      hint: 'wait until it has finished, then repeat the command',
    });
  }
  try {
    writeFileSync(holderFile, `${lock.holder} (process ${process.pid})\n`, { mode: 0o644 });
    return await work();
  } finally {
    held.release();
  }
}

function query({ files }: Place, path: string): string | null {
  const file = files.path(path);
  if (!existsSync(file)) return null;
  const database = new Database(file, { readonly: true });
  try {
    database.query('SELECT count(*) FROM sqlite_master').get();
    return null;
  } catch (error) {
    if (!String((error as Error).message).includes('locked')) throw error;
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
