// Restores the entries of a backup below a target folder. Every archive is checked before the first write; names come
// from the signed list, never from the tar stream, and nothing is written outside of the target. Repeated after a kill,
// it goes on with the first archive that was not finished.

import { MailctlError } from '../../errors.ts';
import { digestFile } from '../../host/digest.ts';
import type { Host } from '../../host/host.ts';
import { createTarReader } from '../../host/tar.ts';
import type { NewFile, TreeAttributes, TreeWriter } from '../../host/tree-writer.ts';
import { createContentDigest } from './content.ts';
import { type EntryRow, type Index, KIND } from './index-file.ts';
import type { BackupFiles, Listing } from './listing.ts';
import { type ArchiveFile, archivesOf } from './manifest.ts';
import { messagePath, shownName } from './names.ts';

export interface RestoreOptions extends BackupFiles {
  readonly listing: Listing;
  /** Made where it is missing; root alone writes there. */
  readonly target: string;
  /** Which entries to restore, by path (one character for each byte); default: all. */
  readonly select?: (path: string) => boolean;
  readonly progress?: (done: number, all: number) => void;
}

export interface RestoreReport {
  readonly messages: number;
  readonly files: number;
  readonly bytes: number;
}

/** An entry with its path in the target. */
interface Wanted extends EntryRow {
  readonly path: string;
}

interface Restore {
  readonly host: Host;
  readonly options: RestoreOptions;
  readonly index: Index;
  readonly writer: TreeWriter;
}

/** Names of finished archives, in the target. */
const FINISHED = '.restore-finished';
const MARK_BYTES = 64 * 1024 * 1024;

function wrong(archive: ArchiveFile, what: string): MailctlError {
  return new MailctlError('ARCHIVE_INVALID', `the archive ${archive.name} ${what}`);
}

/** Throws ARCHIVE_INVALID for the first archive that is missing or is not the one of the manifest. */
async function checkArchives(
  host: Host,
  folder: string,
  archives: readonly ArchiveFile[],
): Promise<void> {
  for (const archive of archives) {
    const path = `${folder}/${archive.name}`;
    const stat = await host.files.stat(path);
    if (stat === null) throw wrong(archive, `is missing in ${folder}`);
    if (stat.kind !== 'file' || stat.size !== archive.size)
      throw wrong(archive, `has ${stat.size} bytes instead of ${archive.size}`);
    if ((await digestFile(host, path)) !== archive.sha256) throw wrong(archive, 'is damaged');
  }
}

const partsOf = (path: string): string[] => path.split('/');

const ENTRIES = `SELECT entries.*, folders.path || '/' AS path FROM entries JOIN folders ON folders.id = entries.folder`;

const withPath = (row: Wanted): Wanted => ({
  ...row,
  path: `${row.path}${messagePath({ base: row.key, place: row.place })}`,
});

const attributesOf = ({ mode, uid, gid, mtime }: EntryRow): TreeAttributes => ({
  // a restore makes nobody root
  mode: mode & 0o1777,
  ...{ uid, gid, mtime },
});

/** The wanted entries of one archive, in the order of its members. */
function* entriesOf({ index, options }: Restore, archive: number): Generator<Wanted> {
  const rows = index.sql.each<Wanted>(
    `${ENTRIES} WHERE archive = ? AND kind <> ${KIND.link} ORDER BY member, entries.id`,
    archive,
  );
  for (const row of rows) {
    const wanted = withPath(row);
    if (options.select?.(wanted.path) ?? true) yield wanted;
  }
}

/** Writes the members that are wanted, and checks size and digest of each. */
function memberWriter(restore: Restore, archive: ArchiveFile, wanted: Generator<Wanted>) {
  const { writer } = restore;
  let next = wanted.next();
  let entry: Wanted | null = null;
  let file: NewFile | null = null;
  let digest = createContentDigest();
  const take = () => {
    const one = next.done ? null : next.value;
    next = wanted.next();
    return one;
  };
  const sink = {
    begin: (number: number, size: number) => {
      if (next.done || next.value.member !== number) return false;
      entry = take();
      if (entry === null || entry.size !== size)
        throw wrong(archive, `has another size than the list for ${shownName(entry?.path ?? '')}`);
      digest = createContentDigest();
      file = writer.file(partsOf(entry.path));
      return true;
    },
    write: (bytes: Uint8Array) => {
      digest.add(bytes);
      file?.write(bytes);
    },
    end: () => {
      const done = entry as Wanted;
      file?.finish(attributesOf(done));
      if (digest.result() !== done.digest)
        throw wrong(archive, `has other content than the list for ${shownName(done.path)}`);
      // several entries with the same content
      while (!next.done && next.value.member === done.member) {
        const twin = take() as Wanted;
        writer.copy(partsOf(done.path), partsOf(twin.path), attributesOf(twin));
      }
    },
  };
  const finish = () => {
    if (!next.done) throw wrong(archive, `lacks ${shownName(next.value.path)}`);
  };
  return { reader: createTarReader(sink), finish };
}

async function restoreArchive(restore: Restore, archive: ArchiveFile, id: number): Promise<void> {
  const wanted = entriesOf(restore, id);
  const { reader, finish } = memberWriter(restore, archive, wanted);
  const { folder, identities } = restore.options;
  const source = { path: `${folder}/${archive.name}`, identities, limit: archive.unpacked };
  await restore.host.sealed.read(source, (bytes) => reader.feed(bytes));
  reader.finish();
  finish();
}

/** Links last, so that no file is written through one; then the folders, from the inside. */
function finishTree({ index, writer, options }: Restore): void {
  const chosen = (path: string) => options.select?.(path) ?? true;
  const links = index.sql.each<Wanted>(`${ENTRIES} WHERE kind = ${KIND.link}`);
  for (const row of links) {
    const link = withPath(row);
    if (chosen(link.path)) writer.link(partsOf(link.path), link.target, link);
  }
  const folders = [...index.folders()].reverse();
  for (const { path, mode, uid, gid } of folders)
    if (chosen(path)) writer.setFolder(partsOf(path), { mode: mode & 0o1777, uid, gid });
}

function totals(index: Index, select: RestoreOptions['select']): RestoreReport {
  const report = { messages: 0, files: 0, bytes: 0 };
  for (const row of index.sql.each<Wanted>(ENTRIES)) {
    if (select !== undefined && !select(withPath(row).path)) continue;
    report[row.kind === KIND.message ? 'messages' : 'files'] += 1;
    report.bytes += row.size;
  }
  return report;
}

/** Archives with wanted contents, in the order of their rows. */
function neededArchives(restore: Restore): { archive: ArchiveFile; id: number }[] {
  const { index, options } = restore;
  const byName = new Map(archivesOf(options.manifest).map((archive) => [archive.name, archive]));
  return index.archives().flatMap(({ id, name, since }) => {
    const archive = byName.get(name);
    const wanted = since === null && !entriesOf(restore, id).next().done;
    return archive !== undefined && wanted ? [{ archive, id }] : [];
  });
}

/** The archives that hold the chosen entries: only they have to be fetched. */
export function archivesFor(listing: Listing, options: RestoreOptions): ArchiveFile[] {
  const restore = { index: listing.index, options } as Restore;
  return neededArchives(restore).map(({ archive }) => archive);
}

async function requireSpace(host: Host, target: string, { bytes }: RestoreReport): Promise<void> {
  const { free } = await host.files.space(target);
  if (free > bytes * 1.02) return;
  const megabytes = (count: number) => Math.ceil(count / 1e6);
  throw new MailctlError(
    'FILE_FAILED',
    `not enough space in ${target}: ${megabytes(bytes)} MB are needed, ${megabytes(free)} MB are free`,
  );
}

/** Restores what was not finished before, and remembers it whenever enough has been written. */
async function restoreArchives(
  restore: Restore,
  needed: readonly { archive: ArchiveFile; id: number }[],
  finished: Set<string>,
): Promise<void> {
  const { host, options } = restore;
  let unmarked = 0;
  for (const [number, { archive, id }] of needed.entries()) {
    if (!finished.has(archive.sha256)) {
      await restoreArchive(restore, archive, id);
      unmarked += archive.unpacked;
    }
    finished.add(archive.sha256);
    options.progress?.(number + 1, needed.length);
    if (unmarked < MARK_BYTES) continue;
    unmarked = 0;
    await host.treeWriters.sync(options.target);
    const marks = `${options.target}/${FINISHED}`;
    await host.files.replace(marks, [...finished].join('\n'), { mode: 0o600 });
  }
}

/**
 * Restores the chosen entries; the same call after a kill goes on. Throws ARCHIVE_INVALID, RECOVERY_KEY_WRONG, and
 * FILE_FAILED when the space does not suffice.
 */
export async function restoreTree(host: Host, options: RestoreOptions): Promise<RestoreReport> {
  const { target, folder, listing, select } = options;
  const { index } = listing;
  await host.files.makeDirectory(target, { mode: 0o700 });
  const report = totals(index, select);
  const marks = `${target}/${FINISHED}`;
  const finished = new Set((await host.files.read(marks))?.split('\n'));
  if (finished.size === 0) await requireSpace(host, target, report);
  const restore: Restore = { host, options, index, writer: host.treeWriters.open(target) };
  try {
    index.sql.exec('CREATE INDEX IF NOT EXISTS entries_archive ON entries (archive, member)');
    const needed = neededArchives(restore);
    await checkArchives(
      host,
      folder,
      needed.map(({ archive }) => archive),
    );
    await restoreArchives(restore, needed, finished);
    finishTree(restore);
    await host.treeWriters.sync(target);
    await host.files.remove(marks);
  } finally {
    restore.writer.close();
  }
  return report;
}
