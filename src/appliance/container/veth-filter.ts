// What may pass from the container to the bridge: frames that bear its own addresses, and no others. The
// filter is in the host's network, out of the container's reach. Pure.

import { bareAddress, parseIp } from '../../host/ip.ts';
import { type DesiredNetwork, tableName } from './network.ts';
import { linkLocal, type Veth } from './veth.ts';

/** An IPv6 address as the number that nft compares raw payload with. */
function ipv6Number(address: string): string {
  const bytes = parseIp(address)?.address.toByteArray() ?? [];
  return `0x${Buffer.from(bytes).toString('hex')}`;
}

function ipv4Rules(address: string, { mac }: Veth): string[] {
  return [
    // ARP (RFC 826): no mapping of another address, and none to another station
    `arp saddr ether ${mac} arp saddr ip ${address} accept`,
    // answers of a DHCP server, and redirects, would make stations of the LAN send elsewhere
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
    // duplicate address detection of another's address would keep it from being used (RFC 4862 5.4)
    `ip6 saddr :: icmpv6 type nd-neighbor-solicit ${foreignTarget} drop`,
    `ip6 saddr { ${own.join(', ')}, :: } accept`,
  ];
}

/**
 * An nft script that lets pass from the container what bears its own addresses. At ingress of the veth the
 * bridge has not seen the frame yet; OpenWrt's kernel needs kmod-nft-netdev for it.
 */
export function renderFilter(container: string, plan: DesiredNetwork): string {
  const { veth } = plan;
  const table = `table netdev ${tableName(container)}`;
  const rules = [
    `ether saddr != ${veth.mac} drop`,
    // frames with a VLAN tag, of spanning tree, EAPOL, PPPoE …
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
