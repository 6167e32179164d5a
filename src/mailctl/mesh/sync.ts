// One round of backups: makes the next one, brings every peer up to it, thins out what the peers keep, and notes what
// each of them did. Peers are independent: one that is away keeps no other one waiting.

import { join } from 'node:path';
import type { Appliance } from '../../appliance/appliance.ts';
import { requireRecipient } from '../../appliance/backup/recovery.ts';
import {
  BACKUP_STATE,
  emptyRecord,
  type PeerRecord,
  readBackupState,
} from '../../appliance/backup/state.ts';
import { openState } from '../../appliance/container/state-file.ts';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import type { BackupReport } from '../../mesh/archive/backup.ts';
import { archivesOf } from '../../mesh/archive/manifest.ts';
import { requireIdentity } from '../../mesh/own-identity.ts';
import { dropQuestions, prepareQuestions } from '../../mesh/proofs.ts';
import type { LocalBackup } from '../../mesh/push.ts';
import { followPeers } from './listener.ts';
import { localBackups, makeBackup, outboxOf } from './local-backups.ts';
import { learnHead, type PeerResult, pushPeer, type Round } from './push-peer.ts';
import { openStore, ownerOf } from './stores.ts';
import { offerOutbox, takeFromPeers } from './take.ts';

const LOCK_WAIT_MS = 30_000;

export interface SyncReport {
  readonly backup: BackupReport;
  readonly peers: readonly PeerResult[];
}

/** The lock of everything that writes the state of the mesh. */
export function withMeshLock<T>(
  host: Host,
  { paths }: Appliance,
  { command, work }: { command: string; work: () => Promise<T> },
): Promise<T> {
  const lock = { path: join(paths.mesh, 'sync.lock'), holder: command, wait: LOCK_WAIT_MS };
  return host.locks.hold(lock, work);
}

function noted(before: PeerRecord, result: PeerResult, now: Date): PeerRecord {
  const { pushed, space, error, lacking } = result;
  if (error !== null) return { ...before, problem: error.message };
  if (pushed === null) {
    return { ...before, problem: `it lacks ${lacking.length} archives; the next backup has them` };
  }
  return {
    ...before,
    pushed: { sequence: pushed.sequence, time: pushed.time },
    ...{ lastPush: now.toISOString(), problem: null },
    ...{ usedBytes: space?.used ?? null, quotaBytes: space?.quota ?? null },
  };
}

/** Writes what the peers did; peers that are gone from the UCI file are forgotten. */
async function note(host: Host, target: Appliance, report: SyncReport): Promise<void> {
  const open = await openState(host, target.paths, BACKUP_STATE);
  const { current } = open;
  const now = host.clock.now();
  const { sequence, time } = report.backup.manifest;
  const peers: Record<string, PeerRecord> = {};
  for (const name of target.settings.mesh.backupPeers) {
    const before = current.peers[name] ?? emptyRecord(now);
    const result = report.peers.find(({ peer }) => peer === name);
    peers[name] = result === undefined ? before : noted(before, result, now);
  }
  await open.write({ ...current, last: { sequence, time }, peers });
}

/** Removes archives that every peer has, and questions and manifests that nothing needs. */
async function tidyOutbox(round: Round, results: readonly PeerResult[]): Promise<void> {
  const { host, target, backups } = round;
  const outbox = outboxOf(target);
  const needed = new Set(
    backups.flatMap(({ manifest }) => archivesOf(manifest)).map(({ name }) => name),
  );
  await dropQuestions(host, target.paths.mesh, needed);
  const everywhere = results.every(({ pushed }) => pushed !== null) && results.length > 0;
  if (!everywhere) return;
  for (const name of await host.files.list(outbox)) {
    if (name.endsWith('.tar.zst.age')) await host.files.remove(join(outbox, name));
  }
}

async function prepareProofs({ host, target, backups }: Round): Promise<void> {
  const [newest] = backups;
  for (const archive of newest === undefined ? [] : archivesOf(newest.manifest)) {
    const path = join(outboxOf(target), archive.name);
    if ((await host.files.stat(path))?.size !== archive.size) continue;
    await prepareQuestions(host, target.paths.mesh, { ...archive, path });
  }
}

async function openRound(host: Host, target: Appliance): Promise<Round> {
  const { restoreKey } = await requireRecipient(host, target.paths);
  return {
    ...{ host, target, restoreKey },
    owner: ownerOf(await requireIdentity(host, target.paths.mesh)),
    backups: await localBackups(host, target),
    state: await readBackupState(host, target.paths),
  };
}

/** Names of archives that neither the peer has nor the outbox; none for a peer that is away. */
async function lackingAt(
  { host, target, owner }: Round,
  { peer, backup }: { peer: string; backup: LocalBackup },
): Promise<string[]> {
  try {
    const store = await openStore(host, target, { reference: peer, owner });
    const there = new Set((await store.list()).map(({ name }) => name));
    const here = new Set(await host.files.list(outboxOf(target)));
    return archivesOf(backup.manifest)
      .map(({ name }) => name)
      .filter((name) => !there.has(name) && !here.has(name));
  } catch (error) {
    if (!(error instanceof MailctlError)) throw error;
    host.say(`${peer}: ${error.message}`);
    return [];
  }
}

/** @param lost archives whose contents are stored again */
async function pushAll(host: Host, target: Appliance, lost: readonly string[]) {
  const { mesh } = target.settings;
  const owner = ownerOf(await requireIdentity(host, target.paths.mesh));
  await learnHead(host, target, { owner, peers: mesh.backupPeers });
  const backup = await makeBackup(host, target, lost);
  const round = await openRound(host, target);
  await prepareProofs(round);
  const results = await Promise.all(mesh.backupPeers.map((peer) => pushPeer(round, peer)));
  return { round, report: { backup, peers: results } };
}

/** Fetches archives into the outbox, each from the first peer that has it; returns the names. */
async function fetchFromOthers({ host, target, owner, backups }: Round, names: readonly string[]) {
  const wanted = new Map(
    backups.flatMap(({ manifest }) => archivesOf(manifest)).map((one) => [one.name, one]),
  );
  const left = new Set(names);
  for (const peer of target.settings.mesh.backupPeers) {
    try {
      const store = await openStore(host, target, { reference: peer, owner });
      const there = new Set((await store.list()).map(({ name }) => name));
      for (const name of [...left].filter((one) => there.has(one))) {
        const archive = wanted.get(name);
        if (archive === undefined) continue;
        await store.get(archive, join(outboxOf(target), name));
        left.delete(name);
      }
    } catch (error) {
      if (!(error instanceof MailctlError)) throw error;
      host.say(`${peer}: ${error.message}`);
    }
  }
  return { fetched: names.filter((name) => !left.has(name)), lacking: [...left] };
}

const lackingAnywhere = ({ peers }: SyncReport): string[] => [
  ...new Set(peers.flatMap(({ lacking }) => lacking)),
];

/**
 * Makes a backup and pushes it to the peers. Throws LOCKED, RECOVERY_KEY_MISSING and FILE_FAILED; what a peer refuses is
 * in the report.
 */
export async function syncPush(host: Host, target: Appliance): Promise<SyncReport> {
  const work = async () => {
    await followPeers(host, target);
    let { round, report } = await pushAll(host, target, []);
    const missing = lackingAnywhere(report);
    if (missing.length > 0) {
      const { lacking } = await fetchFromOthers(round, missing);
      ({ round, report } = await pushAll(host, target, lacking));
    }
    await note(host, target, report);
    await tidyOutbox(round, report.peers);
    await offerOutbox(host, target);
    return report;
  };
  return withMeshLock(host, target, { command: 'mailctl mesh sync push', work });
}

/**
 * Fetches the archives that peers offer, to hold copies for them, and the archives of our newest backup that one peer
 * lacks from another.
 */
export async function syncPull(host: Host, target: Appliance) {
  const work = async () => {
    await followPeers(host, target);
    const taken = await takeFromPeers(host, target);
    const round = await openRound(host, target);
    const [newest] = round.backups;
    if (newest === undefined) return { taken, fetched: [], lacking: [] };
    const missing = new Set<string>();
    for (const peer of target.settings.mesh.backupPeers) {
      for (const name of await lackingAt(round, { peer, backup: newest })) missing.add(name);
    }
    return { taken, ...(await fetchFromOthers(round, [...missing])) };
  };
  return withMeshLock(host, target, { command: 'mailctl mesh sync pull', work });
}
