// Makes the running container's interface a port of its bridge again, after the bridge was deleted and made anew
// (OpenWrt: /etc/init.d/network restart).

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import { findRepairs, repairNetwork } from '../apply/network-repair.ts';
import type { NetworkPlan } from '../container/network.ts';
import { planTable } from '../container/nft-tables.ts';
import { filterTable, hasVeth, joinBridge } from '../container/veth-apply.ts';

/** True when it is attached. False while another command changes the network, and may itself be about to attach it. */
export async function attach(host: Host, target: Appliance, plan: NetworkPlan): Promise<boolean> {
  const repair = async () => {
    if ((await findRepairs(host, target, plan)).length > 0) await repairNetwork(host, target, plan);
    return true;
  };
  try {
    const lock = { path: target.paths.lock, holder: 'mailctl serve', wait: 0 };
    return await host.locks.hold(lock, repair);
  } catch (error) {
    if (!(error instanceof MailctlError) || error.code !== 'LOCKED') throw error;
    return attachBeside(host, target, plan);
  }
}

/**
 * Beside a command that holds the lock, perhaps for minutes while it waits for DNS. Only joins a foreign bridge, and only
 * with the filter in place: that is right whatever the other command does.
 */
async function attachBeside(host: Host, target: Appliance, plan: NetworkPlan): Promise<boolean> {
  const { container } = target.settings.main;
  if (plan.makeBridge || !hasVeth(plan)) return false;
  if ((await planTable(host, target.paths, filterTable(container, plan))) !== null) return false;
  await joinBridge(host, plan);
  return true;
}
