// The appliance's container: its LXC name, path and log.

import { join } from 'node:path';
import type { ContainerRef } from '../../host/lxc.ts';
import type { Appliance } from '../appliance.ts';

export function containerRef(appliance: Appliance): ContainerRef {
  const { settings, paths } = appliance;
  return {
    name: settings.main.container,
    lxcPath: paths.lxc,
    logFile: join(paths.run, 'lxc.log'),
  };
}
