// The way of a backup from peers, or from one file, into a folder of this box: chosen, fetched, checked, and written
// where nothing reads it yet.

import { join } from 'node:path';
import type { Appliance } from '../../appliance/appliance.ts';
import type { Host } from '../../host/host.ts';
import { unpackFile } from '../../mesh/archive/bundle.ts';
import { type Listing, openListing } from '../../mesh/archive/listing.ts';
import { archivesOf, type Manifest, manifestName } from '../../mesh/archive/manifest.ts';
import { archivesFor, type RestoreReport, restoreTree } from '../../mesh/archive/restore.ts';
import { verifySignature } from '../../mesh/signature.ts';
import { chooseBackup, type From, fetchArchives } from './offers.ts';

export interface Wanted {
  /** A file of `mesh backup --to`; null to fetch from peers. */
  readonly file: string | null;
  readonly sources: readonly From[];
  readonly at: Date | null;
  /** The recovery key. */
  readonly identity: string;
  readonly recipient: string;
}

export interface Fetching {
  readonly wanted: Wanted;
  /** Working folder, for root alone. */
  readonly folder: string;
  readonly warn: (text: string) => void;
}

export interface Fetched {
  readonly manifest: Manifest;
  readonly listing: Listing;
  /** Fetches what the chosen entries need, checks it, and writes them below `target`. */
  restore(target: string, select?: (path: string) => boolean): Promise<RestoreReport>;
  close(): void;
}

/** The manifest, with all archives or a way to fetch them. */
async function openSource(
  host: Host,
  target: Pick<Appliance, 'settings'>,
  { wanted, folder, warn }: Fetching,
) {
  const { file, sources, at, identity, recipient } = wanted;
  if (file !== null) {
    const { manifest } = await unpackFile(host, file, { folder, verify: verifySignature });
    return { manifest, obtain: async () => undefined };
  }
  const search = { sources, identity, recipient, at };
  const chosen = await chooseBackup(host, target, { search, warn });
  const { manifest } = chosen.manifest;
  // the next backup of the restored box follows this one
  await host.files.replace(join(folder, manifestName(manifest.sequence)), chosen.text, {
    mode: 0o600,
  });
  const obtain = (names: readonly string[]) => fetchArchives(host, { ...chosen, folder, names });
  return { manifest, obtain };
}

/** The caller closes it. */
export async function openBackup(
  host: Host,
  target: Pick<Appliance, 'settings'>,
  fetching: Fetching,
): Promise<Fetched> {
  const { wanted, folder } = fetching;
  await host.files.makeDirectory(folder, { mode: 0o700 });
  const { manifest, obtain } = await openSource(host, target, fetching);
  host.say(`backup ${manifest.sequence} of ${manifest.time}: ${manifest.counts.messages} messages`);
  await obtain(manifest.lists);
  const files = { manifest, folder, identities: [wanted.identity] };
  const listing = await openListing(host, files, join(folder, 'index.db'));
  const restore = async (to: string, select?: (path: string) => boolean) => {
    const options = { ...files, listing, target: to, ...(select === undefined ? {} : { select }) };
    const names = select === undefined ? archivesOf(manifest) : archivesFor(listing, options);
    await obtain(names.map(({ name }) => name));
    return restoreTree(host, options);
  };
  let open = true;
  const close = () => {
    if (open) listing.index.close();
    open = false;
  };
  return { manifest, listing, restore, close };
}
