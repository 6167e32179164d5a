// The network plan of the container: address, bridge, published ports, egress. Pure; network-apply.ts applies it.

import { MailctlError } from '../../errors.ts';
import {
  bareAddress,
  contains,
  firstIpv4Host,
  ipv4Hosts,
  ipv4Network,
  isIpv6Suffix,
  parseIp,
  parseNetwork,
  withIpv6Prefix,
} from '../../host/ip.ts';
import type { ContainerShape } from '../appliance.ts';
import type { Settings } from '../settings/settings.ts';
import { type Egress, planEgress } from './egress.ts';
import { planVeth, type Veth } from './veth.ts';
import { type BridgeVlans, type PortVlan, portVlan, vlanLack } from './vlan.ts';

/** The present state of the bridge that UCI names. */
export interface BridgePresent {
  readonly exists: boolean;
  /** Created by mailctl, for this or another appliance. */
  readonly ours: boolean;
  /** The host's IPv4 addresses in the container's network: on it or on its VLAN device. CIDR. */
  readonly addresses: readonly string[];
  readonly addresses6: readonly string[];
  /** Null when it does not exist. */
  readonly mtu: number | null;
  /** Null when it filters no VLANs. */
  readonly vlans: BridgeVlans | null;
}

export interface NetworkPlan {
  readonly bridge: string;
  /** True when mailctl creates and removes the bridge, and publishes the ports. */
  readonly makeBridge: boolean;
  /** CIDR. */
  readonly address: string;
  readonly gateway: string;
  /** CIDR, or null without IPv6. */
  readonly address6: string | null;
  readonly gateway6: string | null;
  readonly publish: 'all' | readonly string[];
  readonly ports: readonly number[];
  /** Null in a generation of 0.1.0, where LXC created it with a random name. */
  readonly veth: Veth | null;
  /** MTU of a foreign bridge, which drops larger packets. Null for Ethernet's 1500. */
  readonly mtu: number | null;
  /** Null in a generation of 0.1.0, where the container reached everything. */
  readonly egress: Egress | null;
  /** Null on a bridge that does not filter VLANs. */
  readonly vlan: PortVlan | null;
}

/** A plan of this version, which always has a veth. */
export type DesiredNetwork = NetworkPlan & { readonly veth: Veth };

/** The container's address on a bridge of mailctl when network.address is not set. */
export const DEFAULT_ADDRESS = '10.82.25.2/24';

/** The next host of the network; the one before for the last. CIDR. */
function nextAddress(cidr: string): string {
  const hosts = ipv4Hosts(cidr).map(({ address }) => address);
  const index = hosts.indexOf(bareAddress(cidr));
  return `${hosts[index + 1] ?? hosts[index - 1] ?? bareAddress(cidr)}/${cidr.split('/')[1]}`;
}

/** IPv4 address of the web container, CIDR. */
export function webAddress({ web, network }: Settings): string {
  return web.address ?? nextAddress(network.address ?? DEFAULT_ADDRESS);
}

function inNetwork(address: string, cidr: string): boolean {
  return ipv4Network(`${address}/${cidr.split('/')[1] ?? '32'}`) === ipv4Network(cidr);
}

function gatewayFor(settings: Settings, present: BridgePresent, address: string): string {
  const { gateway, bridge } = settings.network;
  if (gateway !== null) return gateway;
  const own = present.addresses.find((cidr) => inNetwork(bareAddress(address), cidr));
  if (own !== undefined) return bareAddress(own);
  // on a bridge of mailctl the host itself has this address
  if (!present.exists || present.ours) return firstIpv4Host(address);
  throw new MailctlError(
    'HOST_UNFIT',
    `network.address ${address} is in no network of the bridge ${bridge} (${present.addresses.join(', ') || 'it has no address'})`,
    { hint: 'mailctl set network.address <free address of that network>/<prefix>' },
  );
}

function addressFor(settings: Settings, present: BridgePresent): string {
  const { address, bridge } = settings.network;
  if (address !== null) return address;
  if (!present.exists || present.ours) return DEFAULT_ADDRESS;
  throw new MailctlError(
    'HOST_UNFIT',
    `network.address is not set, and the existing bridge ${bridge} needs a free address for the container`,
    {
      hint: `mailctl set network.address <free address outside the DHCP range, as in ${present.addresses[0] ?? '192.168.1.25/24'}>`,
    },
  );
}

const UNIQUE_LOCAL = parseNetwork('fc00::/7');

/** A ULA (RFC 4193): not reachable from the Internet. */
export function isUniqueLocal(cidr: string): boolean {
  const ip = parseIp(bareAddress(cidr));
  return ip !== undefined && UNIQUE_LOCAL !== undefined && contains(UNIQUE_LOCAL, ip);
}

/** Null for a suffix while the bridge has no IPv6 prefix; a delegated prefix is preferred to a ULA. */
function address6For(settings: Settings, present: BridgePresent): string | null {
  const { address6 } = settings.network;
  if (address6 === null || !isIpv6Suffix(address6)) return address6;
  const { addresses6 } = present;
  const prefix = addresses6.find((cidr) => !isUniqueLocal(cidr)) ?? addresses6[0];
  return prefix === undefined ? null : `${withIpv6Prefix(prefix, address6)}/64`;
}

function gateway6For(
  settings: Settings,
  present: BridgePresent,
  address6: string | null,
): string | null {
  const { gateway6, bridge } = settings.network;
  if (address6 === null) return null;
  const network = parseNetwork(address6);
  const inside = present.addresses6.find((cidr) => {
    const ip = parseIp(bareAddress(cidr));
    return network !== undefined && ip !== undefined && contains(network, ip);
  });
  const own = inside ?? present.addresses6[0];
  if (gateway6 !== null) return gateway6;
  if (own !== undefined) return bareAddress(own);
  throw new MailctlError(
    'HOST_UNFIT',
    `network.address6 is ${address6}, and the bridge ${bridge} has no IPv6 address to route through`,
    { hint: 'mailctl set network.gateway6 <IPv6 address of this host on that network>' },
  );
}

/**
 * Throws HOST_UNFIT when the options do not fit the bridge.
 * @param machine a constant value, unique to this machine
 */
export function planNetwork(
  settings: Settings,
  present: BridgePresent,
  machine: string,
): DesiredNetwork {
  const { network, ports } = settings;
  // before the addresses, which depend on the VLAN
  const lack = vlanLack(settings, present.vlans);
  if (lack !== null) throw new MailctlError(lack.code, lack.message, { hint: lack.hint });
  const address = addressFor(settings, present);
  const address6 = address6For(settings, present);
  const makeBridge = !present.exists || present.ours;
  // a bridge of mailctl may still have the addresses of an earlier plan, which are about to be removed
  const others = makeBridge ? [] : present.addresses;
  const others6 = makeBridge ? [] : present.addresses6;
  const lan6 = address6 === null ? [] : [address6, ...others6];
  return {
    bridge: network.bridge,
    makeBridge,
    address,
    gateway: gatewayFor(settings, present, address),
    address6,
    gateway6: gateway6For(settings, present, address6),
    publish: network.publish,
    ports: Object.values(ports).filter((port): port is number => port !== null),
    veth: planVeth(settings.main.container, machine),
    mtu: present.ours || present.mtu === 1500 ? null : present.mtu,
    egress: planEgress(settings, [address, ...others, ...lan6]),
    vlan: portVlan(network, present.vlans),
  };
}

/** The plan of a container that is not the mail server's. */
export function withShape(
  plan: DesiredNetwork,
  { ports, destinations }: ContainerShape,
): DesiredNetwork {
  const egress = plan.egress === null ? null : { ...plan.egress, destinations };
  return { ...plan, ports, egress };
}

/** The host's own interface in the container's network. */
export const hostDevice = ({ vlan, bridge }: NetworkPlan): string => vlan?.device ?? bridge;

export const TABLE_PREFIX = 'mailserver_';

/** nft accepts letters, digits and underscores in a table's name. */
export function tableName(container: string): string {
  return `${TABLE_PREFIX}${container.replaceAll(/[^A-Za-z0-9]/g, '_')}`;
}
