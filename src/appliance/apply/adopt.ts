// Takes over a data folder that was copied, moved or restored: it gets its links and owners back, and the generations of
// the other place are forgotten, so that nothing ever goes back to them.

import { join } from 'node:path';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import { restoreOwners } from '../container/data-owners.ts';
import { hostPartHere } from '../container/place.ts';
import { restoreLinks } from '../tls/store.ts';

/**
 * Idempotent; the generations go last, so that an interrupted run is repeated.
 * @param everyOwner look at every owner also in a data folder of this place
 */
export async function adoptData(
  host: Host,
  target: Appliance,
  { everyOwner }: { everyOwner: boolean },
): Promise<void> {
  const { paths } = target;
  const copied = (await hostPartHere(host, target, 'current')) === null;
  if (!copied && !everyOwner) return;
  if (copied) await restoreLinks(host, target);
  const restored = await restoreOwners(host, target, { copied });
  if (restored > 0)
    host.say(`restored the owners of ${restored} files and folders in ${paths.data}`);
  if (!copied) return;
  for (const name of await host.files.list(paths.rendered)) {
    await host.files.removeTree(join(paths.rendered, name));
  }
}
