// Signing follows the mail domains: a key for each, and an OpenDKIM that knows it.

import type { Host } from '../../host/host.ts';
import { isRunning } from '../../host/lxc.ts';
import { readDirectory } from '../accounts/accounts.ts';
import type { Appliance } from '../appliance.ts';
import { containerRef } from '../container/container.ts';
import { reloadDaemon } from '../container/daemons.ts';
import { forgetReload, syncDkimWith } from './dkim.ts';
import { type DkimState, readDkimState } from './state.ts';

/**
 * To be called after a change of the mail domains; does nothing where all is in order.
 * @param state as the operation has read it; read here unless told
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
