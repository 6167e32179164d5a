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

/** @param folder that of a generation, or a link to it; null when there is none */
export async function readHostPart(host: Host, folder: string): Promise<HostPart | null> {
  const text = await host.files.read(join(folder, HOST_PART));
  return text === null ? null : (JSON.parse(text) as HostPart);
}

/** IPv4 of the container as it was last configured; null before the first apply. */
export async function addressInUse(host: Host, paths: Paths): Promise<string | null> {
  const part = await readHostPart(host, join(paths.rendered, 'current'));
  return part === null ? null : bareAddress(part.network.address);
}
