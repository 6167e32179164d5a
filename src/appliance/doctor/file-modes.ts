// Owner and mode of the data folders and of every private key.

import { join } from 'node:path';
import type { WriteOptions } from '../../host/files.ts';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import { dataDirectories } from '../container/data-folders.ts';
import {
  arcKeyMode,
  dkimKeyMode,
  SECRET_FILE,
  SECRET_FOLDER,
  tlsKeyMode,
} from '../container/modes.ts';

/** A file or folder, with its wanted mode and owner. */
export interface Wanted {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
}

async function secretFiles(host: Host, { settings, paths }: Appliance): Promise<Wanted[]> {
  const as = (path: string, { mode, owner }: Required<WriteOptions>): Wanted => ({
    ...{ path, mode },
    uid: owner.uid,
  });
  const wanted = [
    as(join(paths.ssl, 'current', 'privkey.pem'), tlsKeyMode(settings)),
    as(join(paths.dkim, 'ArcKey'), arcKeyMode(settings)),
    { path: paths.srsSecret, mode: SECRET_FILE, uid: 0 },
  ];
  for (const domain of await host.files.list(paths.dkim).catch(() => [])) {
    if ((await host.files.stat(join(paths.dkim, domain)))?.kind !== 'directory') continue;
    for (const name of await host.files.list(join(paths.dkim, domain))) {
      if (name.startsWith('.') || !name.endsWith('.private')) continue;
      wanted.push(as(join(paths.dkim, domain, name), dkimKeyMode(settings)));
    }
  }
  if ((await host.files.stat(paths.acme)) !== null) {
    wanted.push({ path: paths.acme, mode: SECRET_FOLDER, uid: 0 });
    for (const name of await host.files.list(paths.acme)) {
      if (!name.startsWith('.'))
        wanted.push({ path: join(paths.acme, name), mode: SECRET_FILE, uid: 0 });
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
