// The appliance's container as the host's LXC knows it.

import { join } from 'node:path';
import type { ContainerRef } from '../../host/lxc.ts';
import type { Appliance } from '../appliance.ts';
import type { Settings } from '../settings/settings.ts';

export function containerRef(appliance: Appliance): ContainerRef {
  const { settings, paths } = appliance;
  return {
    name: settings.main.container,
    lxcPath: paths.lxc,
    logFile: join(paths.run, 'lxc.log'),
  };
}

/** Owner on the host of a file that belongs to `id` inside the container. */
export function shiftedOwner(settings: Settings, id: number): { uid: number; gid: number } {
  return { uid: settings.main.idmapBase + id, gid: settings.main.idmapBase + id };
}
