// Under which addresses the world reaches this server: what UCI says, else what the router's WAN
// interface has. No web service is asked.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { bareAddress, canonicalIpv6 } from '../../host/ip.ts';
import { ANY_STATUS } from '../../host/programs.ts';
import type { Settings } from '../settings/settings.ts';
import { privateReason } from './publish/names.ts';

export interface PublicAddresses {
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
  /** Where they come from, for people. */
  readonly source: string;
  /** Addresses that were found and cannot be used, with the reason. */
  readonly unfit: readonly string[];
}

export const ADDRESS_HINT =
  'set mailserver.dns.public_address to the address at which the world reaches this host';

/** Never throws for want of an address: both lists may be empty. */
export async function readPublicAddresses(
  host: Host,
  settings: Settings,
): Promise<PublicAddresses> {
  const { publicAddress } = settings.dns;
  if (publicAddress.length > 0)
    return sortAddresses(publicAddress, 'mailserver.dns.public_address');
  const name = settings.dns.wanInterface;
  const source = `the interface ${name} (ubus)`;
  const found = await readInterface(host, name);
  const here = typeof found === 'string' ? [] : found.ipv6;
  const both = new Set([...here, ...(await otherIpv6(host, settings))]);
  const ipv6 = containerIpv6(settings, [...both]);
  if (typeof found !== 'string') return sortAddresses([...found.ipv4, ...ipv6], source);
  const sorted = sortAddresses(ipv6, source);
  return { ...sorted, unfit: [found, ...sorted.unfit] };
}

/** OpenWrt runs DHCPv6 as an interface of its own; where there is none, nothing is wrong. */
async function otherIpv6(host: Host, { network, dns }: Settings): Promise<readonly string[]> {
  if (network.address6 === null || dns.wan6Interface === dns.wanInterface) return [];
  const found = await readInterface(host, dns.wan6Interface);
  return typeof found === 'string' ? [] : found.ipv6;
}

/** Throws ADDRESS_UNKNOWN that explains which addresses there are and why they do not do. */
export function requirePublic(addresses: PublicAddresses): PublicAddresses {
  if (addresses.ipv4.length + addresses.ipv6.length > 0) return addresses;
  const why = addresses.unfit.join('; ') || `${addresses.source} has none`;
  throw new MailctlError('ADDRESS_UNKNOWN', `no public address is known: ${why}`, {
    hint: ADDRESS_HINT,
  });
}

/** The container is reached by IPv6 only where it has an address of its own, or the host forwards one. */
function containerIpv6(settings: Settings, ofInterface: readonly string[]): readonly string[] {
  if (settings.network.address6 === null) return [];
  const own = bareAddress(settings.network.address6);
  return privateReason(own) === null ? [own] : ofInterface;
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
  if (!host.programs.exists('ubus')) return 'this host has no ubus to ask for the WAN address';
  const command = ['ubus', 'call', `network.interface.${name}`, 'status'];
  const { stdout, status } = await host.programs.query(command, { accept: ANY_STATUS });
  if (status !== 0) return `there is no interface ${name} (mailserver.dns.wan_interface)`;
  const state = parseStatus(stdout);
  if (state === null) return `ubus says nothing that can be understood about ${name}`;
  if (state.up === false) return `the interface ${name} is down`;
  const addresses = (list: UbusStatus['ipv4-address']) =>
    (list ?? []).flatMap(({ address }) => (typeof address === 'string' ? [address] : []));
  // RFC 4862 5.5.4: a deprecated address is on its way out
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
