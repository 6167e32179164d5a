// The time of publication of each key in TLSA records: <data>/acme/tlsa.json. A key is used only when every TLSA set
// without it has expired from resolver caches.

import { join } from 'node:path';
import { array, boolean, exactOptional, object, record, string } from 'valibot';
import { moment, type StateFile } from '../container/state-file.ts';
import { keyDigest, readWaitingKey } from './keys.ts';

interface Notice {
  readonly since: string;
  /** Published with the first TLSA set: no resolver can cache a set without it. */
  readonly first: boolean;
  /** Names whose TLSA sets were removed for the change, at providers with single-value record sets. */
  readonly withdrawn?: readonly string[];
}

/** By the digest of the key. */
export type Notices = Readonly<Record<string, Notice>>;

export const NOTICES: StateFile<Notices> = {
  path: (paths) => join(paths.acme, 'tlsa.json'),
  schema: record(
    string(),
    object({ since: moment, first: boolean(), withdrawn: exactOptional(array(string())) }),
  ),
  encode: (notices) => notices,
  empty: {},
  ownFolder: true,
  whenDamaged: {
    // resolvers may still cache a removed TLSA set: wait two TTLs from now
    goOnWith: async (host, paths) => {
      const waiting = await readWaitingKey(host, paths);
      if (waiting === null) return {};
      const since = host.clock.now().toISOString();
      return { [keyDigest(waiting)]: { since, first: false } };
    },
    lost: 'a standby key waits two more TTLs; removed TLSA records are restored by: mailctl dns-setup',
  },
};

/** To be called when every authoritative server shows these digests, or no TLSA record. */
export function withPublished(
  known: Notices,
  published: { digests: readonly string[]; first: boolean; withdrawn?: readonly string[] },
  now: Date,
): Notices {
  const since = now.toISOString();
  const { first, withdrawn = [] } = published;
  // a key may have several TLSA names: the last publication counts
  const fresh = published.digests.map((digest) => {
    const both = first && (known[digest]?.first ?? true);
    return [digest, { since, first: both, withdrawn }] as const;
  });
  return { ...known, ...Object.fromEntries(fresh) };
}

/** The names at which TLSA records of this key must be published once it is in use. */
export function withdrawnNames(notices: Notices, digest: string): readonly string[] {
  return notices[digest]?.withdrawn ?? [];
}

/**
 * When a published key may be used: two TTLs (seconds) after its publication was verified. Null if that time is
 * unknown.
 */
export function readyAt(
  notices: Notices,
  { digest, ttl }: { digest: string; ttl: number },
): Date | null {
  const notice = notices[digest];
  if (notice === undefined) return null;
  const since = Date.parse(notice.since);
  return new Date(notice.first ? since : since + 2 * ttl * 1000);
}
