// network.address6 as a suffix: the container follows the prefix that the provider delegates to the bridge. A lost
// prefix is not followed, because the same one usually returns.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { bareAddress, isIpv6Suffix } from '../../host/ip.ts';
import type { Appliance } from '../appliance.ts';
import { desiredNetwork } from '../container/bridge.ts';
import { networkInUse } from '../container/host-part.ts';
import { isUniqueLocal } from '../container/network.ts';
import { converge, requireInstalled } from './converge.ts';

/** The container's new IPv6 address; null while the present one is right. */
export async function movedAddress6(host: Host, target: Appliance): Promise<string | null> {
  const { enabled } = target.settings.main;
  const { address6 } = target.settings.network;
  if (!enabled || address6 === null || !isIpv6Suffix(address6)) return null;
  const network = await networkInUse(host, target.paths);
  if (network === null) return null;
  const wanted = await wantedAddress6(host, target);
  if (wanted === null || wanted === network.address6) return null;
  return isUniqueLocal(wanted) && network.address6 !== null ? null : bareAddress(wanted);
}

/** Null also while the bridge is missing: `apply` reports that. */
async function wantedAddress6(host: Host, target: Appliance): Promise<string | null> {
  try {
    return (await desiredNetwork(host, target)).address6;
  } catch (error) {
    if (error instanceof MailctlError && error.code === 'HOST_UNFIT') return null;
    throw error;
  }
}

/** Gives the container its new IPv6 address, with a restart. Throws as `converge` does. */
export async function followPrefix(host: Host, target: Appliance): Promise<void> {
  const image = await requireInstalled(host, target);
  await converge(host, target, { image, start: false });
}
