// The identity and architecture of this machine.

import { join } from 'node:path';
import type { Host } from './host.ts';

/** Debian's name of its architecture: amd64, arm64, … */
export function hostArchitecture(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch;
}

const INTERFACES = '/sys/class/net';

/** The hardware address of the first interface, by name, that is a physical device. */
async function firstHardwareAddress(host: Host): Promise<string | null> {
  for (const name of await host.files.list(INTERFACES)) {
    const folder = join(INTERFACES, name);
    const address = (await host.files.read(join(folder, 'address')))?.trim() ?? '';
    if (address !== '' && (await host.files.stat(join(folder, 'device'))) !== null) return address;
  }
  return null;
}

/**
 * A value that is unique to this machine and survives reboots: machine-id(5), or a hardware address (OpenWrt),
 * or the host name.
 */
export async function queryMachineId(host: Host): Promise<string> {
  const id = (await host.files.read('/etc/machine-id'))?.trim();
  if (id) return id;
  const hostname = (await host.files.read('/proc/sys/kernel/hostname'))?.trim() ?? '';
  return (await firstHardwareAddress(host)) ?? hostname;
}
