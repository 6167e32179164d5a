// The folders of the data folder: paths, modes and owners.

import { join } from 'node:path';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import { ids } from '../ids.ts';
import type { Paths } from '../paths.ts';
import { DKIM_FOLDER, SECRET_FOLDER } from './modes.ts';
import { unfinishedRestore } from './restore-journal.ts';

export interface DataDirectory {
  readonly path: string;
  readonly mode: number;
  /** Id inside the container; null for root of the host. */
  readonly owner: number | null;
}

export function dataDirectories(paths: Paths): DataDirectory[] {
  return [
    { path: paths.data, mode: 0o755, owner: null },
    { path: paths.accounts, mode: SECRET_FOLDER, owner: null },
    { path: paths.directory, mode: 0o755, owner: null },
    { path: paths.custom, mode: 0o755, owner: null },
    { path: paths.rendered, mode: 0o755, owner: null },
    { path: paths.ssl, mode: 0o755, owner: null },
    { path: paths.dkim, mode: DKIM_FOLDER, owner: ids.opendkim.gid },
    { path: paths.mail, mode: SECRET_FOLDER, owner: ids.vmail.uid },
    { path: paths.queue, mode: 0o755, owner: ids.root.uid },
    { path: paths.state, mode: 0o755, owner: ids.root.uid },
    { path: paths.log, mode: 0o750, owner: ids.log.uid },
  ];
}

/** Creates missing folders and fixes their owners and modes; never touches their contents. */
export async function ensureDataDirectories(
  host: Host,
  { settings, paths }: Appliance,
  directories: readonly DataDirectory[] = dataDirectories(paths),
): Promise<void> {
  for (const { path, mode, owner } of directories) {
    const id = owner === null ? 0 : settings.main.idmapBase + owner;
    const stat = await host.files.stat(path);
    const fits = stat?.kind === 'directory' && stat.uid === id && stat.mode === mode;
    if (!fits) await host.files.makeDirectory(path, { mode, owner: { uid: id, gid: id } });
  }
}

/** What is wrong with the data folder of an installed server; null when it can be used. */
export async function dataLack(host: Host, paths: Paths): Promise<string | null> {
  const { data, accounts } = paths;
  const restore = await unfinishedRestore(host, paths);
  if (restore !== null && restore.phase !== 'start') {
    return `the restore of backup ${restore.sequence} was interrupted: mailctl mesh restore finishes it`;
  }
  // without this check, an empty server would take the place of one whose disk comes late
  if ((await host.files.stat(accounts)) !== null) return null;
  return `the data folder ${data} has no accounts: its disk may not be mounted yet`;
}

/** Operators' additions: the texts of the files below `custom/`, by name. */
export async function readCustomFiles(host: Host, paths: Paths): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of await host.files.list(paths.custom)) {
    const path = join(paths.custom, name);
    const stat = await host.files.stat(path);
    if (stat?.kind === 'file') found[name] = (await host.files.read(path)) ?? '';
    if (stat?.kind !== 'directory') continue;
    for (const inner of await host.files.list(path)) {
      const text = await host.files.read(join(path, inner));
      if (text !== null) found[`${name}/${inner}`] = text;
    }
  }
  return found;
}

/** Creates the ACME client's folder, readable by the host's root only. */
export async function ensureAcmeFolder(host: Host, paths: Paths): Promise<void> {
  if ((await host.files.stat(paths.acme)) !== null) return;
  await host.files.makeDirectory(paths.acme, { mode: SECRET_FOLDER });
}
