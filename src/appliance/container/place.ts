// Where a configuration runs: the machine, the container, the data folder and the ids of its files. A data folder that
// was copied remembers another place, and nothing of that place is used here.

import { dirname, join } from 'node:path';
import type { Host } from '../../host/host.ts';
import { queryMachineId } from '../../host/machine.ts';
import type { Appliance } from '../appliance.ts';
import { type HostPart, readHostPart } from './host-part.ts';
import { planVeth } from './veth.ts';

export interface Place {
  readonly data: string;
  readonly idmapBase: number;
  readonly container: string;
  readonly lxc: string;
  /** Hardware address of the container, which differs between machines; null in a generation of 0.1.0. */
  readonly mac: string | null;
}

/** fstab(5) */
const unescapeSpaces = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );

/** @param lxcConfig the text that `renderLxcConfig` makes; null for any other */
export function placeOf(lxcConfig: string): Place | null {
  const find = (pattern: RegExp) => pattern.exec(lxcConfig)?.[1] ?? null;
  const rendered = find(/^lxc\.mount\.entry = (\S+) config /m);
  const base = find(/^lxc\.idmap = u 0 (\d+) /m);
  const seccomp = find(/^lxc\.seccomp\.profile = (.+)\/seccomp$/m);
  if (rendered === null || base === null || seccomp === null) return null;
  return {
    data: dirname(unescapeSpaces(rendered)),
    idmapBase: Number(base),
    container: seccomp.slice(seccomp.lastIndexOf('/') + 1),
    lxc: dirname(seccomp),
    mac: find(/^lxc\.net\.0\.hwaddr = (\S+)$/m),
  };
}

/** The place that UCI names, on this machine. */
export async function placeHere(host: Host, { settings, paths }: Appliance): Promise<Place> {
  const { container, idmapBase } = settings.main;
  const { mac } = planVeth(container, await queryMachineId(host));
  // without a trailing slash
  const lxc = host.files.path(dirname(paths.container));
  return { data: dirname(paths.rendered), idmapBase, container, lxc, mac };
}

function isSamePlace(one: Place, other: Place): boolean {
  const mac = one.mac === null || other.mac === null || one.mac === other.mac;
  const keys = ['data', 'idmapBase', 'container', 'lxc'] as const;
  return mac && keys.every((key) => one[key] === other[key]);
}

/** The place of the container as it was last started on this host; null when it never was. */
export async function placeInUse(host: Host, { paths }: Appliance): Promise<Place | null> {
  return placeOf((await host.files.read(paths.lxcConfig)) ?? '');
}

/**
 * The host part of a generation that was made for this place; null for one of another place. LXC's configuration is
 * not part of the data folder: without it, no generation has ever run here.
 */
export async function hostPartHere(
  host: Host,
  target: Appliance,
  link: 'current' | 'good',
): Promise<HostPart | null> {
  const { paths } = target;
  const isLink = (await host.files.readLink(join(paths.rendered, link))) !== null;
  if (!isLink || (await host.files.stat(paths.lxcConfig)) === null) return null;
  const part = await readHostPart(host, paths, link);
  const place = part === null ? null : placeOf(part.lxcConfig);
  return place !== null && isSamePlace(place, await placeHere(host, target)) ? part : null;
}
