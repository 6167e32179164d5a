// IP addresses and networks, as numbers where they must be compared.

import type { Kind, Option, Reading } from './option.ts';
import { list } from './option.ts';

export interface Ip {
  readonly version: 4 | 6;
  readonly value: bigint;
}

export interface Network extends Ip {
  readonly prefix: number;
}

export function parseIp(text: string): Ip | undefined {
  const value = text.includes(':') ? parseIpv6(text) : parseIpv4(text);
  return value === undefined ? undefined : { version: text.includes(':') ? 6 : 4, value };
}

function parseIpv4(text: string): bigint | undefined {
  const parts = text.split('.');
  const isValid =
    parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && +part < 256);
  return isValid ? parts.reduce((sum, part) => sum * 256n + BigInt(part), 0n) : undefined;
}

// RFC 4291 §2.2: eight groups, or fewer with one ::, the last two perhaps as an IPv4 address
function parseIpv6(text: string): bigint | undefined {
  const [head, tail, ...more] = text
    .split('::')
    .map((side) => (side === '' ? [] : side.split(':')));
  if (head === undefined || more.length > 0) {
    return undefined;
  }
  const last = tail ?? head;
  const embedded = parseIpv4(last.at(-1) ?? '');
  if (embedded !== undefined) {
    last.splice(-1, 1, (embedded >> 16n).toString(16), (embedded & 0xffffn).toString(16));
  }
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 1) {
    return undefined;
  }
  const groups = [...head, ...Array.from({ length: missing }, () => '0'), ...(tail ?? [])];
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))
    ? groups.reduce((sum, group) => sum * 65536n + BigInt(`0x${group}`), 0n)
    : undefined;
}

/** `address/prefix`; what stands behind the prefix is kept, not cleared. */
export function parseNetwork(text: string): Network | undefined {
  const [, address = '', length = ''] = /^([^/]*)\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  const ip = parseIp(address);
  const prefix = Number(length);
  return ip && length !== '' && prefix <= bits(ip) ? { ...ip, prefix } : undefined;
}

export function contains(network: Network, ip: Ip): boolean {
  const shift = BigInt(bits(network) - network.prefix);
  return network.version === ip.version && network.value >> shift === ip.value >> shift;
}

/** The first address of an IPv4 network names it and the last one is its broadcast (RFC 919). */
function isHostAddress(network: Network): boolean {
  const hostBits = BigInt(bits(network) - network.prefix);
  if (hostBits < 2n) {
    return true;
  }
  const host = network.value & ((1n << hostBits) - 1n);
  return host !== 0n && (network.version === 6 || host !== (1n << hostBits) - 1n);
}

function bits({ version }: Ip): number {
  return version === 4 ? 32 : 128;
}

const SPECIAL = ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/3', '::/127', 'ff00::/8'].flatMap(
  (text) => parseNetwork(text) ?? [],
);

/** Neither loopback, nor multicast, nor "any". */
function isUnicast(ip: Ip): boolean {
  return !SPECIAL.some((network) => contains(network, ip));
}

/** An address for one host. */
export function ipAddress(version?: 4 | 6): Kind<string> {
  const name = version === undefined ? 'IP' : `IPv${version}`;
  const example = version === 6 ? '2001:db8::25' : '192.0.2.25';
  return {
    expected: `an ${name} address of a host (such as ${example})`,
    parse: (text) => {
      const ip = parseIp(text);
      const fits = ip && isUnicast(ip) && (version === undefined || ip.version === version);
      return fits ? text : undefined;
    },
  };
}

/** A host's address with the length of its network's prefix. */
export function hostCidr(version: 4 | 6): Kind<string> {
  const example = version === 4 ? '192.0.2.25/24' : '2001:db8::25/64';
  return {
    expected: `an IPv${version} address of a host with its prefix length (such as ${example})`,
    parse: (text) => {
      const network = parseNetwork(text);
      const fits = network?.version === version && network.prefix > 0;
      return fits && isUnicast(network) && isHostAddress(network) ? text : undefined;
    },
  };
}

export function ipNetwork(): Kind<string> {
  return {
    expected: 'an IP address or network (such as 192.0.2.0/24)',
    parse: (text) => (parseIp(text) || parseNetwork(text) ? text : undefined),
  };
}

/** `*` for every address of the host, `none`, or the addresses meant. */
export function hostAddresses(byDefault: string, doc: string): Option<'all' | readonly string[]> {
  const addresses = list(ipAddress(), byDefault, doc);
  const read = (items: readonly string[]): Reading<'all' | readonly string[]> => {
    if (items.length === 1 && items[0] === '*') {
      return { value: 'all' };
    }
    return items.length === 1 && items[0] === 'none' ? { value: [] } : addresses.read(items);
  };
  return { ...addresses, expected: "an IP address of this host (or, alone, '*' or 'none')", read };
}
