// Keeps DKIM signing in line with the mail domains: a key for each, loaded by OpenDKIM.

import type { Host } from '../../host/host.ts';
import { isRunning } from '../../host/lxc.ts';
import { readDirectory } from '../accounts/accounts.ts';
import type { Appliance } from '../appliance.ts';
import { containerRef } from '../container/container.ts';
import { reloadDaemon } from '../container/daemons.ts';
import { syncDkimWith } from './dkim.ts';
import { forgetReload } from './key-files.ts';
import { type DkimState, readDkimState } from './state.ts';

/**
 * Call it after a change of the mail domains; no-op when keys and tables are current.
 * @param state the state that the operation has read; read here if absent
 */
export async function followDomains(
  host: Host,
  target: Appliance,
  state?: DkimState,
): Promise<void> {
  const { directory } = await readDirectory(host, target);
  const { changed } = await syncDkimWith(host, target, {
    domains: directory.domains,
    state: state ?? (await readDkimState(host, target.paths)),
  });
  if (!changed) return;
  const running = await isRunning(host, containerRef(target));
  if (running && target.settings.features.dkim) await reloadDaemon(host, target, 'opendkim');
  await forgetReload(host, target.paths);
}
