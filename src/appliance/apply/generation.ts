// Generations of the rendered configuration, one folder each. The link `current` is switched atomically, so
// a power cut leaves the old set or the new one.

import { dirname, join } from 'node:path';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import { encodeHostPart, HOST_PART, type HostPart, readHostPart } from '../container/host-part.ts';
import { SECRET_FILE } from '../container/modes.ts';
import { hostPartHere } from '../container/place.ts';
import { ids } from '../ids.ts';
import type { Paths } from '../paths.ts';

export interface GenerationFile {
  readonly path: string;
  readonly text: string;
  /** Ids as on the host. */
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

export interface Generation {
  readonly name: string;
  readonly host: HostPart;
  readonly files: readonly GenerationFile[];
}

async function readFiles(host: Host, root: string, below = ''): Promise<GenerationFile[]> {
  const files: GenerationFile[] = [];
  for (const name of await host.files.list(join(root, below))) {
    const path = join(below, name);
    const stat = await host.files.stat(join(root, path));
    if (stat?.kind === 'directory') files.push(...(await readFiles(host, root, path)));
    if (stat?.kind !== 'file' || path === HOST_PART) continue;
    const text = (await host.files.read(join(root, path))) ?? '';
    files.push({ path: `/${path}`, text, uid: stat.uid, gid: stat.gid, mode: stat.mode });
  }
  return files;
}

/** The generation a link of the rendered folder points to, or null when there is none. */
export async function readGeneration(
  host: Host,
  paths: Paths,
  link: 'current' | 'good',
): Promise<Generation | null> {
  const name = await host.files.readLink(join(paths.rendered, link));
  if (name === null) return null;
  const root = join(paths.rendered, name);
  const part = await readHostPart(host, paths, name);
  return part === null ? null : { name, host: part, files: await readFiles(host, root) };
}

/** The same; null for a generation of another place. */
export async function generationHere(
  host: Host,
  target: Appliance,
  link: 'current' | 'good',
): Promise<Generation | null> {
  const here = (await hostPartHere(host, target, link)) !== null;
  return here ? readGeneration(host, target.paths, link) : null;
}

async function makeFolders(host: Host, root: string, path: string): Promise<void> {
  const parents: string[] = [];
  for (let folder = dirname(path); folder !== '/'; folder = dirname(folder))
    parents.unshift(folder);
  for (const folder of ['', ...parents]) {
    await host.files.makeDirectory(join(root, folder), { mode: 0o755 });
  }
}

/** Writes a generation under a new name; `switchTo` puts it in use. */
export async function writeGeneration(
  host: Host,
  paths: Paths,
  content: Omit<Generation, 'name'>,
): Promise<Generation> {
  const stamp = host.clock.now().toISOString().replaceAll(/[-:]/g, '').replace('.', '');
  const name = `g${stamp}`;
  const root = join(paths.rendered, name);
  for (const { path, text, uid, gid, mode } of content.files) {
    await makeFolders(host, root, path);
    await host.files.replace(join(root, path), text, { mode, owner: { uid, gid } });
  }
  const part = encodeHostPart(content.host);
  await host.files.replace(join(root, HOST_PART), part, { mode: SECRET_FILE });
  return { name, ...content };
}

/** Daemons read this generation at their next reload. */
export async function switchTo(host: Host, paths: Paths, name: string): Promise<void> {
  await host.files.link(name, join(paths.rendered, 'current'));
}

/** Records that the current generation passed its probes, and deletes all others. */
export async function acceptGeneration(host: Host, paths: Paths, name: string): Promise<void> {
  const good = join(paths.rendered, 'good');
  if ((await host.files.readLink(good)) !== name) await host.files.link(name, good);
  for (const entry of await host.files.list(paths.rendered)) {
    if (!['current', 'good', name].includes(entry)) {
      await host.files.removeTree(join(paths.rendered, entry));
    }
  }
}

/** Owner on the host of a rendered file. */
export function hostOwner(idmapBase: number, owner: keyof typeof ids, group?: keyof typeof ids) {
  const account = ids[owner];
  const groupId = group === undefined ? account.gid : ids[group].gid;
  return { uid: idmapBase + account.uid, gid: idmapBase + groupId };
}
