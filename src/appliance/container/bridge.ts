// The bridge as it counts for the plan. One that mailctl made is still mailctl's when it was deleted and made
// again by hand; one that mailctl only uses is never made in its place.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { queryMachineId } from '../../host/machine.ts';
import type { Appliance } from '../appliance.ts';
import { readHostPart } from './host-part.ts';
import {
  type BridgePresent,
  type DesiredNetwork,
  type NetworkPlan,
  planNetwork,
} from './network.ts';
import { ownAddresses, queryBridge } from './network-apply.ts';

/** Nothing on the bridge says that it is for something else by now. */
async function isOursAgain(host: Host, present: BridgePresent, before: NetworkPlan) {
  const { own, own6 } = ownAddresses(before);
  const foreign = [...present.addresses, ...present.addresses6].filter(
    (address) => address !== own && address !== own6,
  );
  const ports = await host.files.list(`/sys/class/net/${before.bridge}/brif`);
  return foreign.length === 0 && ports.every((port) => port === before.veth?.name);
}

/** Throws HOST_UNFIT when the bridge of others that the running appliance uses is gone. */
export async function bridgeInUse(
  host: Host,
  { settings, paths }: Appliance,
): Promise<BridgePresent> {
  const { bridge } = settings.network;
  const present = await queryBridge(host, bridge);
  const before = (await readHostPart(host, paths, 'current'))?.network;
  if (before?.bridge !== bridge || present.ours) return present;
  if (before.makeBridge) {
    const ours = present.exists && (await isOursAgain(host, present, before));
    return { ...present, ours };
  }
  if (present.exists) return present;
  throw new MailctlError(
    'HOST_UNFIT',
    `the bridge ${bridge} is gone, and mailctl did not make it`,
    {
      hint: `bring the network up again (OpenWrt: /etc/init.d/network restart), then: mailctl apply`,
    },
  );
}

/** The network as UCI and the bridge of this host make it. Throws HOST_UNFIT. */
export async function desiredNetwork(host: Host, appliance: Appliance): Promise<DesiredNetwork> {
  const bridge = await bridgeInUse(host, appliance);
  return planNetwork(appliance.settings, bridge, await queryMachineId(host));
}
