// What the process that listens to peers needs: its user, its key, and the list of boxes that it admits.

import type { Appliance } from '../../appliance/appliance.ts';
import { readPeers } from '../../appliance/backup/peers.ts';
import type { Host } from '../../host/host.ts';
import { writeAdmitted } from '../../mesh/listener/admitted.ts';
import { listenerPaths, MESH_USER } from '../../mesh/listener/listener.ts';
import { prepareListener } from '../../mesh/own-identity.ts';
import { boxesOf, listenerWords } from './listener-words.ts';

/** Lets the listener answer the peers of the UCI file, and no others. Idempotent. */
export async function followPeers(host: Host, target: Appliance): Promise<void> {
  if (listenerWords(target) === null) return;
  const { settings, paths } = target;
  const user = await host.serviceUsers.ensure(MESH_USER);
  await prepareListener(host, { folder: paths.mesh, user });
  const known = await readPeers(host, paths);
  const peers = boxesOf(settings).map((id) => ({
    id,
    quota: known[id]?.quotaBytes ?? settings.mesh.quota,
    protectedSeconds: settings.mesh.protect,
  }));
  await writeAdmitted(host, listenerPaths(paths.mesh).own, { peers, user });
}
