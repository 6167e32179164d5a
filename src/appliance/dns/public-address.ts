// The public addresses of this server: from UCI, else IPv4 from the router's WAN interface and IPv6 from the
// container, or from the WAN interface where mailctl forwards IPv6. No web service is used.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { bareAddress, canonicalIpv6, isIpv6Suffix } from '../../host/ip.ts';
import { ANY_STATUS } from '../../host/programs.ts';
import type { Appliance } from '../appliance.ts';
import { desiredNetwork } from '../container/bridge.ts';
import { networkInUse } from '../container/host-part.ts';
import { queryBridge } from '../container/network-apply.ts';
import type { Settings } from '../settings/settings.ts';
import { privateReason } from './publish/names.ts';

export interface PublicAddresses {
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
  /** Where the addresses come from, for the operator. */
  readonly source: string;
  /** Addresses that were found but cannot be used, with the reason. */
  readonly unfit: readonly string[];
}

export const ADDRESS_HINT = 'set mailserver.dns.public_address to the public address of this host';

/** Does not throw without an address: both lists may be empty. */
export async function readPublicAddresses(host: Host, target: Appliance): Promise<PublicAddresses> {
  const { settings } = target;
  const { publicAddress } = settings.dns;
  if (publicAddress.length > 0)
    return sortAddresses(publicAddress, 'mailserver.dns.public_address');
  const name = settings.dns.wanInterface;
  const source = `the interface ${name} (ubus)`;
  const found = await readInterface(host, name);
  const here = typeof found === 'string' ? [] : found.ipv6;
  const ipv6 = await containerIpv6(host, target, here);
  if (typeof found !== 'string') return sortAddresses([...found.ipv4, ...ipv6], source);
  const sorted = sortAddresses(ipv6, source);
  return { ...sorted, unfit: [found, ...sorted.unfit] };
}

/** OpenWrt has a separate interface for DHCPv6. A missing one is no error. */
async function otherIpv6(host: Host, { network, dns }: Settings): Promise<readonly string[]> {
  if (network.address6 === null || dns.wan6Interface === dns.wanInterface) return [];
  const found = await readInterface(host, dns.wan6Interface);
  return typeof found === 'string' ? [] : found.ipv6;
}

/** Throws ADDRESS_UNKNOWN with each address that was found and why it cannot be used. */
export function requirePublic(addresses: PublicAddresses): PublicAddresses {
  if (addresses.ipv4.length + addresses.ipv6.length > 0) return addresses;
  const why = addresses.unfit.join('; ') || `${addresses.source} has none`;
  throw new MailctlError('ADDRESS_UNKNOWN', `no public address is known: ${why}`, {
    hint: ADDRESS_HINT,
  });
}

/** The container's own public address, or the addresses of this host that mailctl forwards to it. */
async function containerIpv6(
  host: Host,
  target: Appliance,
  ofInterface: readonly string[],
): Promise<readonly string[]> {
  const { settings } = target;
  if (settings.network.address6 === null) return [];
  const own = bareAddress((await addressInUse6(host, target)) ?? '');
  if (own !== '' && privateReason(own) === null) return [own];
  const { exists, ours } = await queryBridge(host, settings.network.bridge);
  // the router's firewall does not translate IPv6 (no NAT66): its address would refuse connections to the container
  if (exists && !ours) return [];
  return [...new Set([...ofInterface, ...(await otherIpv6(host, settings))])];
}

/** CIDR; null without IPv6. */
async function addressInUse6(host: Host, target: Appliance): Promise<string | null> {
  const network = await networkInUse(host, target.paths);
  if (network !== null) return network.address6;
  const { address6 } = target.settings.network;
  const fixed = address6 === null || !isIpv6Suffix(address6);
  return fixed ? address6 : (await desiredNetwork(host, target)).address6;
}

function sortAddresses(all: readonly string[], source: string): PublicAddresses {
  const fit = all.filter((address) => privateReason(address) === null);
  const unfit = all.flatMap((address) => {
    const reason = privateReason(address);
    return reason === null ? [] : [`${address} (from ${source}): ${reason}`];
  });
  return {
    ipv4: fit.filter((address) => !address.includes(':')),
    ipv6: fit.filter((address) => address.includes(':')).map(canonicalIpv6),
    source,
    unfit,
  };
}

interface UbusStatus {
  readonly up?: boolean;
  readonly 'ipv4-address'?: readonly { readonly address?: string }[];
  readonly 'ipv6-address'?: readonly { readonly address?: string; readonly preferred?: number }[];
}

async function readInterface(
  host: Host,
  name: string,
): Promise<{ ipv4: string[]; ipv6: string[] } | string> {
  if (!host.programs.exists('ubus')) return 'the WAN address is unknown: this host has no ubus';
  const command = ['ubus', 'call', `network.interface.${name}`, 'status'];
  const { stdout, status } = await host.programs.query(command, { accept: ANY_STATUS });
  if (status !== 0) return `there is no interface ${name} (mailserver.dns.wan_interface)`;
  const state = parseStatus(stdout);
  if (state === null) return `ubus returned no valid JSON for the interface ${name}`;
  if (state.up === false) return `the interface ${name} is down`;
  const addresses = (list: UbusStatus['ipv4-address']) =>
    (list ?? []).flatMap(({ address }) => (typeof address === 'string' ? [address] : []));
  // RFC 4862 5.5.4: a deprecated address will be removed
  const ipv6 = (state['ipv6-address'] ?? []).filter(({ preferred }) => preferred !== 0);
  return { ipv4: addresses(state['ipv4-address']), ipv6: addresses(ipv6) };
}

function parseStatus(text: string): UbusStatus | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : null;
  } catch {
    return null;
  }
}
