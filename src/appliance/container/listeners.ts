// The listening TCP sockets of this host and their programs, from /proc.

import { join } from 'node:path';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';

export interface Listener {
  readonly port: number;
  /** True when bound to a loopback address. */
  readonly loopback: boolean;
  readonly program: string | null;
}

const LISTEN_STATE = '0A';
const LOOPBACK = /^(?:[0-9A-F]{6}7F|0{24}01000000)/;

interface Socket {
  readonly port: number;
  readonly loopback: boolean;
  readonly inode: string;
}

/** Reads /proc/net/tcp or tcp6 (Documentation/networking/proc_net_tcp.rst). */
export function parseSockets(text: string): Socket[] {
  return text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === LISTEN_STATE)
    .map((fields) => {
      const [address = '', port = '0'] = (fields[1] ?? '').split(':');
      const loopback = LOOPBACK.test(address);
      return { port: Number.parseInt(port, 16), loopback, inode: fields[9] ?? '' };
    });
}

/** Inodes of a process's sockets; empty when it has ended or /proc/<pid>/fd is not readable. */
async function socketsOf(host: Host, pid: string): Promise<string[]> {
  const folder = join('/proc', pid, 'fd');
  try {
    const names = await host.files.list(folder);
    const targets = await Promise.all(names.map((name) => host.files.readLink(join(folder, name))));
    return targets.flatMap((target) => target?.match(/^socket:\[(\d+)\]$/)?.[1] ?? []);
  } catch (error) {
    // the program name only completes a message
    if (error instanceof MailctlError && error.code === 'FILE_FAILED') return [];
    throw error;
  }
}

/** Names of the programs that hold these sockets, by inode. */
async function socketOwners(host: Host, inodes: ReadonlySet<string>): Promise<Map<string, string>> {
  const owners = new Map<string, string>();
  for (const pid of await host.files.list('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    for (const inode of await socketsOf(host, pid)) {
      if (!inodes.has(inode)) continue;
      owners.set(inode, (await host.files.read(join('/proc', pid, 'comm')))?.trim() ?? pid);
    }
  }
  return owners;
}

/** The TCP listeners of this host on any of these ports. */
export async function listenersOn(host: Host, ports: readonly number[]): Promise<Listener[]> {
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((path) => host.files.read(path)),
  );
  const all = tables.flatMap((text) => parseSockets(text ?? ''));
  const sockets = all.filter(({ port }) => ports.includes(port));
  if (sockets.length === 0) return [];
  const owners = await socketOwners(host, new Set(sockets.map((socket) => socket.inode)));
  return sockets.map(({ port, loopback, inode }) => ({
    port,
    loopback,
    program: owners.get(inode) ?? null,
  }));
}
