// SQLite files that another program reads: one transaction makes their tables hold exactly the given rows.
// Readers see all of it or nothing.

import { Database, type SQLQueryBindings } from 'bun:sqlite';
import { chmodSync, chownSync, existsSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { MailctlError } from '../errors.ts';
import type { WriteOptions } from './files.ts';
import { syncPath } from './sync.ts';

type Cell = string | number | null;

export interface TableRows {
  readonly name: string;
  /** Column definitions, as between the brackets of CREATE TABLE. */
  readonly schema: string;
  readonly columns: readonly string[];
  /** How many of the first columns identify a row. */
  readonly keys: number;
  readonly rows: readonly (readonly Cell[])[];
}

export interface DatabaseContent {
  readonly label: string;
  readonly tables: readonly TableRows[];
}

export interface DatabaseOptions extends WriteOptions {
  /** Check the whole file first; needed after a possible power cut during a commit. */
  readonly verify: boolean;
}

export interface Databases {
  /** The value stored beside the tables, or null when there is no sound database. */
  readLabel(path: string): Promise<string | null>;
  /** Makes the database hold exactly these rows and the label; durable when it returns. */
  write(path: string, content: DatabaseContent, options: DatabaseOptions): Promise<void>;
}

// Readers fail during a commit (Postfix does not wait for the lock), so the commit must not wait for the disk:
// one fsync after it makes it durable.
const PRAGMAS = [
  'PRAGMA journal_mode=DELETE',
  'PRAGMA synchronous=OFF',
  // spilling would lock out readers long before the commit
  'PRAGMA cache_spill=OFF',
  'PRAGMA busy_timeout=5000',
].join(';');

const LABEL_TABLE: Omit<TableRows, 'rows'> = {
  name: 'meta',
  schema: 'key TEXT PRIMARY KEY, value TEXT',
  columns: ['key', 'value'],
  keys: 1,
};

const FIELD_SEPARATOR = '\0';

function keyOf(row: readonly Cell[], keys: number): string {
  return keys === 1 ? String(row[0]) : row.slice(0, keys).join(FIELD_SEPARATOR);
}

/** The rows to delete (by key) and to insert or replace. */
function planRows(table: TableRows, present: readonly (readonly Cell[])[]) {
  const old = new Map(present.map((row) => [keyOf(row, table.keys), row]));
  const changed: (readonly Cell[])[] = [];
  for (const row of table.rows) {
    const key = keyOf(row, table.keys);
    const before = old.get(key);
    old.delete(key);
    if (before === undefined || before.some((cell, index) => cell !== row[index]))
      changed.push(row);
  }
  return { removed: [...old.values()].map((row) => row.slice(0, table.keys)), changed };
}

function writeTable(database: Database, table: TableRows): void {
  const { name, schema, columns, keys } = table;
  database.exec(`CREATE TABLE IF NOT EXISTS ${name} (${schema}) WITHOUT ROWID`);
  const list = columns.join(', ');
  const present = database.query(`SELECT ${list} FROM ${name}`).values() as Cell[][];
  const { removed, changed } = planRows(table, present);
  const where = columns.slice(0, keys).map((column) => `${column} = ?`);
  const remove = database.prepare(`DELETE FROM ${name} WHERE ${where.join(' AND ')}`);
  for (const key of removed) remove.run(...(key as SQLQueryBindings[]));
  const marks = columns.map(() => '?').join(', ');
  const insert = database.prepare(`INSERT OR REPLACE INTO ${name} (${list}) VALUES (${marks})`);
  for (const row of changed) insert.run(...(row as SQLQueryBindings[]));
}

function fill(path: string, content: DatabaseContent): void {
  const database = new Database(path, { create: true });
  try {
    database.exec(PRAGMAS);
    const write = database.transaction(() => {
      for (const table of content.tables) writeTable(database, table);
      writeTable(database, { ...LABEL_TABLE, rows: [['label', content.label]] });
    });
    write.immediate();
  } finally {
    database.close();
  }
}

function isSound(path: string): boolean {
  const database = new Database(path, { readwrite: true });
  try {
    database.exec('PRAGMA busy_timeout=5000');
    const [row] = database.query('PRAGMA quick_check(1)').values();
    return row?.[0] === 'ok';
  } catch (error) {
    if (isDamage(error)) return false;
    throw error;
  } finally {
    database.close();
  }
}

function isDamage(error: unknown): boolean {
  const number = (error as { errno?: number }).errno;
  return number !== undefined && [11, 26].includes(number & 0xff);
}

/** A new database, or the replacement of a damaged one, is written aside and renamed. */
function create(path: string, content: DatabaseContent, options: WriteOptions): void {
  const temporary = `${path}.new`;
  for (const left of [temporary, `${temporary}-journal`]) rmSync(left, { force: true });
  fill(temporary, content);
  if (options.owner) chownSync(temporary, options.owner.uid, options.owner.gid);
  chmodSync(temporary, options.mode);
  syncPath(temporary);
  rmSync(`${path}-journal`, { force: true });
  renameSync(temporary, path);
}

/** False when it is missing or damaged. */
function update(path: string, content: DatabaseContent, options: DatabaseOptions): boolean {
  if (!existsSync(path) || (options.verify && !isSound(path))) return false;
  try {
    fill(path, content);
  } catch (error) {
    if (isDamage(error)) return false;
    throw error;
  }
  if (options.owner) chownSync(path, options.owner.uid, options.owner.gid);
  chmodSync(path, options.mode);
  syncPath(path);
  return true;
}

function writeDatabase(path: string, content: DatabaseContent, options: DatabaseOptions): void {
  if (!update(path, content, options)) create(path, content, options);
  syncPath(dirname(path));
}

function readLabel(path: string): string | null {
  if (!existsSync(path)) return null;
  const database = new Database(path, { readonly: true });
  try {
    database.exec('PRAGMA busy_timeout=5000');
    const [row] = database.query("SELECT value FROM meta WHERE key = 'label'").values();
    return typeof row?.[0] === 'string' ? row[0] : null;
  } catch {
    // damaged, of another version, or with a journal to roll back: writing it again fixes all three
    return null;
  } finally {
    database.close();
  }
}

function failure(path: string, error: unknown): unknown {
  const { code, message } = error as { code?: string; message?: string };
  const full = code === 'ENOSPC' || code === 'SQLITE_FULL';
  if (!full && !code?.startsWith('SQLITE_') && code !== 'EROFS' && code !== 'ENOENT') return error;
  const reason = full ? 'no space left on the device' : (message ?? code);
  return new MailctlError('FILE_FAILED', `cannot write ${path}: ${reason}`, {
    hint: 'mailctl apply   (after fixing the cause)',
    cause: error,
  });
}

export function createDatabases(at: (path: string) => string): Databases {
  return {
    readLabel: async (path) => readLabel(at(path)),
    write: async (path, content, options) => {
      try {
        writeDatabase(at(path), content, options);
      } catch (error) {
        throw failure(path, error);
      }
    },
  };
}
