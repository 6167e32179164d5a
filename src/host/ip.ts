// IP addresses and networks: node:net decides which texts are valid, ipaddr.js does the arithmetic. Pure.

import { isIP } from 'node:net';
import ipaddr, { type IPv4, type IPv6 } from 'ipaddr.js';

export interface Ip {
  readonly version: 4 | 6;
  readonly address: IPv4 | IPv6;
}

export interface Network extends Ip {
  readonly prefix: number;
}

/** RFC 4291 2.5.5.1; ipaddr.js would read it as ::ffff:a.b.c.d, a different address. */
function parseCompatible(text: string): IPv6 | undefined {
  if (!text.startsWith('::') || isIP(text.slice(2)) !== 4) return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = ipaddr.IPv4.parse(text.slice(2)).octets;
  return ipaddr.IPv6.parse(`::${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`);
}

/** Accepts only dotted-quad and RFC 4291 2.2 texts: ipaddr.js also takes 0x7f.1, `1:2:3:4:5:6:7:8:` and zones. */
export function parseIp(text: string): Ip | undefined {
  const version = text.includes('%') ? 0 : isIP(text);
  if (version === 4) return { version, address: ipaddr.IPv4.parse(text) };
  if (version !== 6) return undefined;
  return { version, address: parseCompatible(text) ?? ipaddr.IPv6.parse(text) };
}

/** RFC 5952. @param text any valid form */
export function canonicalIpv6(text: string): string {
  return (parseCompatible(text) ?? ipaddr.IPv6.parse(text)).toRFC5952String();
}

/** `address/prefix`; host bits are kept. */
export function parseNetwork(text: string): Network | undefined {
  const [, address = '', length = ''] = /^([^/]*)\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  const ip = parseIp(address);
  const prefix = Number(length);
  return ip && length !== '' && prefix <= bits(ip) ? { ...ip, prefix } : undefined;
}

/** The text of an address or network without host bits: 192.0.2.7 as it is, 192.0.2.7/24 as 192.0.2.0/24. */
export function networkOf(text: string): string | undefined {
  const single = parseIp(text);
  if (single !== undefined) return single.address.toString();
  const network = parseNetwork(text);
  if (network === undefined) return undefined;
  const kind = network.version === 4 ? ipaddr.IPv4 : ipaddr.IPv6;
  return `${kind.networkAddressFromCIDR(`${network.address}/${network.prefix}`)}/${network.prefix}`;
}

export function contains(network: Network, ip: Ip): boolean {
  return network.version === ip.version && ip.address.match(network.address, network.prefix);
}

export function isSameIp(one: Ip, other: Ip): boolean {
  return contains({ ...one, prefix: bits(one) }, other);
}

/** False for the network address and, with IPv4, the broadcast address (RFC 919). */
export function isHostAddress({ version, address, prefix }: Network): boolean {
  if (prefix > (version === 4 ? 30 : 126)) return true;
  const kind = version === 4 ? ipaddr.IPv4 : ipaddr.IPv6;
  const cidr = `${address}/${prefix}`;
  const taken = [kind.networkAddressFromCIDR(cidr)];
  if (version === 4) taken.push(kind.broadcastAddressFromCIDR(cidr));
  return taken.every((one) => one.toString() !== address.toString());
}

function bits({ version }: Ip): number {
  return version === 4 ? 32 : 128;
}

/** The address of a CIDR without its prefix length. */
export function bareAddress(cidr: string): string {
  return cidr.split('/')[0] ?? cidr;
}

/** 192.0.2.77/24 → 192.0.2.0/24 */
export function ipv4Network(cidr: string): string {
  const [address, prefix = '32'] = cidr.split('/');
  return `${ipaddr.IPv4.networkAddressFromCIDR(`${address}/${prefix}`)}/${prefix}`;
}

/** 2001:DB8::77/64 → 2001:db8::/64 */
export function ipv6Network(cidr: string): string {
  const [address, prefix = '128'] = cidr.split('/');
  const network = ipaddr.IPv6.networkAddressFromCIDR(`${address}/${prefix}`);
  return `${network.toRFC5952String()}/${prefix}`;
}

/** The first address of a host in the network of `cidr`. */
export function firstIpv4Host(cidr: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = ipaddr.IPv4.networkAddressFromCIDR(cidr).octets;
  return new ipaddr.IPv4([a, b, c, d | 1]).toString();
}

/** The labels below in-addr.arpa and ip6.arpa, or before a blocklist's zone (RFC 1035 3.5, RFC 3596 2.5). */
export function reverseLabels({ version, address }: Ip): string {
  const bytes = address.toByteArray();
  if (version === 4) return bytes.reverse().join('.');
  const digits = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return [...digits].reverse().join('.');
}

const PREFIX_PARTS = 4;

/** An IPv6 address whose first 64 bits are 0 is only an interface identifier, such as ::25. */
export function isIpv6Suffix(cidr: string): boolean {
  const ip = parseIp(bareAddress(cidr));
  if (ip?.version !== 6) return false;
  return (ip.address as IPv6).parts.slice(0, PREFIX_PARTS).every((part) => part === 0);
}

/** The address with the first 64 bits of `network` and the last 64 of `suffix`; both with or without a length. */
export function withIpv6Prefix(network: string, suffix: string): string {
  const [upper = [], lower = []] = [network, suffix].map(
    (text) => ipaddr.IPv6.parse(canonicalIpv6(bareAddress(text))).parts,
  );
  const parts = [...upper.slice(0, PREFIX_PARTS), ...lower.slice(PREFIX_PARTS)];
  return new ipaddr.IPv6(parts).toRFC5952String();
}

/** The addresses of hosts in the network of `cidr`, with their number in it; at most the first 1022 of a large one. */
export function ipv4Hosts(cidr: string): readonly { number: number; address: string }[] {
  const prefix = Number(cidr.split('/')[1]);
  const [a = 0, b = 0, c = 0, d = 0] = ipaddr.IPv4.networkAddressFromCIDR(cidr).octets;
  const base = ((a * 256 + b) * 256 + c) * 256 + d;
  const count = Math.max(0, Math.min(2 ** (32 - prefix) - 2, 1022));
  return Array.from({ length: count }, (_, index) => {
    const value = base + index + 1;
    const octets = [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256);
    return { number: index + 1, address: octets.join('.') };
  });
}
