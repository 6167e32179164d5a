// One peer in a round of backups: brought up to the newest one, and thinned out.

import { join } from 'node:path';
import type { Appliance } from '../../appliance/appliance.ts';
import type { BackupState } from '../../appliance/backup/state.ts';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { MANIFEST_NAME, type Manifest, parseManifest } from '../../mesh/archive/manifest.ts';
import { type LocalBackup, pruneStore, pushTo } from '../../mesh/push.ts';
import { verifySignature } from '../../mesh/signature.ts';
import type { ArchiveStore } from '../../mesh/store.ts';
import { outboxOf } from './local-backups.ts';
import { openStore, type StoreOwner } from './stores.ts';

const MAX_MANIFEST = 4 * 1024 * 1024;

export interface PeerResult {
  readonly peer: string;
  /** Files and bytes that were sent. */
  readonly files: number;
  readonly bytes: number;
  /** The newest backup that it has whole; null for none. */
  readonly pushed: Manifest | null;
  /** Files that the retention rule removed there. */
  readonly removed: number;
  /** Archives that neither it nor this box has. */
  readonly lacking: readonly string[];
  readonly space: { readonly used: number; readonly quota: number | null } | null;
  readonly error: MailctlError | null;
}

export interface Round {
  readonly host: Host;
  readonly target: Appliance;
  readonly owner: StoreOwner;
  readonly backups: readonly LocalBackup[];
  readonly state: BackupState;
  readonly restoreKey: string;
}

/** null for a manifest that is damaged, or of another box. */
async function manifestAt(store: ArchiveStore, name: string, box: string) {
  try {
    const text = Buffer.from(await store.read(name, MAX_MANIFEST)).toString('utf8');
    const { manifest } = parseManifest(name, text, verifySignature);
    return manifest.box === box ? { manifest, text } : null;
  } catch (error) {
    if (error instanceof MailctlError && error.code === 'ARCHIVE_INVALID') return null;
    throw error;
  }
}

function prune({ host, target, owner, backups, state }: Round, store: ArchiveStore) {
  const { keepHourly, keepDaily, keepWeekly, keepMonthly } = target.settings.mesh;
  const known = new Map(backups.map(({ file, manifest }) => [file.name, manifest]));
  return pruneStore(host, store, {
    rule: { hourly: keepHourly, daily: keepDaily, weekly: keepWeekly, monthly: keepMonthly },
    verified: state.verified?.sequence ?? null,
    manifestOf: async (name) =>
      known.get(name) ?? (await manifestAt(store, name, owner.box))?.manifest ?? null,
  });
}

/** What one peer did; an error of the peer is its result. */
export async function pushPeer(round: Round, peer: string): Promise<PeerResult> {
  const { host, target, owner, backups, restoreKey } = round;
  const nothing = { peer, files: 0, bytes: 0, removed: 0, lacking: [], pushed: null, space: null };
  const [backup] = backups;
  if (backup === undefined) return { ...nothing, error: null };
  try {
    const store = await openStore(host, target, { reference: peer, owner });
    if ('addRestoreKey' in store) await store.addRestoreKey(restoreKey);
    const pathOf = (name: string) => join(outboxOf(target), name);
    const sent = await pushTo(host, store, { backup, pathOf });
    if (sent.files > 0) host.say(`${store.label}: ${sent.files} files sent`);
    const whole = sent.lacking.length === 0;
    const removed = whole ? await prune(round, store) : 0;
    const pushed = whole ? backup.manifest : null;
    return { ...nothing, ...sent, removed, pushed, space: await store.space(), error: null };
  } catch (error) {
    if (!(error instanceof MailctlError)) throw error;
    return { ...nothing, error };
  }
}

interface Known {
  readonly owner: StoreOwner;
  readonly peers: readonly string[];
}

/** The newest manifest of this box that a peer has; null where none has one, or none answers. */
async function newestAtPeers(host: Host, target: Appliance, { owner, peers }: Known) {
  let newest: { manifest: Manifest; text: string } | null = null;
  for (const reference of peers) {
    try {
      const store = await openStore(host, target, { reference, owner });
      const names = (await store.list())
        .map(({ name }) => name)
        .filter((name) => MANIFEST_NAME.test(name));
      for (const name of names) {
        if (Number.parseInt(name, 10) <= (newest?.manifest.sequence ?? 0)) continue;
        newest = (await manifestAt(store, name, owner.box)) ?? newest;
      }
    } catch (error) {
      if (!(error instanceof MailctlError)) throw error;
      host.say(`${reference}: ${error.message}`);
    }
  }
  return newest;
}

/** A box that has lost its manifests goes on after the backups that its peers have: they replace no file. */
export async function learnHead(host: Host, target: Appliance, known: Known): Promise<void> {
  const outbox = outboxOf(target);
  const names = await host.files.list(outbox);
  if (names.some((name) => MANIFEST_NAME.test(name))) return;
  const newest = await newestAtPeers(host, target, known);
  if (newest === null) return;
  await host.files.makeDirectory(outbox, { mode: 0o700 });
  const path = join(outbox, `${newest.manifest.sequence}.manifest.json`);
  await host.files.replace(path, newest.text, { mode: 0o600 });
}
