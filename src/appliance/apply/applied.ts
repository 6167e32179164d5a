// Whether the server has the settings of the UCI file: the digest of those that the last converging command used, on tmpfs.

import { digestText } from '../../host/digest.ts';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import { SECRET_FILE } from '../container/modes.ts';

/** Without main.enabled, which `install` sets after it has converged. */
function digestOf({ settings }: Appliance): string {
  return digestText(JSON.stringify({ ...settings, main: { ...settings.main, enabled: true } }));
}

export async function noteApplied(host: Host, target: Appliance): Promise<void> {
  await host.files.replace(target.paths.applied, `${digestOf(target)}\n`, { mode: SECRET_FILE });
}

export async function isApplied(host: Host, target: Appliance): Promise<boolean> {
  return (await host.files.read(target.paths.applied))?.trim() === digestOf(target);
}
