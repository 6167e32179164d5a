// Removes the appliance from the host: processes, mount, interface, rules, image and derived files. Keeps
// the data unless `purge`.

import { dirname } from 'node:path';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import { uciLock } from '../settings/uci-file.ts';
import { takeDown } from './lifecycle.ts';

export async function uninstall(host: Host, target: Appliance, purge: boolean): Promise<void> {
  const { paths } = target;
  await takeDown(host, target);
  await host.files.removeTree(paths.container);
  // derived from UCI and the accounts: install creates them again
  await host.files.removeTree(paths.rendered);
  await host.files.removeTree(paths.directory);
  await host.files.removeTree(paths.web);
  if (purge) await host.files.removeTree(paths.data);
  for (const path of [paths.serveLock, `${paths.serveLock}.holder`]) await host.files.remove(path);
  for (const path of [paths.serveWait, paths.stopped, paths.applied]) await host.files.remove(path);
  for (const lock of [uciLock(paths.uciFile), paths.lock]) {
    await host.files.remove(`${lock}.holder`);
    await host.files.remove(lock);
  }
  await removeIfEmpty(host, dirname(paths.run));
}

async function removeIfEmpty(host: Host, path: string): Promise<void> {
  if ((await host.files.stat(path)) === null) return;
  if ((await host.files.list(path)).length === 0) await host.files.removeTree(path);
}
