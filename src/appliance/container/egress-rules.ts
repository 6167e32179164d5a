// nft rules that enforce the egress. At the veth, which also sees frames to LAN stations, without connection
// tracking, because nftables' family netdev has none; on the host itself with it. Pure.

import type { Destination } from '../settings/networks.ts';
import type { Egress } from './egress.ts';

type Family = 'ip' | 'ip6';

/** IANA's special-purpose registries (RFC 6890), without the documentation networks. */
const CLOSED4 = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16'],
  ...['172.16.0.0/12', '192.0.0.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15'],
  // multicast, reserved, broadcast
  '224.0.0.0/3',
  // the metadata service of Azure, in a public network
  '168.63.129.16',
];
/** Global unicast (RFC 4291 2.4); all else is local, multicast, or contains an IPv4 address. */
const GLOBAL6 = '2000::/3';
/** Teredo and 6to4 (RFC 4380, RFC 3056), which contain an IPv4 address. */
const CLOSED6 = ['2001::/32', '2002::/16'];

/** As numbers: nft takes the names from /etc/protocols, which a small host may not have. */
const [HOP_BY_HOP, TCP, UDP, ICMPV6] = [0, 6, 17, 58];

const familyOf = (network: string): Family => (network.includes(':') ? 'ip6' : 'ip');

/** Destinations that name an address or a network of this family. */
function listed({ destinations }: Egress, family: Family): string[] {
  return destinations
    .filter(({ to }) => to !== null && familyOf(to) === family)
    .map(({ to, protocol, port }) => `${family} daddr ${to} ${protocol} dport ${port} accept`);
}

function anywhere({ destinations }: Egress): string[] {
  const open = destinations.filter(({ to }) => to === null);
  const portsOf = (wanted: Destination['protocol']) =>
    open.filter(({ protocol }) => protocol === wanted).map(({ port }) => port);
  return (['tcp', 'udp'] as const)
    .map((protocol) => ({ protocol, ports: portsOf(protocol) }))
    .filter(({ ports }) => ports.length > 0)
    .map(({ protocol, ports }) => `${protocol} dport { ${ports.join(', ')} } accept`);
}

const lanRules = ({ lan }: Egress, family: Family) =>
  lan.filter((one) => familyOf(one) === family).map((one) => `${family} daddr ${one} drop`);

/**
 * Segments of connections that others opened to a service. The segment that opens a connection has no ACK, nor have
 * the FIN, NULL and Xmas segments that tell open ports from closed ones; a reset gets no answer (RFC 9293 3.10.7).
 */
function answers(ports: readonly number[]): string[] {
  const refusal = 'tcp flags & (fin | syn | rst) == rst accept';
  if (ports.length === 0) return [refusal];
  return [refusal, `tcp sport { ${ports.join(', ')} } tcp flags & ack == ack accept`];
}

interface Veth {
  /** Enabled service ports. */
  readonly ports: readonly number[];
  readonly egress: Egress;
}

/** Rules for packets whose IPv4 source is the container. @param own its address as nft's number */
export function ipv4Egress({ ports, egress }: Veth, own: string): string[] {
  return [
    // source routing
    'ip hdrlength != 5 drop',
    'icmp type echo-reply accept',
    // errors, as path MTU discovery needs them, about packets to the container: the quoted destination is its own
    `icmp type { destination-unreachable, time-exceeded, parameter-problem } @th,192,32 ${own} accept`,
    ...answers(ports),
    ...listed(egress, 'ip'),
    `ip daddr { ${CLOSED4.join(', ')} } drop`,
    ...lanRules(egress, 'ip'),
    ...anywhere(egress),
    'drop',
  ];
}

/**
 * Rules for packets whose IPv6 source is the container's address, its link-local one, or unspecified.
 * @param own its addresses as nft's numbers
 */
export function ipv6Egress({ ports, egress }: Veth, address: string, own: string[]): string[] {
  const errors = 'destination-unreachable, packet-too-big, time-exceeded, parameter-problem';
  return [
    // without these a bridge with multicast snooping does not forward neighbour solicitations to the container
    `ip6 nexthdr ${HOP_BY_HOP} icmpv6 type { mld-listener-report, mld-listener-done, mld2-listener-report } accept`,
    // no other extension header: routing, fragments
    `ip6 nexthdr != { ${TCP}, ${UDP}, ${ICMPV6} } drop`,
    'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, echo-reply } accept',
    ...own.map((one) => `icmpv6 type { ${errors} } @th,256,128 ${one} accept`),
    ...answers(ports),
    `ip6 saddr != ${address} drop`,
    ...listed(egress, 'ip6'),
    `ip6 daddr != ${GLOBAL6} drop`,
    `ip6 daddr { ${CLOSED6.join(', ')} } drop`,
    ...lanRules(egress, 'ip6'),
    ...anywhere(egress),
    'drop',
  ];
}

/**
 * Rules on the host for packets of the container to the host itself, or routed back onto its bridge: the veth cannot
 * know every address of the host, nor each IPv6 prefix of the LAN.
 */
export function hostEgress(egress: Egress): string[] {
  return [
    // untracked: neighbour discovery, and what rules of the operator do not track
    'ct state { established, related, untracked } accept',
    // a redirect of DNS to the router's resolver, or the container's own published ports
    'ct status dnat accept',
    ...listed(egress, 'ip'),
    ...listed(egress, 'ip6'),
    'drop',
  ];
}
