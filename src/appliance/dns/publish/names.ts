// DNS names and IP addresses. Pure.

import {
  contains,
  type Network,
  parseIp,
  parseNetwork,
  reverseLabels as reverseIpLabels,
} from '../../../host/ip.ts';

export function isAtOrBelow(name: string, zone: string): boolean {
  return name === zone || zone === '.' || name.endsWith(`.${zone}`);
}

/** As dnsctl and zone files write it: `@` for the zone apex. */
export function relativeName(name: string, zone: string): string {
  return name === zone ? '@' : name.slice(0, -zone.length - 1);
}

/** The wildcards of the zone that could answer for `name`, the nearest first (RFC 4592). */
export function wildcardsOf(name: string, zone: string): string[] {
  const labels = name.split('.');
  const wildcards: string[] = [];
  for (let skip = 1; skip < labels.length; skip += 1) {
    const parent = labels.slice(skip).join('.');
    if (!isAtOrBelow(parent, zone)) break;
    wildcards.push(`*.${parent}`);
  }
  return wildcards;
}

/** The reversed labels of the address, for its PTR name or a query to a blocklist. */
export function reverseLabels(address: string): string {
  const ip = parseIp(address);
  if (ip === undefined) throw new Error(`${address} is not an IP address`);
  return reverseIpLabels(ip);
}

export function reverseName(address: string): string {
  return `${reverseLabels(address)}.${address.includes(':') ? 'ip6' : 'in-addr'}.arpa`;
}

/** Why the address cannot be reached from the Internet; null for a public one. */
export function privateReason(address: string): string | null {
  const ip = parseIp(address);
  if (ip === undefined) return 'not an IP address';
  return NOT_PUBLIC.find(({ network }) => contains(network, ip))?.reason ?? null;
}

const NOT_PUBLIC: readonly { network: Network; reason: string }[] = [
  ['100.64.0.0/10', 'shared among customers of the provider (CGNAT, RFC 6598)'],
  ['10.0.0.0/8', 'private (RFC 1918): this router is behind another one'],
  ['172.16.0.0/12', 'private (RFC 1918): this router is behind another one'],
  ['192.168.0.0/16', 'private (RFC 1918): this router is behind another one'],
  ['192.0.0.0/29', 'inner address of DS-Lite (RFC 6333)'],
  ['169.254.0.0/16', 'link-local: the WAN connection has no address'],
  ['127.0.0.0/8', 'loopback'],
  ['0.0.0.0/8', 'not a host address'],
  ['224.0.0.0/3', 'not a host address'],
  ['fc00::/7', 'private (RFC 4193)'],
  ['fe80::/10', 'link-local'],
  ['::/8', 'not a host address'],
  ['ff00::/8', 'not a host address'],
].flatMap(([text = '', reason = '']) => {
  const network = parseNetwork(text);
  return network === undefined ? [] : [{ network, reason }];
});
