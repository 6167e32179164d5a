// What the host itself needs to run a container, beside the files inside it.

import { join } from 'node:path';
import type { Host } from '../../host/host.ts';
import type { Paths } from '../paths.ts';
import { bareAddress, type NetworkPlan } from './network.ts';

export const HOST_PART = 'host.json';

/** What the host needs to run a generation: kept beside its files, so that going back is complete. */
export interface HostPart {
  readonly lxcConfig: string;
  readonly seccomp: string;
  readonly network: NetworkPlan;
  /** SHA-256 of the image. */
  readonly image: string;
  /** Digest of what a daemon reads beside its files: keys, certificates, operators' additions. */
  readonly inputs: Readonly<Record<string, string>>;
}

function parseHostPart(text: string): HostPart {
  const part = JSON.parse(text) as HostPart;
  const { veth = null, mtu = null } = part.network as Partial<NetworkPlan>;
  return { ...part, network: { ...part.network, veth, mtu } };
}

/** What the host needs to run a generation, without its files; null when there is none. */
export async function readHostPart(
  host: Host,
  paths: Paths,
  link: 'current' | 'good',
): Promise<HostPart | null> {
  const text = await host.files.read(join(paths.rendered, link, HOST_PART));
  return text === null ? null : parseHostPart(text);
}

/** IPv4 of the container as it was last configured; null before the first apply. */
export async function addressInUse(host: Host, paths: Paths): Promise<string | null> {
  const part = await readHostPart(host, paths, 'current');
  return part === null ? null : bareAddress(part.network.address);
}
