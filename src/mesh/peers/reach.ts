// Where a peer is reached: its addresses are tried in order, and the one that answered is tried first the next time.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import type { OutgoingRequest, PeerTarget } from '../../host/peer-client.ts';
import type { CertificateAndKey } from '../identity.ts';
import type { PeerAddress } from './addresses.ts';
import { refusalError } from './refusals.ts';

export interface PeerBox {
  /** The pinned peer_id. */
  readonly id: string;
  readonly addresses: readonly PeerAddress[];
  /** Bytes a second; null for no limit. */
  readonly rate: number | null;
}

export interface Reach {
  readonly host: Host;
  readonly peer: PeerBox;
  readonly identity: CertificateAndKey;
  readonly label: string;
  /** The address that answered last. */
  current: PeerAddress | null;
}

export const isElsewhere = (error: unknown): error is MailctlError =>
  error instanceof MailctlError && ['PEER_AWAY', 'PEER_CHANGED'].includes(error.code);

/** Runs `work` with each address until one answers. Throws PEER_CHANGED rather than PEER_AWAY: it says more. */
export async function atAnyAddress<T>(
  reach: Reach,
  work: (target: PeerTarget) => Promise<T>,
): Promise<T> {
  const { peer, identity, current } = reach;
  const others = peer.addresses.filter((address) => address !== current);
  const failures: MailctlError[] = [];
  const unknown = new MailctlError('PEER_AWAY', `no address of ${reach.label} is known`, {
    hint: `mailctl mesh add-peer ${peer.id} --address HOST:PORT`,
  });
  for (const address of current === null ? others : [current, ...others]) {
    try {
      const result = await work({ ...address, ...identity, id: peer.id });
      reach.current = address;
      return result;
    } catch (error) {
      if (!isElsewhere(error)) throw error;
      failures.push(error);
    }
  }
  throw failures.find(({ code }) => code === 'PEER_CHANGED') ?? failures[0] ?? unknown;
}

/** @param about named in an error */
export async function asked<T>(
  reach: Reach,
  request: OutgoingRequest & { readonly about: string; readonly changes?: true },
  parse: (data: unknown) => T | null,
): Promise<T> {
  const { wire } = reach.host;
  const answer = await atAnyAddress(reach, (target) =>
    request.changes ? wire.send(target, request) : wire.query(target, request),
  );
  const parsed = answer.status === 200 ? parse(answer.data) : null;
  if (parsed === null) throw refusalError(reach.label, request.about, answer);
  return parsed;
}

export function reachOf(host: Host, peer: PeerBox, identity: CertificateAndKey): Reach {
  return { host, peer, identity, label: `peer ${peer.id.slice(0, 16)}`, current: null };
}
