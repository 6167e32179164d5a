// The veth of the running container. Its filter is loaded before the veth becomes a port of the bridge, so that
// the container never sends unfiltered frames on a host that can filter.

import { basename, join } from 'node:path';
import { array, number, object, optional, parse, string } from 'valibot';
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

const PORTS = array(
  object({
    vlans: optional(array(object({ vlan: number(), flags: optional(array(string()), []) }))),
  }),
);

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

/** The VLANs of a bridge's port, as `bridge vlan` writes them: `10 PVID Egress Untagged`. */
export async function queryPortVlans(host: Host, name: string): Promise<string[]> {
  // status 1 and 255: it is no port
  const show = ['bridge', '-j', 'vlan', 'show', 'dev', name];
  const { stdout } = await host.programs.query(show, { accept: [1, 255] });
  const [port] = parse(PORTS, JSON.parse(stdout.trim() || '[]'));
  return (port?.vlans ?? []).map(({ vlan, flags }) => [vlan, ...flags.toSorted()].join(' '));
}

/** The one VLAN of a port that sends and receives it without tags, as `queryPortVlans` returns it. */
export const untaggedVlan = (vlan: number): string => `${vlan} Egress Untagged PVID`;

async function joinVlan(host: Host, name: string, vlan: number): Promise<void> {
  const change = (action: 'add' | 'del', id: string, ...flags: string[]) =>
    host.programs.run(['bridge', 'vlan', action, 'dev', name, 'vid', id, ...flags]);
  for (const other of await queryPortVlans(host, name)) {
    const id = other.split(' ')[0] ?? '';
    if (id !== String(vlan)) await change('del', id);
  }
  await change('add', String(vlan), 'pvid', 'untagged');
}

/** Without the filter, which must be in place. */
export async function joinBridge(
  host: Host,
  { veth, bridge, vlan }: DesiredNetwork,
): Promise<void> {
  const set = (...words: string[]) => host.programs.run(['ip', 'link', 'set', veth.name, ...words]);
  if (vlan !== null) {
    // down: a port that is up would first be in the bridge's default VLAN
    await set('down');
    await set('master', bridge);
    await joinVlan(host, veth.name, vlan.id);
  }
  await set('master', bridge, 'up');
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
