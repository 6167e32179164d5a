// Finds and repairs differences between this host's network and the running container's plan: a deleted
// bridge, a flushed table, an interface without its bridge.

import { isDeepStrictEqual } from 'node:util';
import type { Host } from '../../host/host.ts';
import { isRunning } from '../../host/lxc.ts';
import type { Appliance } from '../appliance.ts';
import { containerRef } from '../container/container.ts';
import type { DesiredNetwork, NetworkPlan } from '../container/network.ts';
import {
  applyNetwork,
  FORWARDING,
  FORWARDING6,
  ownAddresses,
  queryBridge,
} from '../container/network-apply.ts';
import { formerParts, recordParts, removeFormer } from '../container/network-former.ts';
import {
  attachVeth,
  hasVeth,
  queryPortVlans,
  queryVeth,
  untaggedVlan,
} from '../container/veth-apply.ts';
import type { Paths } from '../paths.ts';
import type { Change } from './changes.ts';
import { planTables } from './network-tables.ts';

async function planBridge(host: Host, plan: NetworkPlan): Promise<Change[]> {
  const present = await queryBridge(host, plan.bridge);
  const name = `bridge ${plan.bridge}`;
  if (!present.exists) return [{ what: 'firewall', name, action: 'add', effect: { none: true } }];
  const { own, own6 } = ownAddresses(plan);
  const missing = [own, own6].filter(
    (address) =>
      address !== null && ![...present.addresses, ...present.addresses6].includes(address),
  );
  const { up } = await queryVeth(host, plan.bridge);
  if (missing.length === 0 && present.ours && up) return [];
  const lines = (all: readonly (string | null)[]) => all.map((line) => `${line}\n`).join('');
  const before = lines([...present.addresses, ...present.addresses6, ...(up ? ['up'] : ['down'])]);
  const after = lines([own, ...(own6 === null ? [] : [own6]), 'up']);
  return [{ what: 'firewall', name, action: 'change', effect: { none: true }, before, after }];
}

async function planForwarding(host: Host, plan: NetworkPlan): Promise<Change[]> {
  const keys = plan.address6 === null ? [FORWARDING] : [FORWARDING, FORWARDING6];
  const off: string[] = [];
  for (const key of keys) if ((await host.files.read(key))?.trim() === '0') off.push(key);
  return off.map((name) => ({ what: 'firewall', name, action: 'change', effect: { none: true } }));
}

async function planVethPort(host: Host, plan: DesiredNetwork): Promise<Change[]> {
  const { veth, bridge, vlan } = plan;
  const { exists, master, up } = await queryVeth(host, veth.name);
  const name = `veth ${veth.name}`;
  // the kernel deletes both ends of a veth together
  if (!exists)
    return [{ what: 'container', name, action: 'add', effect: { restart_container: true } }];
  const wanted = vlan === null ? [] : [untaggedVlan(vlan.id)];
  const vlans = vlan === null || master === null ? [] : await queryPortVlans(host, veth.name);
  if (master === bridge && up && isDeepStrictEqual(vlans, wanted)) return [];
  const state = (port: string | null, on: boolean, ids: readonly string[]) => {
    const lines = [port === null ? 'no bridge' : `port of ${port}`, on ? 'up' : 'down'];
    return [...lines, ...ids.map((id) => `VLAN ${id}`), ''].join('\n');
  };
  const texts = { before: state(master, up, vlans), after: state(bridge, true, wanted) };
  return [{ what: 'container', name, action: 'change', effect: { none: true }, ...texts }];
}

/** What an earlier plan made on this host. */
async function planFormer(host: Host, paths: Paths, plan: NetworkPlan): Promise<Change[]> {
  return (await formerParts(host, paths, plan)).map(({ bridge, address }) => ({
    what: 'firewall',
    name: `address ${address} of bridge ${bridge}`,
    action: 'remove',
    effect: { none: true },
  }));
}

/** The differences from the plan on this host; none while the container is stopped. */
export async function findRepairs(
  host: Host,
  target: Appliance,
  plan: NetworkPlan,
): Promise<Change[]> {
  if (!(await isRunning(host, containerRef(target)))) return [];
  const { paths, settings } = target;
  const { container } = settings.main;
  const changes: Change[] = [];
  if (plan.makeBridge) {
    changes.push(...(await planBridge(host, plan)), ...(await planForwarding(host, plan)));
  }
  changes.push(...(await planTables(host, paths, { container, plan })));
  if (hasVeth(plan)) changes.push(...(await planVethPort(host, plan)));
  return [...changes, ...(await planFormer(host, paths, plan))];
}

/** Differences on this host when the planned network has not changed. */
export async function planRepairs(
  host: Host,
  target: Appliance,
  networks: { present: NetworkPlan | undefined; desired: NetworkPlan },
): Promise<Change[]> {
  const { present, desired } = networks;
  const same = JSON.stringify(present) === JSON.stringify(desired);
  return same ? findRepairs(host, target, desired) : [];
}

export async function repairNetwork(
  host: Host,
  { settings, paths }: Appliance,
  plan: NetworkPlan,
): Promise<void> {
  const network = { container: settings.main.container, plan };
  await recordParts(host, paths, plan);
  await applyNetwork(host, paths, network);
  await attachVeth(host, paths, network);
  await removeFormer(host, paths, network);
}
