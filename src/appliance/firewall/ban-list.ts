// Which of the addresses that the container bans may be banned at the router. The container is assumed hostile: its
// list is bounded, and never closes the LAN, this host or an exempt network. Pure.

import {
  canonicalIpv6,
  contains,
  type Ip,
  type Network,
  parseIp,
  parseNetwork,
} from '../../host/ip.ts';

/** Bounds the memory of the sets and the time to compare them. */
const MOST = 4096;

const NEVER = [
  ...['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3'],
  ...['::/8', 'fe80::/10', 'ff00::/8'],
];

/** Addresses and networks as UCI and `ip` write them. */
function networkOf(text: string): readonly Network[] {
  const network = parseNetwork(text);
  if (network !== undefined) return [network];
  const ip = parseIp(text);
  return ip === undefined ? [] : [{ ...ip, prefix: ip.version === 4 ? 32 : 128 }];
}

export interface BanList {
  readonly 4: readonly string[];
  readonly 6: readonly string[];
  /** Invalid, exempt, or beyond the bound. */
  readonly refused: number;
}

const textOf = ({ version, address }: Ip) =>
  version === 4 ? address.toString() : canonicalIpv6(address.toString());

/** @param exempt addresses and networks that are never banned, beside those that no WAN client has */
export function banList(addresses: readonly string[], exempt: readonly string[]): BanList {
  const never = [...NEVER, ...exempt].flatMap(networkOf);
  const wanted = new Map<string, 4 | 6>();
  for (const text of addresses) {
    const ip = parseIp(text);
    if (wanted.size === MOST) break;
    if (ip === undefined || never.some((network) => contains(network, ip))) continue;
    wanted.set(textOf(ip), ip.version);
  }
  const of = (version: 4 | 6) =>
    [...wanted].flatMap(([address, one]) => (one === version ? [address] : []));
  return { 4: of(4), 6: of(6), refused: new Set(addresses).size - wanted.size };
}

export interface SetChange {
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

export function planSet(present: readonly string[], wanted: readonly string[]): SetChange {
  const [now, then] = [new Set(present), new Set(wanted)];
  return {
    add: wanted.filter((address) => !now.has(address)),
    remove: present.filter((address) => !then.has(address)),
  };
}

/** The addresses of `nft list set`; each may be followed by its timeout. */
export function parseElements(listing: string): readonly string[] {
  const [, body = ''] = /elements = \{([^}]*)\}/.exec(listing) ?? [];
  return body.split(',').flatMap((item) => {
    const ip = parseIp(item.trim().split(/\s/)[0] ?? '');
    return ip === undefined ? [] : [textOf(ip)];
  });
}

/** Commands of nft that make the change in one transaction; empty without a change. */
export function renderSetChange(set: string, { add, remove }: SetChange): string {
  const command = (verb: string, list: readonly string[]) =>
    list.length === 0 ? [] : [`${verb} element ${set} { ${list.join(', ')} }\n`];
  // an element may expire meanwhile, and nft refuses to delete a missing one: added first, it is there
  return [...command('add', [...add, ...remove]), ...command('delete', remove)].join('');
}
