// The filter from the container to the bridge: only frames with the container's own addresses pass, and only to
// the destinations of its egress. It is in the host's network namespace, so the container cannot change it. Pure.

import { bareAddress, parseIp } from '../../host/ip.ts';
import { ipv4Egress, ipv6Egress } from './egress-rules.ts';
import { type DesiredNetwork, tableName } from './network.ts';
import { linkLocal } from './veth.ts';

/** An address as a number, for nft's raw payload expressions. */
function addressNumber(address: string): string {
  const bytes = parseIp(address)?.address.toByteArray() ?? [];
  return `0x${Buffer.from(bytes).toString('hex')}`;
}

interface Rules {
  /** What a packet with this source address must be. */
  readonly frames: readonly string[];
  /** Where it may go; null in a generation of 0.1.0. */
  readonly egress: readonly string[] | null;
}

/** To a chain of its own, or everywhere. */
const onwards = (chain: string, egress: unknown) => (egress === null ? 'accept' : `goto ${chain}`);

function ipv4Rules(address: string, { veth: { mac }, ports, egress }: DesiredNetwork): Rules {
  const frames = [
    // ARP (RFC 826): only the container's own address and hardware address
    `arp saddr ether ${mac} arp saddr ip ${address} accept`,
    // DHCP answers and redirects would divert traffic of other LAN stations
    'udp sport 67 drop',
    'icmp type redirect drop',
    `ip saddr ${address} ${onwards('egress4', egress)}`,
  ];
  return { frames, egress: egress && ipv4Egress({ ports, egress }, addressNumber(address)) };
}

function ipv6Rules(address: string, { veth: { mac }, ports, egress }: DesiredNetwork): Rules {
  const own = [address, linkLocal(mac)];
  // the target of a neighbour solicitation or advertisement (RFC 4861 4.3, 4.4); nft 1.0.6 has no name for it
  const foreignTarget = own.map((one) => `@th,64,128 != ${addressNumber(one)}`).join(' ');
  const frames = [
    'udp sport 547 drop',
    'icmpv6 type { nd-router-advert, nd-redirect } drop',
    `icmpv6 type nd-neighbor-advert ${foreignTarget} drop`,
    // duplicate address detection for a foreign address would block its use (RFC 4862 5.4)
    `ip6 saddr :: icmpv6 type nd-neighbor-solicit ${foreignTarget} drop`,
    `ip6 saddr { ${own.join(', ')}, :: } ${onwards('egress6', egress)}`,
  ];
  const numbers = own.map(addressNumber);
  return { frames, egress: egress && ipv6Egress({ ports, egress }, address, numbers) };
}

function chain(name: string, lines: readonly string[] | null): string[] {
  if (lines === null) return [];
  return [`  chain ${name} {`, ...lines.map((line) => `    ${line}`), '  }'];
}

/**
 * The nft script of the filter. It filters at the veth's ingress hook, before the bridge sees the frame;
 * OpenWrt needs kmod-nft-netdev for this hook.
 */
export function renderFilter(container: string, plan: DesiredNetwork): string {
  const { veth, address, address6 } = plan;
  const table = `table netdev ${tableName(container)}`;
  const four = ipv4Rules(bareAddress(address), plan);
  const six = address6 === null ? null : ipv6Rules(bareAddress(address6), plan);
  const hook = `type filter hook ingress device "${veth.name}" priority filter; policy drop;`;
  const rules = [
    `ether saddr != ${veth.mac} drop`,
    // drops VLAN tags, spanning tree, EAPOL, PPPoE …
    'ether type != { arp, ip, ip6 } drop',
    ...four.frames,
    ...(six?.frames ?? []),
  ];
  return `${[
    table,
    `delete ${table}`,
    `${table} {`,
    ...chain('egress4', four.egress),
    ...chain('egress6', six?.egress ?? null),
    ...chain('from_container', [hook, ...rules]),
    '}',
  ].join('\n')}\n`;
}
