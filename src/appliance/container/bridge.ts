// The bridge for the network plan. mailctl still owns its bridge after it was deleted and created again by
// hand. mailctl never creates a replacement for a missing foreign bridge.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { queryMachineId } from '../../host/machine.ts';
import type { Appliance } from '../appliance.ts';
import {
  type BridgePresent,
  type DesiredNetwork,
  type NetworkPlan,
  planNetwork,
  withShape,
} from './network.ts';
import { ownAddresses, queryBridge } from './network-apply.ts';
import { hostPartHere } from './place.ts';

/** True when the bridge has no foreign address or port. */
async function isOursAgain(host: Host, present: BridgePresent, before: NetworkPlan) {
  const { own, own6 } = ownAddresses(before);
  const foreign = [...present.addresses, ...present.addresses6].filter(
    (address) => address !== own && address !== own6,
  );
  const ports = await host.files.list(`/sys/class/net/${before.bridge}/brif`);
  return foreign.length === 0 && ports.every((port) => port === before.veth?.name);
}

/** Throws HOST_UNFIT when the foreign bridge of the current generation is missing. */
export async function bridgeInUse(host: Host, target: Appliance): Promise<BridgePresent> {
  const { bridge, vlan } = target.settings.network;
  const present = await queryBridge(host, bridge, vlan);
  const before = (await hostPartHere(host, target, 'current'))?.network;
  if (before?.bridge !== bridge || present.ours) return present;
  if (before.makeBridge) {
    const ours = present.exists && (await isOursAgain(host, present, before));
    return { ...present, ours };
  }
  if (present.exists) return present;
  throw new MailctlError(
    'HOST_UNFIT',
    `the bridge ${bridge} is missing, and mailctl did not create it`,
    {
      hint: `restart the network (OpenWrt: /etc/init.d/network restart), then: mailctl apply`,
    },
  );
}

/** The network plan for UCI and this host's bridge. Throws HOST_UNFIT. */
export async function desiredNetwork(host: Host, appliance: Appliance): Promise<DesiredNetwork> {
  const bridge = await bridgeInUse(host, appliance);
  const plan = planNetwork(appliance.settings, bridge, await queryMachineId(host));
  return appliance.shape === undefined ? plan : withShape(plan, appliance.shape);
}
