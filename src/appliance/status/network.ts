// How the running container is attached to the network of this host, and whether its address answers.

import type { Host } from '../../host/host.ts';
import { isReachable } from '../../host/reach.ts';
import { queryVeth } from '../container/veth-apply.ts';
import type { Paths } from '../paths.ts';

export interface NetworkStatus {
  /** Name of the container's interface on the host; null if LXC chose it. */
  readonly veth: string | null;
  readonly attached: boolean;
  readonly reachable: boolean;
}

// RFC 863 (discard): not listening, so the container refuses the connection at once
const DISCARD_PORT = 9;
const TIMEOUT_MS = 2000;

/** @param address of the container, without prefix length */
export async function queryNetwork(
  host: Host,
  paths: Paths,
  address: string,
): Promise<NetworkStatus> {
  const config = (await host.files.read(paths.lxcConfig)) ?? '';
  const veth = /^lxc\.net\.0\.veth\.pair = (\S+)$/m.exec(config)?.[1] ?? null;
  const attached = veth === null || (await queryVeth(host, veth)).master !== null;
  return { veth, attached, reachable: await isReachable(address, DISCARD_PORT, TIMEOUT_MS) };
}
