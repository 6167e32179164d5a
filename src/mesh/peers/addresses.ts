// Where a peer may be reached: what the operator has given, and what `secubox-p2p peers` knows. Which box is behind an
// address is proved by its certificate alone.

import * as v from 'valibot';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';

export interface PeerAddress {
  readonly address: string;
  readonly port: number;
}

const PROGRAM = 'secubox-p2p';
/** Bounds the time that a search for a peer takes. */
const MAX_ADDRESSES = 32;

/** `host:port`, `[IPv6]:port`, or either without a port. Throws USAGE. */
export function parsePeerAddress(text: string, defaultPort: number): PeerAddress {
  const found =
    /^(?:\[(?<ipv6>[0-9a-fA-F:.]+)\]|(?<name>[A-Za-z0-9._-]+))(?::(?<port>\d{1,5}))?$/.exec(text);
  const { ipv6, name, port } = found?.groups ?? {};
  const address = ipv6 ?? name;
  const number = port === undefined ? defaultPort : Number(port);
  if (address !== undefined && number >= 1 && number <= 65_535) return { address, port: number };
  throw new MailctlError('USAGE', `${text} is not an address of a peer: expected HOST:PORT`, {
    hint: `--address 192.0.2.7:${defaultPort}, --address [2001:db8::7]:${defaultPort}`,
  });
}

/** Fastest and most private first. */
const ORDER = ['wireguard', 'lan', 'wan'];

const answer = v.object({
  peers: v.array(
    v.object({
      is_local: v.optional(v.boolean()),
      address: v.optional(v.nullable(v.string())),
      addresses: v.optional(v.array(v.object({ type: v.string(), address: v.string() }))),
    }),
  ),
});

const rank = (type: string): number => {
  const place = ORDER.indexOf(type);
  return place < 0 ? ORDER.length : place;
};

const isAddress = (text: string): boolean => /^(?=.*[.:])[0-9A-Za-z.:-]{3,253}$/.test(text);

/**
 * The addresses in the answer of `secubox-p2p peers`, WireGuard first; its ports are those of another service. Empty for
 * an answer that is not understood.
 */
export function parseKnownAddresses(text: string): string[] {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return [];
  }
  const parsed = v.safeParse(answer, data);
  if (!parsed.success) return [];
  const found = parsed.output.peers
    .filter((peer) => peer.is_local !== true)
    .flatMap(({ address, addresses = [] }) => [
      ...addresses,
      ...(address == null ? [] : [{ type: 'wan', address }]),
    ])
    .filter((one) => isAddress(one.address))
    .toSorted((a, b) => rank(a.type) - rank(b.type));
  return [...new Set(found.map((one) => one.address))].slice(0, MAX_ADDRESSES);
}

/** Empty where secubox-p2p is not installed. */
export async function queryKnownAddresses(host: Host, port: number): Promise<PeerAddress[]> {
  if (!host.programs.exists(PROGRAM)) return [];
  const { stdout } = await host.programs.query([PROGRAM, 'peers'], { timeout: 15_000 });
  return parseKnownAddresses(stdout).map((address) => ({ address, port }));
}
