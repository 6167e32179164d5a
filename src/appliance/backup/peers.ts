// What is known of each peer besides its reference in mesh.backup_peers: <data>/mesh/peers.json.

import { join } from 'node:path';
import { array, literal, nullable, number, object, pipe, record, string, transform } from 'valibot';
import type { Host } from '../../host/host.ts';
import { moment, readState, type StateFile } from '../container/state-file.ts';
import type { Paths } from '../paths.ts';

export interface PeerDetails {
  /** `host:port`, tried in this order; empty for folders and buckets. */
  readonly addresses: readonly string[];
  /** Of a bucket. */
  readonly endpoint: string | null;
  readonly region: string | null;
  /** File of mode 600 with the credentials of a bucket. */
  readonly credentials: string | null;
  /** Bytes a second that are sent to it; null for no limit. */
  readonly rateBytes: number | null;
  /** Space that it may use here; null for mesh.quota. */
  readonly quotaBytes: number | null;
  /** RFC 3339. */
  readonly added: string;
}

/** By reference. */
export type Peers = Readonly<Record<string, PeerDetails>>;

const details = pipe(
  object({
    addresses: array(string()),
    endpoint: nullable(string()),
    region: nullable(string()),
    credentials: nullable(string()),
    rate_bytes: nullable(number()),
    quota_bytes: nullable(number()),
    added: moment,
  }),
  transform(
    ({ quota_bytes, rate_bytes, ...rest }): PeerDetails => ({
      ...rest,
      ...{ quotaBytes: quota_bytes, rateBytes: rate_bytes },
    }),
  ),
);

export const PEERS: StateFile<Peers> = {
  path: (paths) => join(paths.mesh, 'peers.json'),
  schema: pipe(
    object({ v: literal(1), peers: record(string(), details) }),
    transform(({ peers }) => peers),
  ),
  encode: (peers) => ({
    v: 1,
    peers: Object.fromEntries(
      Object.entries(peers).map(([ref, { quotaBytes, rateBytes, ...rest }]) => [
        ref,
        { ...rest, rate_bytes: rateBytes, quota_bytes: quotaBytes },
      ]),
    ),
  }),
  empty: {},
  whenDamaged: { withoutIt: 'then each peer has to be added again, with its address' },
};

export function readPeers(host: Host, paths: Paths): Promise<Peers> {
  return readState(host, paths, PEERS);
}
