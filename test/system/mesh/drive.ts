// Drives the mesh on a host of the lab: the listener, and one request to a store. Arguments and result are JSON.

import { createHost } from '../../../src/host/host.ts';
import { type AdmittedPeer, writeAdmitted } from '../../../src/mesh/listener/admitted.ts';
import { listenerPaths, MESH_USER, startListener } from '../../../src/mesh/listener/listener.ts';
import { followOutbox } from '../../../src/mesh/offers.ts';
import { ensureIdentity, prepareListener, readIdentity } from '../../../src/mesh/own-identity.ts';
import { openPeer } from '../../../src/mesh/peers/peer-store.ts';
import type { PeerBox } from '../../../src/mesh/peers/reach.ts';
import { pullFrom } from '../../../src/mesh/pull.ts';
import type { ArchiveFile } from '../../../src/mesh/store.ts';

export interface Orders {
  folder: string;
  listen?: { address: string; port: number };
  admit?: AdmittedPeer[];
  put?: { peer: PeerBox; file: ArchiveFile & { path: string } };
  get?: { peer: PeerBox; file: ArchiveFile; to: string };
  list?: PeerBox;
  /** Offers what is in this folder to the peers. */
  offer?: string;
  /** Fetches what the peer offers, as the listener's user. */
  take?: PeerBox;
}

const orders = JSON.parse(process.argv[2] ?? '{}') as Orders;
const { folder } = orders;
const host = createHost({ root: '/', env: process.env, say: () => undefined });
const identity = await ensureIdentity(host, folder);
const storeOf = (peer: PeerBox) => openPeer(host, peer, identity);

async function obey(): Promise<unknown> {
  if (orders.listen) {
    const user = await host.serviceUsers.ensure(MESH_USER);
    await prepareListener(host, { folder, user });
    if (orders.admit)
      await writeAdmitted(host, listenerPaths(folder).own, { peers: orders.admit, user });
    await host.serviceUsers.become(MESH_USER);
    await startListener(host, { folder, ...orders.listen, log: (line) => console.error(line) });
    return 'listening';
  }
  if (orders.offer !== undefined) {
    const user = await host.serviceUsers.ensure(MESH_USER);
    await prepareListener(host, { folder, user });
    await followOutbox(host, { folder, outbox: orders.offer, user });
    if (orders.admit)
      await writeAdmitted(host, listenerPaths(folder).own, { peers: orders.admit, user });
  }
  if (orders.take) {
    await host.serviceUsers.become(MESH_USER);
    return pullFrom(host, folder, orders.take);
  }
  if (orders.put) await storeOf(orders.put.peer).put(orders.put.file);
  if (orders.get) await storeOf(orders.get.peer).get(orders.get.file, orders.get.to);
  if (orders.list) return storeOf(orders.list).list();
  return (await readIdentity(host, folder))?.peerId;
}

try {
  console.log(JSON.stringify({ done: await obey() }));
} catch (error) {
  const { code, message } = error as { code?: string; message: string };
  console.log(JSON.stringify({ code, message }));
  process.exitCode = 1;
}
