// Egress: the connections that the container may open. Everything else is closed: the router's services, the
// LAN, private networks, metadata services. Pure; egress-rules.ts renders it.

import { contains, ipv4Network, ipv6Network, parseIp, parseNetwork } from '../../host/ip.ts';
import { parseNexthop } from '../settings/names.ts';
import type { Destination } from '../settings/networks.ts';
import type { Settings } from '../settings/settings.ts';

export interface Egress {
  readonly destinations: readonly Destination[];
  /** Networks on the bridge (CIDR): closed also where their addresses are public. */
  readonly lan: readonly string[];
}

const DNS = 53;
const SMTP = 25;
const HTTPS = 443;

function dns({ network }: Settings): Destination[] {
  const servers = network.dnsForward.length === 0 ? [null] : network.dnsForward;
  return servers.flatMap((to) => [
    { to, protocol: 'udp', port: DNS },
    { to, protocol: 'tcp', port: DNS },
  ]);
}

/** The relayhost, and those of single sender domains. */
function relayhosts({ smtp, relays }: Settings): Destination[] {
  const nexthops = [smtp.relayhost, ...relays.map(({ host }) => host)];
  return nexthops
    .filter((nexthop) => nexthop !== null)
    .map((nexthop) => {
      const { host, port } = parseNexthop(nexthop);
      return { to: parseIp(host) === undefined ? null : host, protocol: 'tcp', port };
    });
}

function signatures({ features }: Settings): Destination[] {
  // the mirrors are a CDN, whose addresses change
  return features.virusScan ? [{ to: null, protocol: 'tcp', port: HTTPS }] : [];
}

/** @param bridgeNetworks addresses with prefix length (CIDR) of the container and of the host on the bridge */
export function planEgress(settings: Settings, bridgeNetworks: readonly string[]): Egress {
  const destinations: Destination[] = [
    ...dns(settings),
    { to: null, protocol: 'tcp', port: SMTP },
    ...relayhosts(settings),
    ...signatures(settings),
    ...settings.network.egress,
  ];
  const different = new Map(destinations.map((one) => [JSON.stringify(one), one]));
  const lan = bridgeNetworks.map((cidr) =>
    cidr.includes(':') ? ipv6Network(cidr) : ipv4Network(cidr),
  );
  return { destinations: [...different.values()], lan: [...new Set(lan)] };
}

/** True when a destination names this address, alone or in a network. */
export function isListed(egress: Egress, address: string, port: number): boolean {
  const ip = parseIp(address);
  return egress.destinations.some(({ to, protocol, port: open }) => {
    if (to === null || ip === undefined || protocol !== 'tcp' || open !== port) return false;
    const network = parseNetwork(to.includes('/') ? to : `${to}/${to.includes(':') ? 128 : 32}`);
    return network !== undefined && contains(network, ip);
  });
}
