// The store behind a reference of mesh.backup_peers.

import type { Appliance } from '../../appliance/appliance.ts';
import { type PeerDetails, readPeers } from '../../appliance/backup/peers.ts';
import type { Settings } from '../../appliance/settings/settings.ts';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { type CertificateAndKey, parsePeerId, peerIdOf } from '../../mesh/identity.ts';
import { parsePeerAddress, queryKnownAddresses } from '../../mesh/peers/addresses.ts';
import { openBucketStore } from '../../mesh/peers/bucket-store.ts';
import { readBucketCredentials } from '../../mesh/peers/credentials.ts';
import { openFolder } from '../../mesh/peers/folder-store.ts';
import { openPeer, type PeerStore } from '../../mesh/peers/peer-store.ts';
import type { ArchiveStore } from '../../mesh/store.ts';

export const FOLDER = 'file://';
export const BUCKET = 's3://';

export interface StoreOwner {
  readonly identity: CertificateAndKey;
  /** peer_id of the box whose archives these are: of the identity, or of the box that is restored. */
  readonly box: string;
}

export const ownerOf = (identity: CertificateAndKey): StoreOwner => ({
  identity,
  box: peerIdOf(identity.certificate),
});

/** One spelling for each peer. Throws USAGE. */
export function parseReference(text: string): string {
  if (text.startsWith(FOLDER) || text.startsWith(BUCKET)) return text.replace(/\/+$/, '');
  const id = parsePeerId(text);
  if (id !== null) return id;
  throw new MailctlError('USAGE', `${text} is not a peer: a peer id has 64 hexadecimal digits`, {
    hint: 'on the other box: mailctl mesh id; or file:///FOLDER, or s3://BUCKET',
  });
}

const DEFAULT_REGION = 'us-east-1';

/** Opens the SDK only where a bucket is used. */
async function openBucketAt(
  host: Host,
  { reference, details }: { reference: string; details: PeerDetails },
) {
  const { openBucket } = await import('../../host/s3.ts');
  const [bucket = '', ...path] = reference.slice(BUCKET.length).split('/');
  const { endpoint, region, credentials } = details;
  if (credentials === null) {
    throw new MailctlError('USAGE', `${reference}: a bucket needs --credentials FILE`);
  }
  const keys = await readBucketCredentials(host, credentials);
  const open = await openBucket({ bucket, endpoint, region: region ?? DEFAULT_REGION, ...keys });
  return { open, prefix: path.map((part) => `${part}/`).join('') };
}

/** Where a box is tried: what is known of it, then what secubox-p2p knows. */
export async function addressesOf(host: Host, { mesh }: Settings, { addresses }: PeerDetails) {
  const given = addresses.map((text) => parsePeerAddress(text, mesh.port));
  const found = await queryKnownAddresses(host, mesh.port);
  const isGiven = (one: { address: string; port: number }) =>
    given.some(({ address, port }) => address === one.address && port === one.port);
  return [...given, ...found.filter((one) => !isGiven(one))];
}

/** Only a box has to be told who may restore. */
export type AnyStore = ArchiveStore | PeerStore;

export interface StoreOptions {
  readonly reference: string;
  readonly owner: StoreOwner;
  readonly details: PeerDetails;
}

/** For a peer that is not among those of the UCI file. */
export async function openStoreWith(
  host: Host,
  { settings }: Pick<Appliance, 'settings'>,
  { reference, owner, details }: StoreOptions,
): Promise<AnyStore> {
  const { identity, box } = owner;
  if (reference.startsWith(FOLDER)) return openFolder(host, reference.slice(FOLDER.length), box);
  if (reference.startsWith(BUCKET)) {
    const { open, prefix } = await openBucketAt(host, { reference, details });
    return openBucketStore(host, open, { place: reference, prefix: `${prefix}${box}/` });
  }
  const addresses = await addressesOf(host, settings, details);
  return openPeer(host, { id: reference, addresses, rate: details.rateBytes }, identity);
}

const BOX = /^[0-9a-f]{64}$/;

/** The boxes that have archives in a folder or bucket; null for a box, which knows its visitors by their keys. */
export async function boxesAt(
  host: Host,
  { reference, details }: { reference: string; details: PeerDetails },
): Promise<string[] | null> {
  if (reference.startsWith(FOLDER)) {
    const names = await host.files.list(reference.slice(FOLDER.length));
    return names.filter((name) => BOX.test(name));
  }
  if (!reference.startsWith(BUCKET)) return null;
  const { open, prefix } = await openBucketAt(host, { reference, details });
  const keys = (await open.list(prefix)).map(({ key }) => key.slice(prefix.length));
  return [...new Set(keys.map((key) => key.split('/')[0] ?? ''))].filter((name) => BOX.test(name));
}

/** Throws PEER_UNKNOWN for a peer of the UCI file that was never added. */
export async function openStore(
  host: Host,
  target: Appliance,
  { reference, owner }: { reference: string; owner: StoreOwner },
): Promise<AnyStore> {
  const details = (await readPeers(host, target.paths))[reference];
  if (details !== undefined) return openStoreWith(host, target, { reference, owner, details });
  throw new MailctlError('PEER_UNKNOWN', `nothing is known of the peer ${reference}`, {
    hint: `mailctl mesh add-peer ${reference}`,
  });
}
