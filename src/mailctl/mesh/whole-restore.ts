// A restore of the whole server: the checked tree takes the place of the data of this box, and the server starts.

import { join } from 'node:path';
import type { Appliance } from '../../appliance/appliance.ts';
import { endRestore, type Restored, switchRestored } from '../../appliance/backup/restore.ts';
import { takeDown } from '../../appliance/container/lifecycle.ts';
import {
  restoredTree,
  restoreFolder,
  unfinishedRestore,
} from '../../appliance/container/restore-journal.ts';
import type { Host } from '../../host/host.ts';
import { manifestName } from '../../mesh/archive/manifest.ts';
import { continueFrom } from '../../mesh/archive/staging.ts';
import { readIdentity } from '../../mesh/own-identity.ts';
import { type Fetched, openBackup, type Wanted } from './restoring.ts';

const archivesFolder = ({ paths }: Appliance): string => join(restoreFolder(paths), 'archives');

/**
 * The mesh's own files belong to the box that made the backup. Where this is that box, they stay as they are now; else
 * what this box has prepared for its own backups goes, since it continues as the other one.
 * @param fromPeers its next backup continues the chain that the peers have; a single file is no part of it
 */
async function settleMesh(
  host: Host,
  target: Appliance,
  { backup, fromPeers }: { backup: Fetched; fromPeers: boolean },
): Promise<void> {
  const { mesh } = target.paths;
  const { box, sequence } = backup.manifest;
  const own = await readIdentity(host, mesh);
  if (own?.peerId === box) {
    await host.files.removeTree(join(restoredTree(target.paths), 'mesh'));
    return;
  }
  for (const name of ['index.db', 'outbox', 'proofs', 'listener'])
    await host.files.removeTree(join(mesh, name));
  if (!fromPeers) return;
  const folder = archivesFolder(target);
  const text = await host.files.read(join(folder, manifestName(sequence)));
  const { index } = backup.listing;
  if (text !== null)
    await continueFrom(host, mesh, { index, path: join(folder, 'index.db'), text });
}

/** Fetches and checks everything, and changes nothing that is in use. Goes on where a killed run ended. */
export async function prepareRestore(
  host: Host,
  target: Appliance,
  { wanted, warn }: { wanted: Wanted; warn: (text: string) => void },
): Promise<number> {
  const { paths } = target;
  await host.files.makeDirectory(paths.mesh, { mode: 0o711 });
  await host.files.makeDirectory(restoreFolder(paths), { mode: 0o700 });
  const folder = archivesFolder(target);
  const backup = await openBackup(host, target, { wanted, folder, warn });
  try {
    await backup.restore(restoredTree(paths));
    await settleMesh(host, target, { backup, fromPeers: wanted.file === null });
  } finally {
    backup.close();
  }
  return backup.manifest.sequence;
}

/** The sequence of a restore that has begun to change things, and must be finished; null without one. */
export async function begunRestore(host: Host, { paths }: Appliance): Promise<number | null> {
  return (await unfinishedRestore(host, paths))?.sequence ?? null;
}

/**
 * Stops the server and switches the checked backup in. The caller holds the lock of the appliance.
 * @param start starts the server, with settings read anew
 */
export async function switchAndStart(
  host: Host,
  target: Appliance,
  { sequence, start }: { sequence: number; start: () => Promise<void> },
): Promise<Restored> {
  await takeDown(host, target);
  const restored = await switchRestored(host, target, sequence);
  await start();
  await endRestore(host, target.paths);
  return restored;
}
