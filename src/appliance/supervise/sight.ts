// Looks at the container and at what it needs. While it runs, a look reads a few small files and starts no program: it is
// repeated every few seconds on a router.

import { join } from 'node:path';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { queryInitPid } from '../../host/lxc.ts';
import type { Appliance } from '../appliance.ts';
import { desiredNetwork } from '../container/bridge.ts';
import { containerRef } from '../container/container.ts';
import { dataLack } from '../container/data-folders.ts';
import { readHostPart } from '../container/host-part.ts';
import type { NetworkPlan } from '../container/network.ts';
import { isKeptStopped } from '../container/stopped.ts';
import { queryVeth } from '../container/veth-apply.ts';
import type { Port, Sight } from './step.ts';

/** The container's first process, which its start time tells from a later one with the same id. */
interface Init {
  readonly pid: number;
  readonly started: string | null;
}

/** What earlier looks have found, so that a look is cheap. */
export interface Known {
  init: Init | null;
  /** The generation in use, by name, and its network. */
  generation: { readonly name: string; readonly network: NetworkPlan | null } | null;
}

/** Forgets the container; the next look asks LXC. */
export const nothingKnown = (): Known => ({ init: null, generation: null });

async function findInit(host: Host, target: Appliance): Promise<Init | null> {
  const pid = await queryInitPid(host, containerRef(target));
  return pid === null ? null : { pid, started: host.processes.started(pid) };
}

function isAlive(host: Host, init: Init | null): boolean {
  return init?.started != null && host.processes.started(init.pid) === init.started;
}

/** The network of the generation in use; null when there is none, or its disk is not mounted. */
export async function knownNetwork(
  host: Host,
  { paths }: Appliance,
  known: Known,
): Promise<NetworkPlan | null> {
  const name = await host.files.readLink(join(paths.rendered, 'current'));
  // kept while the disk is away: the container still runs
  if (name === null || name === known.generation?.name) return known.generation?.network ?? null;
  const network = (await readHostPart(host, paths, name))?.network ?? null;
  known.generation = { name, network };
  return network;
}

/** What is missing for a start; null when nothing is known to be. */
async function findLack(host: Host, target: Appliance): Promise<string | null> {
  const { paths } = target;
  if ((await host.files.stat(paths.lxcConfig)) === null) {
    return `the mail server is not installed (${paths.lxcConfig} is missing)`;
  }
  const lack = await dataLack(host, paths);
  if (lack !== null) return lack;
  try {
    await desiredNetwork(host, target);
    return null;
  } catch (error) {
    if (error instanceof MailctlError && error.code === 'HOST_UNFIT') return error.message;
    throw error;
  }
}

async function lookAtPort(host: Host, network: NetworkPlan | null): Promise<Port> {
  // LXC named the interface of a container that 0.1.0 has started
  if (network === null || network.veth === null) return 'attached';
  const { bridge, makeBridge, veth } = network;
  const { exists, master, up } = await queryVeth(host, veth.name);
  if (!exists) return 'gone';
  if (master === bridge && up) return 'attached';
  const there = (await host.files.stat(`/sys/class/net/${bridge}`)) !== null;
  return there || makeBridge ? 'detached' : 'no bridge';
}

/** @param thorough also asks LXC while the container should not run */
export async function look(
  host: Host,
  target: Appliance,
  { known, thorough, behind }: { known: Known; thorough: boolean; behind: boolean },
): Promise<Sight> {
  const wanted = target.settings.main.enabled && !(await isKeptStopped(host, target.paths));
  if (!isAlive(host, known.init)) known.init = thorough ? await findInit(host, target) : null;
  const lack = wanted && known.init === null ? await findLack(host, target) : null;
  if (wanted && known.init === null && lack === null) known.init = await findInit(host, target);
  const running = known.init !== null;
  const network = running ? await knownNetwork(host, target, known) : null;
  return { wanted, running, lack, behind, port: await lookAtPort(host, network) };
}
