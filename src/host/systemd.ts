// Units of systemd, as the service manager of this host.

import type { Host } from './host.ts';

/** As sd_booted(3): systemd is the running service manager, not only installed. */
export async function isSystemdHost(host: Host): Promise<boolean> {
  return (await host.files.stat('/run/systemd/system'))?.kind === 'directory';
}

export async function isActive(host: Host, unit: string): Promise<boolean> {
  const query = ['systemctl', 'is-active', '--quiet', unit];
  // 3: not active, 4: no such unit
  return (await host.programs.query(query, { accept: [3, 4] })).status === 0;
}

/** Reads the unit files again, and starts the unit at every boot. */
export async function enableUnit(host: Host, unit: string): Promise<void> {
  await host.programs.run(['systemctl', 'daemon-reload']);
  await host.programs.run(['systemctl', '--quiet', 'enable', unit]);
}

/** The unit starts, or starts again, after this returns: it may wait for a lock of this process. */
export async function startUnit(
  host: Host,
  unit: string,
  verb: 'start' | 'restart',
): Promise<void> {
  await host.programs.run(['systemctl', '--no-block', verb, unit]);
}

// longer than TimeoutStopSec of the unit, twice: ExecStopPost has a limit of its own
const STOP_LIMIT_MS = 300_000;

/** Returns when the unit has stopped. */
export async function stopUnit(host: Host, unit: string): Promise<void> {
  await host.programs.run(['systemctl', 'stop', unit], { timeout: STOP_LIMIT_MS });
}

export async function disableUnit(host: Host, unit: string): Promise<void> {
  await host.programs.run(['systemctl', '--quiet', 'disable', unit]);
}

export async function reloadUnits(host: Host): Promise<void> {
  await host.programs.run(['systemctl', 'daemon-reload']);
}
