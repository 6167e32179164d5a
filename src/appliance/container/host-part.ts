// The host's part of a generation: LXC configuration, network and image.

import { join } from 'node:path';
import {
  array,
  boolean,
  literal,
  nullable,
  number,
  object,
  optional,
  picklist,
  record,
  string,
  union,
} from 'valibot';
import type { Host } from '../../host/host.ts';
import { bareAddress } from '../../host/ip.ts';
import type { Paths } from '../paths.ts';
import type { NetworkPlan } from './network.ts';
import { readState, type StateFile } from './state-file.ts';

export const HOST_PART = 'host.json';

/** What the host needs to run a generation; stored beside its files, so that a rollback is complete. */
export interface HostPart {
  readonly lxcConfig: string;
  readonly seccomp: string;
  readonly network: NetworkPlan;
  /** SHA-256 of the image. */
  readonly image: string;
  /** Digest by daemon of its other inputs: keys, certificates, operators' additions. */
  readonly inputs: Readonly<Record<string, string>>;
}

const destination = object({
  ...{ to: nullable(string()), protocol: picklist(['tcp', 'udp']), port: number() },
});

const network = object({
  ...{ bridge: string(), makeBridge: boolean(), address: string(), gateway: string() },
  ...{ address6: nullable(string()), gateway6: nullable(string()) },
  publish: union([literal('all'), array(string())]),
  ports: array(number()),
  // a generation of 0.1.0 has none of these fields
  veth: optional(nullable(object({ name: string(), mac: string() })), null),
  mtu: optional(nullable(number()), null),
  egress: optional(
    nullable(object({ destinations: array(destination), lan: array(string()) })),
    null,
  ),
  vlan: optional(nullable(object({ id: number(), device: string() })), null),
});

/** Written once with its generation (`encodeHostPart`). @param link link or name of a generation */
const hostPartFile = (link: string): StateFile<HostPart | null> => ({
  path: (paths) => join(paths.rendered, link, HOST_PART),
  schema: object({
    ...{ lxcConfig: string(), seccomp: string(), network, image: string() },
    inputs: record(string(), string()),
  }),
  empty: null,
  // without it apply cannot compare, and could leave the container on a wrong network
  whenDamaged: { withoutIt: 'mailctl apply then writes all files again' },
});

export const CURRENT_HOST_PART = hostPartFile('current');

export const encodeHostPart = (part: HostPart): string => `${JSON.stringify(part, null, 2)}\n`;

/** @param link `current`, `good`, or the name of a generation; null when there is none. Throws DATA_INVALID. */
export function readHostPart(host: Host, paths: Paths, link: string): Promise<HostPart | null> {
  return readState(host, paths, hostPartFile(link));
}

/** The container's network in the current generation; null before the first apply. Throws DATA_INVALID. */
export async function networkInUse(host: Host, paths: Paths): Promise<NetworkPlan | null> {
  return (await readHostPart(host, paths, 'current'))?.network ?? null;
}

/** IPv4 address of the container in the current generation; null before the first apply. */
export async function addressInUse(host: Host, paths: Paths): Promise<string | null> {
  const network = await networkInUse(host, paths);
  return network === null ? null : bareAddress(network.address);
}
