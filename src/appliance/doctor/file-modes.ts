// Owner and mode of what must not be everybody's: the data folders and every private key.

import { join } from 'node:path';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import { shiftedOwner } from '../container/container.ts';
import { dataDirectories } from '../container/data-folders.ts';
import { ids } from '../ids.ts';

/** A file or folder, and how it should be. */
export interface Wanted {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
}

async function secretFiles(host: Host, { settings, paths }: Appliance): Promise<Wanted[]> {
  const root = shiftedOwner(settings, ids.root.uid).uid;
  const dkim = shiftedOwner(settings, ids.opendkim.uid).uid;
  const wanted: Wanted[] = [
    { path: join(paths.ssl, 'current', 'privkey.pem'), mode: 0o600, uid: root },
  ];
  for (const domain of await host.files.list(paths.dkim).catch(() => [])) {
    if ((await host.files.stat(join(paths.dkim, domain)))?.kind !== 'directory') continue;
    for (const name of await host.files.list(join(paths.dkim, domain))) {
      if (name.startsWith('.') || !name.endsWith('.private')) continue;
      wanted.push({ path: join(paths.dkim, domain, name), mode: 0o400, uid: dkim });
    }
  }
  if ((await host.files.stat(paths.acme)) !== null) {
    wanted.push({ path: paths.acme, mode: 0o700, uid: 0 });
    for (const name of await host.files.list(paths.acme)) {
      if (!name.startsWith('.')) wanted.push({ path: join(paths.acme, name), mode: 0o600, uid: 0 });
    }
  }
  return wanted;
}

export async function wrongFiles(host: Host, target: Appliance): Promise<Wanted[]> {
  const { settings } = target;
  const folders = dataDirectories(target.paths).map(({ path, mode, owner }) => ({
    ...{ path, mode },
    uid: owner === null ? 0 : settings.main.idmapBase + owner,
  }));
  const wrong: Wanted[] = [];
  for (const wanted of [...folders, ...(await secretFiles(host, target))]) {
    const stat = await host.files.stat(wanted.path);
    if (stat !== null && (stat.mode !== wanted.mode || stat.uid !== wanted.uid)) wrong.push(wanted);
  }
  return wrong;
}
