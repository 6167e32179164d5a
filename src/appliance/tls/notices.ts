// Since when which key is published in TLSA records: <data>/acme/tlsa.json. A key serves only when no resolver
// can still hold a TLSA set without it.

import { join } from 'node:path';
import { array, boolean, exactOptional, object, record, string } from 'valibot';
import { moment, type StateFile } from '../container/state-file.ts';
import { keyDigest, readWaitingKey } from './keys.ts';

interface Notice {
  readonly since: string;
  /** Published when there was no TLSA set, so no resolver holds one without it. */
  readonly first: boolean;
  /** Names whose TLSA sets were taken away for the change, where no two values can stand together. */
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
    // its TLSA set may have been taken away, and still be known to resolvers: two TTLs from now on are safe
    goOnWith: async (host, paths) => {
      const waiting = await readWaitingKey(host, paths);
      if (waiting === null) return {};
      const since = host.clock.now().toISOString();
      return { [keyDigest(waiting)]: { since, first: false } };
    },
    lost: 'a key in waiting waits two TTLs more; TLSA records that were withdrawn come back with: mailctl dns-setup',
  },
};

/** When every authoritative server shows these digests, or shows no TLSA any more. */
export function withPublished(
  known: Notices,
  published: { digests: readonly string[]; first: boolean; withdrawn?: readonly string[] },
  now: Date,
): Notices {
  const since = now.toISOString();
  const { first, withdrawn = [] } = published;
  // several names show one key: the last of them to show it counts
  const fresh = published.digests.map((digest) => {
    const both = first && (known[digest]?.first ?? true);
    return [digest, { since, first: both, withdrawn }] as const;
  });
  return { ...known, ...Object.fromEntries(fresh) };
}

/** Where the TLSA records of this key must be published when it serves. */
export function withdrawnNames(notices: Notices, digest: string): readonly string[] {
  return notices[digest]?.withdrawn ?? [];
}

/**
 * When a published key may serve: two TTLs (seconds) after it was seen to be published. Null when it is
 * not known since when it is.
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
