// Reads the list of entries of a backup from its archives into an index, in which a restore looks entries up. The same
// index lets a restored box continue with the next backup.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { createTarReader } from '../../host/tar.ts';
import { type EntryRow, type Index, KIND, openIndex } from './index-file.ts';
import { type ListedEntry, type ListLine, parseListLine } from './list-lines.ts';
import { ARCHIVE_NAME, type ArchiveFile, archivesOf, type Manifest } from './manifest.ts';
import { messagePath } from './names.ts';
import type { LeftOut } from './walk-state.ts';

export interface BackupFiles {
  readonly manifest: Manifest;
  /** The folder that holds its archives. */
  readonly folder: string;
  /** Recovery keys, the present and former ones. */
  readonly identities: readonly string[];
}

export interface Listing {
  readonly index: Index;
  readonly leftOut: readonly LeftOut[];
}

/** A longer line is none of ours: a path has at most 4096 bytes. */
const MAX_LINE = 64 * 1024;

function damaged(archive: ArchiveFile, what: string): MailctlError {
  return new MailctlError('ARCHIVE_INVALID', `the list in ${archive.name} is damaged: ${what}`);
}

/** Calls `take` with each line of the members. */
function lineReader(archive: ArchiveFile, take: (line: string) => void) {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  return createTarReader({
    begin: () => true,
    write: (bytes) => {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > MAX_LINE) throw damaged(archive, 'a line without end');
      for (const line of lines) take(line);
    },
    end: () => {
      if (rest !== '') throw damaged(archive, 'its last line is incomplete');
    },
  });
}

interface Loading {
  readonly index: Index;
  readonly manifest: Manifest;
  /** Rows of the archives, by name. */
  readonly archives: Map<string, number>;
  readonly folders: Map<string, number>;
  readonly leftOut: Map<string, string>;
}

function folderOf({ folders }: Loading, path: string, archive: ArchiveFile): number {
  const id = folders.get(path);
  if (id === undefined)
    throw damaged(archive, `an entry without its folder ${JSON.stringify(path)}`);
  return id;
}

/** An older list may name an archive that is not needed any more: a newer list replaces its entries. */
function archiveRow({ archives, index }: Loading, name: string, list: ArchiveFile): number {
  if (!ARCHIVE_NAME.test(name)) throw damaged(list, `an entry in ${JSON.stringify(name)}`);
  const id = archives.get(name) ?? index.addArchive(name, Number.parseInt(name, 10), null);
  archives.set(name, id);
  return id;
}

/** Archives that the manifest does not name must have no entry. */
function dropFormerArchives({ index, manifest, archives }: Loading): void {
  const named = new Set(archivesOf(manifest).map(({ name }) => name));
  for (const [name, id] of archives) {
    if (named.has(name)) continue;
    if (index.sql.get('SELECT 1 FROM entries WHERE archive = ? LIMIT 1', id) !== null)
      throw new MailctlError('ARCHIVE_INVALID', `the manifest does not name the archive ${name}`);
    index.removeArchive(id);
  }
}

function addEntry(loading: Loading, entry: ListedEntry, list: ArchiveFile, sequence: number): void {
  const archive = archiveRow(loading, entry.archive, list);
  const folder = folderOf(loading, entry.folder, list);
  loading.index.addEntry({ ...entry, folder, archive, stamp: '' }, sequence);
}

function dropEntry(loading: Loading, folder: string, key: string | null): void {
  const { sql } = loading.index;
  const id = loading.folders.get(folder);
  if (id === undefined) return;
  if (key === null) {
    loading.folders.delete(folder);
    sql.run('DELETE FROM entries WHERE folder = ?', id);
    sql.run('DELETE FROM folders WHERE id = ?', id);
  } else sql.run('DELETE FROM entries WHERE folder = ? AND key = ?', id, key);
}

/** Applies one line. Deletions are applied at once: a list names a folder before its entries. */
function applyLine(loading: Loading, line: ListLine, list: ArchiveFile, sequence: number): void {
  if (line.is === 'entry') addEntry(loading, line.entry, list, sequence);
  else if (line.is === 'folder') {
    const { id } = loading.index.seeFolder(line.path, line, sequence);
    loading.folders.set(line.path, id);
  } else if (line.is === 'gone') dropEntry(loading, line.folder, line.key);
  else if (line.is === 'left out') loading.leftOut.set(line.path, line.reason);
}

async function readList(
  host: Host,
  files: BackupFiles,
  list: ArchiveFile,
  loading: Loading,
): Promise<{ sequence: number; since: number }> {
  let head: { sequence: number; since: number } | null = null;
  // what was left out of an older backup is in it no more
  loading.leftOut.clear();
  const reader = lineReader(list, (text) => {
    const line = parseListLine(text);
    if (line.is === 'head') head = line.head;
    else if (head === null) throw damaged(list, 'it does not begin with its head');
    else applyLine(loading, line, list, (head as { sequence: number }).sequence);
  });
  const { identities, folder } = files;
  const source = { path: `${folder}/${list.name}`, identities, limit: list.unpacked };
  await host.sealed.read(source, (bytes) => reader.feed(bytes));
  reader.finish();
  if (head === null) throw damaged(list, 'it is empty');
  return head;
}

function checkCounts(index: Index, { counts }: Manifest): void {
  const count = (where: string) =>
    index.sql.get<{ n: number }>(`SELECT COUNT(*) AS n FROM entries WHERE kind ${where}`)?.n ?? 0;
  const messages = count(`= ${KIND.message}`);
  const files = count(`<> ${KIND.message}`);
  if (messages === counts.messages && files === counts.files) return;
  throw new MailctlError(
    'ARCHIVE_INVALID',
    `the list has ${messages} messages and ${files} files, but the manifest ${counts.messages} and ${counts.files}`,
  );
}

async function load(host: Host, files: BackupFiles, index: Index): Promise<Listing> {
  const { manifest } = files;
  const byName = new Map(archivesOf(manifest).map((archive) => [archive.name, archive]));
  const archives = new Map<string, number>();
  for (const archive of byName.values()) {
    const id = index.addArchive(archive.name, Number.parseInt(archive.name, 10), null);
    index.setArchive(id, archive);
    archives.set(archive.name, id);
  }
  const loading: Loading = { index, manifest, archives, folders: new Map(), leftOut: new Map() };
  let covered = 0;
  for (const name of manifest.lists) {
    const list = byName.get(name);
    if (list === undefined) throw new Error(`no archive ${name}`);
    const { sequence, since } = await readList(host, files, list, loading);
    if (since !== covered || sequence !== Number.parseInt(name, 10))
      throw damaged(list, `it begins after backup ${since}, not ${covered}`);
    covered = sequence;
    index.sql.run('UPDATE archives SET since = ? WHERE id = ?', since, archives.get(name) ?? 0);
  }
  if (covered !== manifest.sequence)
    throw new MailctlError('ARCHIVE_INVALID', `the lists end with backup ${covered}`);
  dropFormerArchives(loading);
  checkCounts(index, manifest);
  const leftOut = [...loading.leftOut].map(([path, reason]) => ({ path, reason }));
  return { index, leftOut };
}

/**
 * The entries of a backup, in an index at `path` that the caller closes. The archives of its lists must be in the folder.
 * Throws ARCHIVE_INVALID and RECOVERY_KEY_WRONG.
 */
export async function openListing(host: Host, files: BackupFiles, path: string): Promise<Listing> {
  await host.files.remove(path);
  const index = openIndex(host, path);
  try {
    index.sql.exec('PRAGMA synchronous=OFF');
    index.sql.begin();
    const listing = await load(host, files, index);
    index.sql.commit();
    return listing;
  } catch (error) {
    index.close();
    await host.files.remove(path);
    throw error;
  }
}

export interface ListedPath {
  /** One character for each byte; the name of the source first. */
  readonly path: string;
  readonly kind: 'message' | 'file' | 'link';
  readonly size: number;
  readonly modified: Date;
  /** 192 bits of the SHA-256 of its content, base64url; empty for a link. */
  readonly digest: string;
}

const KINDS = { 1: 'message', 2: 'file', 3: 'link' } as const;

/** Every entry of the backup, one at a time. */
export function* listEntries({ index }: Listing): Generator<ListedPath> {
  const rows = index.sql.each<EntryRow & { path: string }>(
    `SELECT entries.*, folders.path AS path FROM entries JOIN folders ON folders.id = entries.folder
     ORDER BY folders.path, entries.key`,
  );
  for (const { path, key, place, kind, size, mtime, digest } of rows) {
    const name = messagePath({ base: key, place });
    const modified = new Date(mtime * 1000);
    yield { path: `${path}/${name}`, kind: KINDS[kind], size, modified, digest };
  }
}
