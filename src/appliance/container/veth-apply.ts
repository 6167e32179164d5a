// The veth of the running container. Its filter is loaded before the veth becomes a port of the bridge, so that
// the container never sends unfiltered frames on a host that can filter.

import { basename, join } from 'node:path';
import type { Host } from '../../host/host.ts';
import type { Paths } from '../paths.ts';
import { type DesiredNetwork, type NetworkPlan, tableName } from './network.ts';
import { type NftTable, tryTable } from './nft-tables.ts';
import { renderFilter } from './veth-filter.ts';

export interface VethPresent {
  readonly exists: boolean;
  /** The bridge that it is a port of. */
  readonly master: string | null;
  readonly up: boolean;
}

// linux/if.h
const IFF_UP = 1;

export function hasVeth(plan: NetworkPlan): plan is DesiredNetwork {
  return plan.veth !== null;
}

export function filterTable(container: string, plan: DesiredNetwork): NftTable {
  return { family: 'netdev', name: tableName(container), script: renderFilter(container, plan) };
}

export async function queryVeth(host: Host, name: string): Promise<VethPresent> {
  const folder = join('/sys/class/net', name);
  const flags = await host.files.read(join(folder, 'flags'));
  const master = await host.files.readLink(join(folder, 'master'));
  return {
    exists: flags !== null,
    master: master === null ? null : basename(master),
    up: (Number(flags?.trim() ?? 0) & IFF_UP) !== 0,
  };
}

/** Removes the veth that a killed container may leave, because LXC cannot create it a second time. */
export async function removeVeth(host: Host, { veth }: NetworkPlan): Promise<void> {
  if (veth === null || !(await queryVeth(host, veth.name)).exists) return;
  // status 1: the kernel has already deleted it
  await host.programs.run(['ip', 'link', 'del', veth.name], { accept: [1] });
}

/** Without the filter, which must be in place. */
export async function joinBridge(host: Host, { veth, bridge }: DesiredNetwork): Promise<void> {
  await host.programs.run(['ip', 'link', 'set', veth.name, 'master', bridge, 'up']);
}

export async function attachVeth(
  host: Host,
  paths: Paths,
  network: { container: string; plan: NetworkPlan },
): Promise<void> {
  const { container, plan } = network;
  if (!hasVeth(plan)) return;
  const refusal = await tryTable(host, paths, filterTable(container, plan));
  if (refusal !== null) {
    host.say(
      `the veth filter is not loaded, so the container's addresses and destinations are not enforced: ${refusal}`,
    );
  }
  await joinBridge(host, plan);
}
