// Which backups peers offer to a holder of the recovery key, and the newest one that is whole: its archives may lie at
// different peers.

import type { Appliance } from '../../appliance/appliance.ts';
import type { PeerDetails } from '../../appliance/backup/peers.ts';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import {
  archivesOf,
  checkChain,
  MANIFEST_NAME,
  parseManifest,
  type ReadManifest,
} from '../../mesh/archive/manifest.ts';
import { makeRestoreIdentity } from '../../mesh/restore-key.ts';
import { verifySignature } from '../../mesh/signature.ts';
import type { ArchiveStore } from '../../mesh/store.ts';
import { boxesAt, openStoreWith } from './stores.ts';

const MAX_MANIFEST = 4 * 1024 * 1024;

export interface From {
  readonly reference: string;
  readonly details: PeerDetails;
}

/** A store of the box that is restored. */
export interface Offer {
  readonly store: ArchiveStore;
  readonly files: ReadonlySet<string>;
  /** Newest first. */
  readonly sequences: readonly number[];
}

export interface Chosen {
  readonly manifest: ReadManifest;
  /** Of the manifest, as it was signed. */
  readonly text: string;
  readonly offers: readonly Offer[];
}

const sequencesIn = (names: readonly string[]): number[] =>
  names
    .flatMap((name) => MANIFEST_NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => b - a);

async function offerOf(store: ArchiveStore): Promise<Offer> {
  const names = (await store.list()).map(({ name }) => name);
  return { store, files: new Set(names), sequences: sequencesIn(names) };
}

/** The stores at a peer that may be of the lost box. Throws what the peer throws. */
async function offersAt(
  host: Host,
  target: Pick<Appliance, 'settings'>,
  { from, identity }: { from: From; identity: string },
): Promise<Offer[]> {
  const pair = await makeRestoreIdentity(identity);
  const boxes = await boxesAt(host, from);
  // a box knows by the key whose archives may be read
  const owners = (boxes ?? ['']).map((box) => ({ identity: pair, box }));
  const offers: Offer[] = [];
  for (const owner of owners) {
    const offer = await offerOf(await openStoreWith(host, target, { ...from, owner }));
    if (offer.sequences.length > 0) offers.push(offer);
  }
  return offers;
}

async function readManifestAt({ store }: Offer, sequence: number) {
  const name = `${sequence}.manifest.json`;
  const text = Buffer.from(await store.read(name, MAX_MANIFEST)).toString('utf8');
  return { text, manifest: parseManifest(name, text, verifySignature) };
}

export interface Search {
  readonly sources: readonly From[];
  /** The recovery key. */
  readonly identity: string;
  readonly recipient: string;
  /** The newest backup not later than this; null for the newest. */
  readonly at: Date | null;
}

/** Every offer of a store that answers; the error of the first one if none does. */
async function collect(host: Host, target: Pick<Appliance, 'settings'>, search: Search) {
  const offers: Offer[] = [];
  let first: MailctlError | null = null;
  for (const from of search.sources) {
    try {
      offers.push(...(await offersAt(host, target, { from, identity: search.identity })));
    } catch (error) {
      if (!(error instanceof MailctlError)) throw error;
      first ??= error;
      host.say(`${from.reference}: ${error.message}`);
    }
  }
  if (offers.length === 0 && first !== null) throw first;
  return offers;
}

/** The manifest if it is one of this key; null for one that is damaged or of another box. */
async function usable(
  host: Host,
  offer: Offer,
  { sequence, recipient }: { sequence: number; recipient: string },
) {
  try {
    const read = await readManifestAt(offer, sequence);
    return read.manifest.manifest.recipients.includes(recipient) ? read : null;
  } catch (error) {
    if (!(error instanceof MailctlError) || error.code !== 'ARCHIVE_INVALID') throw error;
    host.say(`${offer.store.label}: ${error.message}`);
    return null;
  }
}

interface Readable extends Offer {
  readonly head: ReadManifest;
}

/** The newest manifest of this key; null for the store of another box, or of another key. */
async function headOf(host: Host, offer: Offer, recipient: string): Promise<ReadManifest | null> {
  for (const sequence of offer.sequences) {
    const read = await usable(host, offer, { sequence, recipient });
    if (read !== null) return read.manifest;
  }
  return null;
}

/** Offers of the box whose newest backup is the newest of all. Throws RECOVERY_KEY_WRONG, BACKUP_UNKNOWN. */
async function readableOffers(
  host: Host,
  all: readonly Offer[],
  recipient: string,
): Promise<Readable[]> {
  const readable: Readable[] = [];
  for (const offer of all) {
    const head = await headOf(host, offer, recipient);
    if (head !== null) readable.push({ ...offer, head });
  }
  const newest = readable.toSorted((a, b) =>
    b.head.manifest.time.localeCompare(a.head.manifest.time),
  )[0];
  if (newest !== undefined)
    return readable.filter(({ head }) => head.manifest.box === newest.head.manifest.box);
  if (all.length === 0) throw unknown('there is no backup');
  const message = 'the recovery key is not that of the backups there';
  throw new MailctlError('RECOVERY_KEY_WRONG', message, { hint: 'try a former recovery key' });
}

const unknown = (message: string): MailctlError =>
  new MailctlError('BACKUP_UNKNOWN', message, { hint: 'name another peer with --from' });

/** Names of archives that no offer has. */
function missingIn(offers: readonly Offer[], { manifest }: ReadManifest): string[] {
  return archivesOf(manifest)
    .map(({ name }) => name)
    .filter((name) => !offers.some(({ files }) => files.has(name)));
}

/** A peer that hides the newest backups may have been taken over, or only been away. */
function warnOfOldHeads(offers: readonly Readable[], warn: (text: string) => void): void {
  const sequences = offers.map(({ head }) => head.manifest.sequence);
  const newest = Math.max(...sequences);
  for (const { store, head } of offers) {
    const { sequence } = head.manifest;
    if (sequence < newest)
      warn(`${store.label} offers backup ${sequence} as its newest; another peer has ${newest}`);
  }
  for (const problem of checkChain(offers.map(({ head }) => head))) warn(problem);
}

/**
 * The newest backup that is whole, at all peers together. Throws BACKUP_UNKNOWN, RECOVERY_KEY_WRONG.
 * @param warn told of peers whose newest backup is older than that of others, and of backups that are not whole
 */
export async function chooseBackup(
  host: Host,
  target: Pick<Appliance, 'settings'>,
  { search, warn }: { search: Search; warn: (text: string) => void },
): Promise<Chosen> {
  const { recipient, at } = search;
  const offers = await readableOffers(host, await collect(host, target, search), recipient);
  warnOfOldHeads(offers, warn);
  const sequences = new Set(offers.flatMap((offer) => offer.sequences));
  for (const sequence of [...sequences].sort((a, b) => b - a)) {
    for (const offer of offers.filter((one) => one.sequences.includes(sequence))) {
      const read = await usable(host, offer, { sequence, recipient });
      if (read === null) continue;
      if (at !== null && new Date(read.manifest.manifest.time) > at) break;
      const missing = missingIn(offers, read.manifest);
      if (missing.length === 0) return { ...read, offers };
      warn(`backup ${sequence} is not whole: no peer has ${missing.join(', ')}`);
    }
  }
  throw unknown('there is no whole backup of that time');
}

/** Fetches the archives that are not in the folder yet, each from the first peer that gives the right bytes. */
export async function fetchArchives(
  host: Host,
  { offers, folder, names, manifest }: Chosen & { folder: string; names: readonly string[] },
): Promise<void> {
  const wanted = archivesOf(manifest.manifest).filter(({ name }) => names.includes(name));
  for (const [index, archive] of wanted.entries()) {
    const path = `${folder}/${archive.name}`;
    if ((await host.files.stat(path))?.size === archive.size) continue;
    host.say(`fetching ${archive.name} (${index + 1} of ${wanted.length})`);
    await fetchOne(host, { offers, archive, path });
  }
}

async function fetchOne(
  host: Host,
  {
    offers,
    archive,
    path,
  }: { offers: readonly Offer[]; archive: Parameters<ArchiveStore['get']>[0]; path: string },
): Promise<void> {
  let last: MailctlError | null = null;
  for (const { store } of offers.filter(({ files }) => files.has(archive.name))) {
    try {
      await store.get(archive, path);
      return;
    } catch (error) {
      if (!(error instanceof MailctlError)) throw error;
      host.say(error.message);
      last = error;
    }
  }
  throw last ?? new MailctlError('BACKUP_UNKNOWN', `no peer has ${archive.name}`);
}
