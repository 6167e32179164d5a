// A SQLite file of this program alone, used as an index: statements, one transaction at a time, rows as objects.

import { Database, type SQLQueryBindings, type Statement } from 'bun:sqlite';
import { MailctlError } from '../errors.ts';

export type Value = string | number | null;

export interface Sql {
  exec(statements: string): void;
  run(statement: string, ...values: Value[]): void;
  get<Row>(statement: string, ...values: Value[]): Row | null;
  all<Row>(statement: string, ...values: Value[]): Row[];
  /** One row at a time; the table must not change meanwhile. */
  each<Row>(statement: string, ...values: Value[]): IterableIterator<Row>;
  begin(): void;
  commit(): void;
  /** Also after a failed statement that has ended the transaction. */
  rollback(): void;
  close(): void;
}

export interface SqlFiles {
  /**
   * Opens or creates the file (mode 0600). Throws ARCHIVE_INVALID when it is damaged, and FILE_FAILED when the disk is
   * full, here and in each statement.
   */
  open(path: string): Sql;
}

const PRAGMAS = [
  'PRAGMA journal_mode=DELETE',
  'PRAGMA synchronous=FULL',
  // KB; an index of a million messages is larger, and need not be in memory
  'PRAGMA cache_size=-3000',
  'PRAGMA temp_store=FILE',
  'PRAGMA busy_timeout=5000',
].join(';');

function failure(path: string, error: unknown): unknown {
  const { code, message } = error as { code?: string; message?: string };
  if (code === 'SQLITE_CORRUPT' || code === 'SQLITE_NOTADB')
    return new MailctlError('ARCHIVE_INVALID', `${path} is damaged`, { cause: error });
  const full = code === 'SQLITE_FULL' || code === 'ENOSPC';
  if (!full && !code?.startsWith('SQLITE_IOERR') && code !== 'SQLITE_CANTOPEN') return error;
  const reason = full ? 'no space left on the device' : (message ?? code);
  return new MailctlError('FILE_FAILED', `cannot write ${path}: ${reason}`, { cause: error });
}

function open(path: string, shown: string): Sql {
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw failure(shown, error);
    }
  };
  const database = guarded(() => new Database(path, { create: true }));
  guarded(() => database.exec(PRAGMAS));
  const prepared = new Map<string, Statement>();
  const prepare = (text: string): Statement => {
    const known = prepared.get(text) ?? database.prepare(text);
    prepared.set(text, known);
    return known;
  };
  const bind = (values: Value[]) => values as SQLQueryBindings[];
  /** Of iterations that have not come to their end: an open statement keeps the file open. */
  const iterating = new Set<Statement>();
  function* each<Row>(text: string, ...values: Value[]): Generator<Row> {
    // one of its own, which another iteration with the same text does not reset
    const statement = guarded(() => database.prepare(text));
    iterating.add(statement);
    try {
      yield* statement.iterate(...bind(values)) as IterableIterator<Row>;
    } catch (error) {
      throw failure(shown, error);
    } finally {
      iterating.delete(statement);
      statement.finalize();
    }
  }
  return {
    exec: (statements) => guarded(() => database.exec(statements)),
    run: (text, ...values) => guarded(() => prepare(text).run(...bind(values))),
    get: <Row>(text: string, ...values: Value[]) =>
      guarded(() => prepare(text).get(...bind(values))) as Row | null,
    all: <Row>(text: string, ...values: Value[]) =>
      guarded(() => prepare(text).all(...bind(values))) as Row[],
    each,
    begin: () => guarded(() => database.exec('BEGIN IMMEDIATE')),
    commit: () => guarded(() => database.exec('COMMIT')),
    rollback: () => {
      if (database.inTransaction) guarded(() => database.exec('ROLLBACK'));
    },
    close: () => {
      for (const statement of [...prepared.values(), ...iterating]) statement.finalize();
      database.close();
    },
  };
}

export function createSqlFiles(at: (path: string) => string): SqlFiles {
  return { open: (path) => open(at(path), path) };
}
