// What mailctl has made on this host for the container: recorded before it is made, so that a bridge or address that
// UCI named before is removed, also after a kill. On tmpfs, because a reboot removes it all.

import { join } from 'node:path';
import { array, object, safeParse, string } from 'valibot';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import type { Paths } from '../paths.ts';
import type { NetworkPlan } from './network.ts';
import { endForwarding, ownAddresses, queryBridge, removeBridge } from './network-apply.ts';
import { queryVeth } from './veth-apply.ts';

/** An address of this host on a bridge of mailctl. */
interface Part {
  readonly bridge: string;
  /** CIDR */
  readonly address: string;
}

const RECORD = object({ parts: array(object({ bridge: string(), address: string() })) });

const recordOf = (paths: Paths): string => join(paths.run, 'network.json');

function partsOf(plan: NetworkPlan): Part[] {
  if (!plan.makeBridge) return [];
  const { bridge } = plan;
  const { own, own6 } = ownAddresses(plan);
  return [own, ...(own6 === null ? [] : [own6])].map((address) => ({ bridge, address }));
}

const isIn = (parts: readonly Part[], { bridge, address }: Part): boolean =>
  parts.some((part) => part.bridge === bridge && part.address === address);

/** Null without a record: nothing was made, or by a version that kept none. */
async function readRecord(host: Host, paths: Paths): Promise<Part[] | null> {
  const path = recordOf(paths);
  const text = await host.files.read(path);
  if (text === null) return null;
  const { success, output } = safeParse(RECORD, JSON.parse(text));
  if (success) return output.parts;
  throw new MailctlError('FILE_FAILED', `${path} is damaged`, { hint: `rm ${path}` });
}

/** Of a version without a record: another bridge that the container's interface is a port of. */
async function partsInUse(host: Host, plan: NetworkPlan): Promise<Part[]> {
  const master = plan.veth === null ? null : (await queryVeth(host, plan.veth.name)).master;
  if (master === null || master === plan.bridge) return [];
  const { ours, addresses, addresses6 } = await queryBridge(host, master);
  const all = ours ? [...addresses, ...addresses6] : [];
  return all.map((address) => ({ bridge: master, address }));
}

async function write(host: Host, paths: Paths, parts: readonly Part[]): Promise<void> {
  const text = `${JSON.stringify({ parts })}\n`;
  if ((await host.files.read(recordOf(paths))) === text) return;
  await host.files.replace(recordOf(paths), text, { mode: 0o600 });
}

/** What was made for an earlier plan and is not in this one. */
export async function formerParts(host: Host, paths: Paths, plan: NetworkPlan): Promise<Part[]> {
  const made = (await readRecord(host, paths)) ?? (await partsInUse(host, plan));
  return made.filter((part) => !isIn(partsOf(plan), part));
}

/** Call it before the plan is applied. */
export async function recordParts(host: Host, paths: Paths, plan: NetworkPlan): Promise<void> {
  await write(host, paths, [...(await formerParts(host, paths, plan)), ...partsOf(plan)]);
}

async function removePart(host: Host, { bridge, address }: Part, own: string | null) {
  const { ours, addresses, addresses6 } = await queryBridge(host, bridge);
  const ports = await host.files.list(`/sys/class/net/${bridge}/brif`);
  // another appliance may use the address too
  if (!ours || ports.some((port) => port !== own)) return;
  if (![...addresses, ...addresses6].includes(address)) return;
  await host.programs.run(['ip', 'addr', 'del', address, 'dev', bridge]);
}

/** Removes what was made for an earlier plan. Call it when the container has left it. */
export async function removeFormer(
  host: Host,
  paths: Paths,
  { container, plan }: { container: string; plan: NetworkPlan },
): Promise<void> {
  const former = await formerParts(host, paths, plan);
  for (const part of former) {
    if (plan.makeBridge && part.bridge === plan.bridge) {
      await removePart(host, part, plan.veth?.name ?? null);
    } else await removeBridge(host, part.bridge);
  }
  if (former.length > 0 && !plan.makeBridge) await endForwarding(host, paths, container);
  await write(host, paths, partsOf(plan));
}

/** Every bridge that was made for the container. */
export async function madeBridges(host: Host, paths: Paths): Promise<string[]> {
  const parts = (await readRecord(host, paths)) ?? [];
  return [...new Set(parts.map(({ bridge }) => bridge))];
}
