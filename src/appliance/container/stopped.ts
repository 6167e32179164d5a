// The operator's wish that the container stays stopped: a file from `mailctl stop` to `mailctl start`, on tmpfs, so that
// a boot ends it too.

import type { Host } from '../../host/host.ts';
import type { Paths } from '../paths.ts';

/** @param server id of the `mailctl serve` that alone is bound; null for every one until `endStop` */
export async function keepStopped(host: Host, paths: Paths, server: number | null): Promise<void> {
  // the start time tells a process from a later one with the same id
  const bound = server === null ? 'all' : `${server} ${host.processes.started(server)}`;
  await host.files.replace(paths.stopped, `${bound}\n`, { mode: 0o644 });
}

export async function endStop(host: Host, paths: Paths): Promise<void> {
  await host.files.remove(paths.stopped);
}

export async function isKeptStopped(host: Host, paths: Paths): Promise<boolean> {
  const [bound, started] = ((await host.files.read(paths.stopped)) ?? '').trim().split(' ');
  return bound === 'all' || (!!started && host.processes.started(Number(bound)) === started);
}
