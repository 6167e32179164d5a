// Which of the enabled ports are listening in the container.

import { join } from 'node:path';
import type { Host } from '../../host/host.ts';
import { parseSockets } from '../container/listeners.ts';
import type { Settings } from '../settings/settings.ts';

export interface PortStatus {
  /** As in UCI. */
  readonly name: string;
  readonly port: number;
  readonly listening: boolean;
}

/**
 * The kernel's list of listening sockets in the container: unlike a connection, it causes no load and no log line.
 * @param pid on this host, of the container's init
 */
async function reachablePorts(host: Host, pid: number): Promise<Set<number>> {
  const paths = ['tcp', 'tcp6'].map((name) => join('/proc', String(pid), 'net', name));
  const tables = await Promise.all(paths.map((path) => host.files.read(path)));
  const sockets = tables.flatMap((text) => parseSockets(text ?? ''));
  return new Set(sockets.filter(({ loopback }) => !loopback).map(({ port }) => port));
}

/** @param pid null while the container is not running: no port is listening then */
export async function queryPorts(
  host: Host,
  settings: Settings,
  pid: number | null,
): Promise<PortStatus[]> {
  const reachable = pid === null ? new Set<number>() : await reachablePorts(host, pid);
  return Object.entries(settings.ports).flatMap(([name, port]) =>
    port === null ? [] : [{ name, port, listening: reachable.has(port) }],
  );
}
