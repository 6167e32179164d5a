// One backup: what has changed, in new archives, and a manifest. It exists when its manifest does. A run that was killed
// leaves the earlier backups as they were; the next one removes what it left.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import type { Source } from '../source.ts';
import { planCompaction } from './compaction.ts';
import { createContents } from './content.ts';
import type { ArchiveRow, Index } from './index-file.ts';
import { listsOf, planList, writeList } from './lists.ts';
import {
  type ArchiveFile,
  digestOfManifest,
  formatManifest,
  type Manifest,
  readOwnManifest,
  type Signer,
} from './manifest.ts';
import { createPacker, type Packer } from './packer.ts';
import { storeLeaving } from './restock.ts';
import { type Head, openStaging, type Staging } from './staging.ts';
import { walkSources } from './walk.ts';
import type { LeftOut, Walk } from './walk-state.ts';

export interface BackupOptions {
  /** The mesh's folder of this box: `index.db`, `outbox/`. */
  readonly folder: string;
  readonly sources: readonly Source[];
  /** Public halves of the recovery keys. */
  readonly recipients: readonly string[];
  readonly signer: Signer;
  /** Archives that no peer has any more: their contents are stored again. */
  readonly lost?: readonly string[];
  /** Content of an archive before compression, from which on another one follows; default: 256 MB. */
  readonly partBytes?: number;
}

export interface BackupReport {
  /** False when nothing has changed since the last backup, which `manifest` is then. */
  readonly made: boolean;
  readonly manifest: Manifest;
  readonly leftOut: readonly LeftOut[];
}

/** A backup of a moment takes two walks: the second one finds what moved behind the first. */
const PASSES = 2;
const PART = 256 * 1024 * 1024;

interface Run {
  readonly host: Host;
  readonly options: BackupOptions;
  readonly index: Index;
  readonly head: Head | null;
  readonly sequence: number;
  readonly time: Date;
}

function usesOf(index: Index) {
  return index.sql.all<{ id: number; stored: number; live: number }>(
    `SELECT archives.id AS id, archives.unpacked AS stored, COALESCE(SUM(entries.size), 0) AS live
     FROM archives LEFT JOIN entries ON entries.archive = archives.id AND entries.gone = 0
     WHERE archives.since IS NULL AND archives.size > 0 GROUP BY archives.id`,
  );
}

/** Archives without an entry, and lists that the new one replaces. */
function dropUnused(index: Index, sequence: number, since: number): void {
  const used = new Set(
    index.sql
      .all<{ archive: number }>('SELECT DISTINCT archive FROM entries WHERE gone = 0')
      .map(({ archive }) => archive),
  );
  for (const { id, since: begins, sequence: made } of index.archives()) {
    const unused = begins === null ? !used.has(id) : made > since && made < sequence;
    if (unused) index.removeArchive(id);
  }
}

const fileOf = ({ name, size, sha256, unpacked }: ArchiveRow): ArchiveFile => ({
  name,
  size,
  sha256,
  unpacked,
});

function countEntries(index: Index) {
  const rows = index.sql.all<{ kind: number; count: number; bytes: number }>(
    'SELECT kind, COUNT(*) AS count, SUM(size) AS bytes FROM entries WHERE gone = 0 GROUP BY kind',
  );
  const messages = rows.find(({ kind }) => kind === 1)?.count ?? 0;
  const all = rows.reduce((sum, { count }) => sum + count, 0);
  return { messages, files: all - messages, bytes: rows.reduce((sum, row) => sum + row.bytes, 0) };
}

function manifestOf(run: Run, leftOut: number): Manifest {
  const { index, options, sequence, head, time } = run;
  const archives = index.archives();
  return {
    v: 1,
    box: options.signer.box,
    sequence,
    parent: head?.digest ?? null,
    time: time.toISOString(),
    recipients: options.recipients,
    archives: archives.filter((one) => one.sequence === sequence).map(fileOf),
    needs: archives.filter((one) => one.sequence !== sequence).map(fileOf),
    lists: listsOf(archives).map(({ name }) => name),
    counts: { ...countEntries(index), left_out: leftOut },
  };
}

/** The archives to store again, and whether the list is one of those that were lost. */
function lostOf(index: Index, lost: readonly string[]) {
  const rows = index.archives().filter(({ name }) => lost.includes(name));
  return {
    ids: rows.filter(({ since }) => since === null).map(({ id }) => id),
    list: rows.some(({ since }) => since !== null),
  };
}

async function walkAll(run: Run, packer: Packer, lost: readonly number[]): Promise<Walk> {
  const { host, index, options, sequence } = run;
  const leaving = new Set(lost);
  const walk: Walk = {
    ...{ host, index, packer, sequence, leaving },
    contents: createContents(packer),
    seen: new Set(),
    leftOut: new Map(),
  };
  for (let pass = 0; pass < PASSES; pass += 1) await walkSources(walk, options.sources);
  for (const id of planCompaction(usesOf(index))) leaving.add(id);
  await storeLeaving(walk, options.sources);
  return walk;
}

/** Writes archives and manifest; null when nothing has changed. */
async function store(run: Run, staging: Staging, packer: Packer): Promise<BackupReport | null> {
  const { host, index, options, sequence, time } = run;
  const lost = lostOf(index, options.lost ?? []);
  const walk = await walkAll(run, packer, lost.ids);
  const leftOut = [...walk.leftOut].map(([path, reason]) => ({ path, reason }));
  if (staging.last !== null && !lost.list && !index.hasChanged(sequence)) return null;
  const since = lost.list ? 0 : planList(listsOf(index.archives()), sequence);
  const seconds = Math.floor(time.getTime() / 1000);
  await writeList({ index, packer }, { sequence, since, time: seconds }, walk.leftOut);
  await packer.finish();
  dropUnused(index, sequence, since);
  if (since === 0)
    index.sql.exec('DELETE FROM entries WHERE gone = 1; DELETE FROM folders WHERE gone = 1');
  const manifest = manifestOf(run, leftOut.length);
  const text = formatManifest(manifest, options.signer);
  await staging.commit({ sequence, text, digest: digestOfManifest(text) });
  host.say(`backup ${sequence}: ${manifest.counts.messages} messages`);
  return { made: true, manifest, leftOut };
}

async function runBackup(host: Host, options: BackupOptions, staging: Staging) {
  const { index, head } = staging;
  const sequence = (head?.sequence ?? 0) + 1;
  const run: Run = { host, options, index, head, sequence, time: host.clock.now() };
  const { recipients, partBytes = PART } = options;
  const folder = staging.outbox;
  const packer = createPacker(host, { folder, sequence, recipients, index, partBytes });
  try {
    const report = await store(run, staging, packer);
    if (report !== null) return report;
    await packer.discard();
    const parts = index.archives().filter((archive) => archive.sequence === sequence);
    for (const { id } of parts) index.removeArchive(id);
    staging.keep();
    return { made: false, manifest: readOwnManifest(staging.last ?? ''), leftOut: [] };
  } catch (error) {
    await packer.discard();
    staging.undo();
    throw error;
  }
}

/**
 * Backs the sources up. Throws LOCKED while another backup runs, and FILE_FAILED when a required source is missing or
 * the disk is full; earlier backups stay as they are.
 */
export async function backup(host: Host, options: BackupOptions): Promise<BackupReport> {
  if (options.recipients.length === 0)
    throw new MailctlError('USAGE', 'there is no recovery key', { hint: 'mailctl mesh enable' });
  const lock = { path: `${options.folder}/backup.lock`, holder: 'mailctl mesh backup', wait: 0 };
  return host.locks.hold(lock, async () => {
    const staging = await openStaging(host, options.folder);
    try {
      return await runBackup(host, options, staging);
    } finally {
      staging.close();
    }
  });
}
