// The index of one backup: every folder and entry, and the archive that holds its content. The box keeps one of its
// last backup, to see what has changed; a restore builds one from the lists in the archives.

import type { Host } from '../../host/host.ts';
import type { Sql } from '../../host/sql.ts';
import type { ArchiveFile } from './manifest.ts';

export const KIND = { message: 1, file: 2, link: 3 } as const;
export type Kind = (typeof KIND)[keyof typeof KIND];

export interface FolderRow {
  readonly id: number;
  /** The source's name first. */
  readonly path: string;
  /** Of the folder when its messages were last listed; empty when they must be listed again. */
  readonly stamp: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly gone: 0 | 1;
}

/** Where the content is: the archive's row, and the number of the member in it. */
export interface Place {
  readonly archive: number;
  readonly member: number;
}

export interface EntryRow extends Place {
  readonly id: number;
  readonly folder: number;
  /** Of a message its base name, else the file name. */
  readonly key: string;
  /** Of a message `cur/:2,S`, else empty. */
  readonly place: string;
  readonly kind: Kind;
  readonly size: number;
  readonly mtime: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of the content; empty for a link. */
  readonly digest: string;
  /** Of a link. */
  readonly target: string;
  /** Of a file, when it was saved. */
  readonly stamp: string;
  readonly gone: 0 | 1;
}

/** The messages of a folder that are there. */
export interface KnownMessages {
  /** Sorted by key. */
  readonly single: Iterable<EntryRow>;
  /** Those with the base name of another message; their key is the whole path. */
  readonly doubles: readonly EntryRow[];
}

export interface ArchiveRow extends ArchiveFile {
  readonly id: number;
  readonly sequence: number;
  /** Of a list: it holds what changed after this backup. null: an archive of contents. */
  readonly since: number | null;
}

export type NewEntry = Omit<EntryRow, 'id' | 'gone'>;

const TABLES = `
  CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS archives (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, size INTEGER, sha256 TEXT,
    unpacked INTEGER, sequence INTEGER, since INTEGER);
  CREATE TABLE IF NOT EXISTS folders (id INTEGER PRIMARY KEY, path TEXT UNIQUE, stamp TEXT, mode INTEGER, uid INTEGER,
    gid INTEGER, changed INTEGER, gone INTEGER);
  CREATE TABLE IF NOT EXISTS entries (id INTEGER PRIMARY KEY, folder INTEGER, key TEXT, place TEXT, kind INTEGER,
    size INTEGER, mtime INTEGER, mode INTEGER, uid INTEGER, gid INTEGER, digest TEXT, archive INTEGER, member INTEGER,
    target TEXT, stamp TEXT, changed INTEGER, gone INTEGER, UNIQUE (folder, key));
  CREATE INDEX IF NOT EXISTS entries_digest ON entries (digest) WHERE kind = 1;
  CREATE INDEX IF NOT EXISTS entries_changed ON entries (changed);
`;

export interface Attributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface Index {
  readonly sql: Sql;
  meta(key: string): string | null;
  setMeta(key: string, value: string): void;
  folder(path: string): FolderRow | null;
  folders(): Iterable<FolderRow>;
  /** Adds the folder, or changes it where it differs. */
  seeFolder(path: string, attributes: Attributes, sequence: number): FolderRow;
  setFolderStamp(id: number, stamp: string): void;
  dropFolder(id: number, sequence: number): void;
  messages(folder: number): KnownMessages;
  /** The other entries of a folder. */
  files(folder: number): EntryRow[];
  addEntry(entry: NewEntry, sequence: number): void;
  /** A message got other flags. */
  moveEntry(id: number, place: string, sequence: number): void;
  setEntryStamp(id: number, stamp: string): void;
  placeEntry(id: number, place: Place, sequence: number): void;
  dropEntry(id: number, sequence: number): void;
  dropMessages(folder: number, sequence: number): void;
  /** Where messages with this content are, also messages that were deleted. */
  sameContent(digest: string, size: number): Place[];
  archives(): ArchiveRow[];
  /** Adds an archive that is being written; its size follows. */
  addArchive(name: string, sequence: number, since: number | null): number;
  setArchive(id: number, written: Omit<ArchiveFile, 'name'>): void;
  removeArchive(id: number): void;
  /** True when a folder or entry has changed since the backup before. */
  hasChanged(sequence: number): boolean;
  close(): void;
}

type FolderPart = 'folder' | 'folders' | 'seeFolder' | 'setFolderStamp' | 'dropFolder';
type EntryPart =
  | 'messages'
  | 'files'
  | 'addEntry'
  | 'moveEntry'
  | 'setEntryStamp'
  | 'placeEntry'
  | 'dropEntry'
  | 'dropMessages';

function folderPart(sql: Sql): Pick<Index, FolderPart> {
  const folder = (path: string) =>
    sql.get<FolderRow>('SELECT * FROM folders WHERE path = ? AND gone = 0', path);
  return {
    folder,
    folders: () => sql.each<FolderRow>('SELECT * FROM folders WHERE gone = 0 ORDER BY path'),
    seeFolder: (path, { mode, uid, gid }, sequence) => {
      const known = folder(path);
      if (known?.mode === mode && known.uid === uid && known.gid === gid) return known;
      sql.run(
        `INSERT INTO folders (path, stamp, mode, uid, gid, changed, gone) VALUES (?, '', ?, ?, ?, ?, 0)
         ON CONFLICT (path) DO UPDATE SET mode = excluded.mode, uid = excluded.uid, gid = excluded.gid,
           changed = excluded.changed, gone = 0`,
        ...[path, mode, uid, gid, sequence],
      );
      return folder(path) as FolderRow;
    },
    setFolderStamp: (id, stamp) => sql.run('UPDATE folders SET stamp = ? WHERE id = ?', stamp, id),
    dropFolder: (id, sequence) => {
      sql.run(
        'UPDATE entries SET gone = 1, changed = ? WHERE gone = 0 AND folder = ?',
        ...[sequence, id],
      );
      sql.run(`UPDATE folders SET gone = 1, stamp = '', changed = ? WHERE id = ?`, sequence, id);
    },
  };
}

const COLUMNS =
  'folder, key, place, kind, size, mtime, mode, uid, gid, digest, archive, member, target, stamp';

function entryPart(sql: Sql): Pick<Index, EntryPart> {
  return {
    messages: (folder) => {
      const rows = 'SELECT * FROM entries WHERE folder = ? AND kind = 1 AND gone = 0 AND place';
      return {
        single: sql.each<EntryRow>(`${rows} <> '' ORDER BY key`, folder),
        doubles: sql.all<EntryRow>(`${rows} = ''`, folder),
      };
    },
    files: (folder) =>
      sql.all<EntryRow>(
        'SELECT * FROM entries WHERE folder = ? AND kind <> 1 AND gone = 0',
        folder,
      ),
    addEntry: (one, sequence) => {
      const { folder, key, place, kind, size, mtime, mode, uid, gid, digest } = one;
      sql.run(
        `INSERT OR REPLACE INTO entries (${COLUMNS}, changed, gone) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,0)`,
        ...[folder, key, place, kind, size, mtime, mode, uid, gid, digest],
        ...[one.archive, one.member, one.target, one.stamp, sequence],
      );
    },
    moveEntry: (id, place, sequence) =>
      sql.run('UPDATE entries SET place = ?, changed = ? WHERE id = ?', place, sequence, id),
    setEntryStamp: (id, stamp) => sql.run('UPDATE entries SET stamp = ? WHERE id = ?', stamp, id),
    placeEntry: (id, { archive, member }, sequence) =>
      sql.run(
        'UPDATE entries SET archive = ?, member = ?, changed = ? WHERE id = ?',
        ...[archive, member, sequence, id],
      ),
    dropEntry: (id, sequence) =>
      sql.run('UPDATE entries SET gone = 1, changed = ? WHERE id = ?', sequence, id),
    dropMessages: (folder, sequence) =>
      sql.run(
        'UPDATE entries SET gone = 1, changed = ? WHERE folder = ? AND kind = 1 AND gone = 0',
        ...[sequence, folder],
      ),
  };
}

type ArchivePart = 'archives' | 'addArchive' | 'setArchive' | 'removeArchive';

function archivePart(sql: Sql): Pick<Index, ArchivePart> {
  return {
    archives: () => sql.all<ArchiveRow>('SELECT * FROM archives ORDER BY id'),
    addArchive: (name, sequence, since) => {
      sql.run(
        `INSERT INTO archives (name, size, sha256, unpacked, sequence, since) VALUES (?, 0, '', 0, ?, ?)`,
        ...[name, sequence, since],
      );
      return sql.get<{ id: number }>('SELECT last_insert_rowid() AS id')?.id ?? 0;
    },
    setArchive: (id, { size, sha256, unpacked }) =>
      sql.run(
        'UPDATE archives SET size = ?, sha256 = ?, unpacked = ? WHERE id = ?',
        ...[size, sha256, unpacked, id],
      ),
    removeArchive: (id) => sql.run('DELETE FROM archives WHERE id = ?', id),
  };
}

/** Opens the index at the path, or makes an empty one. Throws ARCHIVE_INVALID when it is damaged or of another version. */
export function openIndex(host: Pick<Host, 'sql'>, path: string): Index {
  const sql = host.sql.open(path);
  sql.exec(TABLES);
  const meta = (key: string) =>
    sql.get<{ value: string }>('SELECT value FROM meta WHERE key = ?', key)?.value ?? null;
  return {
    sql,
    meta,
    setMeta: (key, value) => sql.run('INSERT OR REPLACE INTO meta VALUES (?, ?)', key, value),
    ...folderPart(sql),
    ...entryPart(sql),
    sameContent: (digest, size) =>
      sql.all<Place>(
        `SELECT archive, member FROM entries WHERE digest = ? AND kind = 1 AND size = ?
         AND archive IN (SELECT id FROM archives)`,
        ...[digest, size],
      ),
    ...archivePart(sql),
    hasChanged: (sequence) =>
      ['folders', 'entries'].some(
        (table) => sql.get(`SELECT 1 FROM ${table} WHERE changed = ? LIMIT 1`, sequence) !== null,
      ),
    close: () => sql.close(),
  };
}
