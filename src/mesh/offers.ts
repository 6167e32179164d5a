// What this box offers to peers that fetch: hard links to the files of its outbox, which the listener's user can read.
// For a peer that this box cannot reach, such as one behind a provider's NAT.

import { join } from 'node:path';
import type { Ownership } from '../host/files.ts';
import type { Host } from '../host/host.ts';
import { listenerPaths } from './listener/listener.ts';
import { isStoreName } from './store.ts';

/** Makes the offers equal to the outbox. Idempotent. @param user of the listener */
export async function followOutbox(
  host: Host,
  { folder, outbox, user }: { folder: string; outbox: string; user: Ownership },
): Promise<void> {
  const { offers } = listenerPaths(folder);
  const wanted = (await host.files.list(outbox)).filter(isStoreName);
  for (const name of await host.files.list(offers)) {
    if (!wanted.includes(name)) await host.files.remove(join(offers, name));
  }
  for (const name of wanted) {
    const path = join(outbox, name);
    if ((await host.files.stat(path))?.kind !== 'file') continue;
    await host.archives.share(path, join(offers, name), user.gid);
  }
}
