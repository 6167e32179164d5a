// Kinds of values: IP addresses and networks, destinations of connections.

import { contains, type Ip, isHostAddress, parseIp, parseNetwork } from '../../host/ip.ts';
import type { Kind, Option, Reading } from './option.ts';
import { list } from './option.ts';

const SPECIAL = ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/3', '::/127', 'ff00::/8'].flatMap(
  (text) => parseNetwork(text) ?? [],
);

/** Not loopback, multicast or unspecified. */
function isUnicast(ip: Ip): boolean {
  return !SPECIAL.some((network) => contains(network, ip));
}

/** A unicast address. */
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

/** A host address with its prefix length. */
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

/** `*` (every address of the host), `none`, or a list of addresses. */
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

/** A destination of connections that the container opens. */
export interface Destination {
  /** Address or network (CIDR); null: every public address. */
  readonly to: string | null;
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
}

const DESTINATION =
  /^(?:\*|\[([0-9a-f:.]+(?:\/\d+)?)\]|([\d.]+(?:\/\d+)?)):([1-9]\d{0,4})(?:\/(tcp|udp))?$/i;

/** `address:port`, `network:port` or `*:port`, IPv6 in brackets; TCP without `/udp`. */
export function destination(): Kind<Destination> {
  return {
    expected:
      'a destination with its port (such as 192.0.2.25:25, 192.0.2.0/24:25, [2001:db8::25]:853, *:443 or *:11335/udp)',
    parse: (text) => {
      const [, v6, v4, port, protocol = 'tcp'] = DESTINATION.exec(text) ?? [];
      const to = (v6 ?? v4)?.toLowerCase() ?? null;
      const ip = to === null ? undefined : (parseIp(to) ?? parseNetwork(to));
      const isFamily = ip !== undefined && isUnicast(ip) && ip.version === (v6 ? 6 : 4);
      const isPort = Number(port) >= 1 && Number(port) <= 65535;
      if (!isPort || (to !== null && !isFamily)) return undefined;
      return { to, protocol: protocol.toLowerCase() as 'tcp' | 'udp', port: Number(port) };
    },
  };
}
