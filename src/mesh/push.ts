// Brings a store up to the newest backup: first the archives that it lacks, then the manifest, so that a backup exists
// there when it is whole. Then removes what the retention rule does not keep.

import { MailctlError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { archivesOf, MANIFEST_NAME, type Manifest } from './archive/manifest.ts';
import { planPrune, type RetentionRule } from './retention.ts';
import type { ArchiveFile, ArchiveStore, StoredFile } from './store.ts';

export interface LocalBackup {
  readonly manifest: Manifest;
  /** The manifest itself. */
  readonly file: ArchiveFile & { readonly path: string };
}

export interface Pushed {
  /** Files that were sent, and their bytes. */
  readonly files: number;
  readonly bytes: number;
  /** Archives that neither the store nor this box has; the backup is not whole there. */
  readonly lacking: readonly string[];
}

export interface Push {
  readonly backup: LocalBackup;
  /** Where an archive is on this box, as long as it is. */
  readonly pathOf: (name: string) => string;
  readonly progress?: (name: string, sent: number) => void;
}

/** True if the store says that it has this very file. */
const has = (there: ReadonlyMap<string, StoredFile>, { name, size }: ArchiveFile): boolean =>
  there.get(name)?.size === size;

const byName = (files: readonly StoredFile[]): ReadonlyMap<string, StoredFile> =>
  new Map(files.map((file) => [file.name, file]));

/** Can be repeated: what the store has is not sent again. Throws PEER_AWAY, PEER_REFUSED, PEER_CHANGED. */
export async function pushTo(host: Host, store: ArchiveStore, push: Push): Promise<Pushed> {
  const { backup, pathOf, progress } = push;
  const there = byName(await store.list());
  let files = 0;
  let bytes = 0;
  const send = async (file: ArchiveFile & { readonly path: string }) => {
    await store.put(file, (sent) => progress?.(file.name, sent));
    files += 1;
    bytes += file.size;
  };
  const lacking: string[] = [];
  for (const archive of archivesOf(backup.manifest)) {
    if (has(there, archive)) continue;
    const path = pathOf(archive.name);
    const local = await host.files.stat(path);
    // a file of this name and another size cannot be replaced there
    if (there.has(archive.name) || local?.size !== archive.size) lacking.push(archive.name);
    else await send({ ...archive, path });
  }
  if (lacking.length === 0 && !has(there, backup.file)) await send(backup.file);
  return { files, bytes, lacking };
}

const sequenceOf = (name: string): number => Number(/^\d+/.exec(name)?.[0] ?? Number.NaN);

export interface PruneWork {
  readonly rule: RetentionRule;
  /** The newest backup of which a trial restore succeeded. */
  readonly verified: number | null;
  /** The manifest of this name; null for one that is damaged, which protects nothing. */
  readonly manifestOf: (name: string) => Promise<Manifest | null>;
}

/** False when the store refuses, as it does inside its protected window. */
async function removed(store: ArchiveStore, name: string): Promise<boolean> {
  try {
    await store.remove([name]);
    return true;
  } catch (error) {
    if (error instanceof MailctlError && error.code === 'PEER_REFUSED') return false;
    throw error;
  }
}

/** Returns the number of files that were removed. What is refused goes with a later prune. */
export async function pruneStore(
  host: Host,
  store: ArchiveStore,
  work: PruneWork,
): Promise<number> {
  const names = (await store.list()).map(({ name }) => name);
  const manifests: Manifest[] = [];
  for (const name of names.filter((one) => MANIFEST_NAME.test(one))) {
    const manifest = await work.manifestOf(name);
    if (manifest !== null) manifests.push(manifest);
  }
  const backups = manifests.map((manifest) => ({
    ...{ sequence: manifest.sequence, time: new Date(manifest.time) },
    archives: archivesOf(manifest).map(({ name }) => name),
  }));
  const archives = names
    .filter((name) => name.endsWith('.tar.zst.age'))
    .map((name) => ({ name, sequence: sequenceOf(name) }));
  const holding = { backups, archives, verified: work.verified };
  const plan = planPrune(holding, work.rule, host.clock.now());
  const stay = new Set(backups.map(({ sequence }) => sequence));
  let count = 0;
  for (const sequence of plan.backups) {
    if (!(await removed(store, `${sequence}.manifest.json`))) continue;
    stay.delete(sequence);
    count += 1;
  }
  const needed = new Set(
    backups.filter(({ sequence }) => stay.has(sequence)).flatMap((one) => one.archives),
  );
  for (const name of plan.archives) {
    if (!needed.has(name) && (await removed(store, name))) count += 1;
  }
  return count;
}
