// Fetches what a peer offers into its folder here, as its own push would store it: for a box that its peer cannot reach.
// Runs as the listener's user, with the listener's key, which may fetch offers and nothing else.

import { join } from 'node:path';
import { MailctlError } from '../errors.ts';
import { digestText } from '../host/digest.ts';
import type { Host } from '../host/host.ts';
import { readAdmitted } from './listener/admitted.ts';
import { partName, readHolding } from './listener/holdings.ts';
import { listenerPaths } from './listener/listener.ts';
import { planPartRemoval, refuseBytes } from './listener/rules.ts';
import { openOffers } from './peers/download.ts';
import type { PeerBox } from './peers/reach.ts';
import type { StoredFile } from './store.ts';

export interface Pulled {
  readonly files: number;
  readonly bytes: number;
}

interface Pull {
  readonly host: Host;
  readonly peer: PeerBox;
  /** Of the peer's archives. */
  readonly folder: string;
  readonly quota: number;
}

/** The hash is not known before the manifest is read: the part is bound to name and size. */
const partOf = ({ name, size }: StoredFile): string =>
  partName({ name, sha256: digestText(`pulled ${name} ${size}`) });

/** Null for a file that belongs to no backup. */
function sequenceOf(name: string): number | null {
  const [, digits] = /^(\d{1,12})[-.]/.exec(name) ?? [];
  return digits === undefined ? null : Number(digits);
}

const isManifest = (name: string): boolean => name.endsWith('.manifest.json');

/**
 * The files of backups that are newer than the newest complete one here, each manifest after its archives: what the
 * peer's retention has removed here is not fetched again.
 */
export function planPull(offered: readonly StoredFile[], here: readonly string[]): StoredFile[] {
  const newest = Math.max(-1, ...here.filter(isManifest).map((name) => sequenceOf(name) ?? -1));
  const present = new Set(here);
  const order = ({ name }: StoredFile) => (sequenceOf(name) ?? 0) * 2 + (isManifest(name) ? 1 : 0);
  return offered
    .filter(({ name }) => (sequenceOf(name) ?? -1) > newest && !present.has(name))
    .toSorted((a, b) => order(a) - order(b));
}

async function requireRoom({ host, peer, folder, quota }: Pull, file: StoredFile): Promise<void> {
  const content = await readHolding(host, folder);
  const parts = content.parts.filter((part) => partName(part) !== partOf(file));
  const disk = await host.files.space(folder);
  const refused = refuseBytes({ ...content, parts, expected: 0, disk }, { quota }, file.size);
  if (refused === null) return;
  const why = refused === 'quota' ? 'exceeds its quota here' : 'does not fit on the disk here';
  throw new MailctlError('PEER_REFUSED', `${file.name} of peer ${peer.id.slice(0, 16)} ${why}`, {
    hint: 'mailctl mesh peers',
  });
}

async function removeOldParts({ host, folder }: Pull): Promise<void> {
  const { parts } = await readHolding(host, folder);
  for (const part of planPartRemoval(parts, host.clock.now())) {
    await host.files.remove(join(folder, partName(part)));
  }
}

/**
 * Fetches the newer backups, each file to its end or not at all; a broken transfer goes on the next time.
 * Throws PEER_AWAY, PEER_REFUSED, PEER_CHANGED, PEER_UNKNOWN, FILE_FAILED.
 * @param folder of the mesh
 */
export async function pullFrom(host: Host, folder: string, peer: PeerBox): Promise<Pulled> {
  const paths = listenerPaths(folder);
  const grant = (await readAdmitted(host, paths.own)).find(({ id }) => id === peer.id);
  const key = await host.files.read(paths.key);
  const certificate = await host.files.read(paths.chain);
  if (grant === undefined || key === null || certificate === null) {
    const message = `peer ${peer.id.slice(0, 16)} is not admitted here`;
    throw new MailctlError('PEER_REFUSED', message, { hint: `mailctl mesh add-peer ${peer.id}` });
  }
  const pull = { host, peer, folder: join(paths.peers, peer.id), quota: grant.quota };
  await host.files.makeDirectory(pull.folder, { mode: 0o700 });
  await removeOldParts(pull);
  const offers = openOffers(host, peer, { key, certificate });
  const here = (await readHolding(host, pull.folder)).files.map(({ name }) => name);
  const pulled = { files: 0, bytes: 0 };
  for (const file of planPull(await offers.list(), here)) {
    await requireRoom(pull, file);
    const part = join(pull.folder, partOf(file));
    await offers.fetch(file, part);
    if (!(await host.archives.finish(part, join(pull.folder, file.name)))) continue;
    pulled.files += 1;
    pulled.bytes += file.size;
  }
  return pulled;
}
