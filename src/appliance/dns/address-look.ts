// Compares the published addresses with those of the WAN interface. Cheap, because the scheduler calls it often.

import { isPlausible, pollUntil } from '../../host/clock.ts';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import { movedAddress6 } from '../apply/prefix.ts';
import type { Settings } from '../settings/settings.ts';
import { type Addresses, type Move, planMove, publishedAddresses } from './moved.ts';
import { readPublicAddresses } from './public-address.ts';
import { readDnsState } from './publish/state.ts';

export interface AddressLook extends Move {
  readonly published: Addresses;
}

/** One address family may come up later than the other. */
const MISSING_MS = 60_000;

/** Why the published addresses do not follow the interface, or null. */
export function fixedBy({ main, dns }: Settings): string | null {
  if (!main.enabled) return 'main.enabled is 0';
  if (dns.publicAddress.length > 0) {
    return `mailserver.dns.public_address is ${dns.publicAddress.join(', ')}`;
  }
  return dns.provider === 'none' ? "mailserver.dns.provider is 'none'" : null;
}

/** Read-only. `changed` is also true while an earlier change is not visible at every server. */
export async function lookAtAddresses(host: Host, target: Appliance): Promise<AddressLook> {
  const { settings, paths } = target;
  const state = await readDnsState(host, paths);
  const published = publishedAddresses(state, settings.main.hostname);
  if (published.ipv4.length + published.ipv6.length === 0) {
    // the operator decides about the first publication
    const notes = ['no address has been published by mailctl yet: mailctl dns-setup'];
    return { published, wanted: published, changed: false, vanished: [], notes };
  }
  const move = planMove(published, await readPublicAddresses(host, target));
  return { ...move, published, changed: move.changed || state.moving === true };
}

/** As `lookAtAddresses`, but waits up to a minute for an address family that has vanished. */
export async function lookPatiently(host: Host, target: Appliance): Promise<AddressLook> {
  let look = await lookAtAddresses(host, target);
  await pollUntil(host.clock, { timeout: MISSING_MS, interval: 5000 }, async () => {
    if (look.vanished.length === 0) return true;
    look = await lookAtAddresses(host, target);
    return null;
  });
  return look;
}

/** The current time if `mailctl wan-changed` has something to publish, else null. */
export async function addressesDue(host: Host, target: Appliance): Promise<Date | null> {
  const now = host.clock.now();
  if (!isPlausible(now)) return null;
  if ((await movedAddress6(host, target)) !== null) return now;
  if (fixedBy(target.settings) !== null) return null;
  return (await lookAtAddresses(host, target)).changed ? now : null;
}
