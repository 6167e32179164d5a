// The filter from the container to the bridge: only frames with the container's own addresses pass. It is in
// the host's network namespace, so the container cannot change it. Pure.

import { bareAddress, parseIp } from '../../host/ip.ts';
import { type DesiredNetwork, tableName } from './network.ts';
import { linkLocal, type Veth } from './veth.ts';

/** An IPv6 address as a number, for nft's raw payload expressions. */
function ipv6Number(address: string): string {
  const bytes = parseIp(address)?.address.toByteArray() ?? [];
  return `0x${Buffer.from(bytes).toString('hex')}`;
}

function ipv4Rules(address: string, { mac }: Veth): string[] {
  return [
    // ARP (RFC 826): only the container's own address and hardware address
    `arp saddr ether ${mac} arp saddr ip ${address} accept`,
    // DHCP answers and redirects would divert traffic of other LAN stations
    'udp sport 67 drop',
    'icmp type redirect drop',
    `ip saddr ${address} accept`,
  ];
}

function ipv6Rules(address: string, { mac }: Veth): string[] {
  const own = [address, linkLocal(mac)];
  // the target of a neighbour solicitation or advertisement (RFC 4861 4.3, 4.4); nft 1.0.6 has no name for it
  const foreignTarget = own.map((one) => `@th,64,128 != ${ipv6Number(one)}`).join(' ');
  return [
    'udp sport 547 drop',
    'icmpv6 type { nd-router-advert, nd-redirect } drop',
    `icmpv6 type nd-neighbor-advert ${foreignTarget} drop`,
    // duplicate address detection for a foreign address would block its use (RFC 4862 5.4)
    `ip6 saddr :: icmpv6 type nd-neighbor-solicit ${foreignTarget} drop`,
    `ip6 saddr { ${own.join(', ')}, :: } accept`,
  ];
}

/**
 * The nft script of the filter. It filters at the veth's ingress hook, before the bridge sees the frame;
 * OpenWrt needs kmod-nft-netdev for this hook.
 */
export function renderFilter(container: string, plan: DesiredNetwork): string {
  const { veth } = plan;
  const table = `table netdev ${tableName(container)}`;
  const rules = [
    `ether saddr != ${veth.mac} drop`,
    // drops VLAN tags, spanning tree, EAPOL, PPPoE …
    'ether type != { arp, ip, ip6 } drop',
    ...ipv4Rules(bareAddress(plan.address), veth),
    ...(plan.address6 === null ? [] : ipv6Rules(bareAddress(plan.address6), veth)),
  ];
  return `${[
    table,
    `delete ${table}`,
    `${table} {`,
    '  chain from_container {',
    `    type filter hook ingress device "${veth.name}" priority filter; policy drop;`,
    ...rules.map((rule) => `    ${rule}`),
    '  }',
    '}',
  ].join('\n')}\n`;
}
