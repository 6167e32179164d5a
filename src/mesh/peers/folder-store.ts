// A folder as a peer, such as a disk on the router's USB port: <folder>/<box>/<name>. When the disk is not mounted, the
// folder of the box is missing, and nothing is written to the place where it would be.

import { join } from 'node:path';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import type { ArchiveFile, ArchiveStore, ByteRange, Progress } from '../store.ts';
import { isStoreName } from '../store.ts';
import { collect } from './pace.ts';
import { tooLarge } from './refusals.ts';

interface Shelf {
  readonly host: Host;
  /** Of the box. */
  readonly folder: string;
  readonly label: string;
}

async function requireShelf({ host, folder, label }: Shelf): Promise<void> {
  if ((await host.files.stat(folder))?.kind === 'directory') return;
  throw new MailctlError('PEER_AWAY', `${label}: ${folder} is missing`, {
    hint: 'mount the disk, then: mailctl mesh sync push',
  });
}

const incomplete = (folder: string, { name, sha256 }: ArchiveFile): string =>
  join(folder, `${name}.${sha256.slice(0, 8)}.part`);

async function removeOtherParts(shelf: Shelf, mine: string): Promise<void> {
  for (const name of await shelf.host.files.list(shelf.folder)) {
    const path = join(shelf.folder, name);
    if (name.endsWith('.part') && path !== mine) await shelf.host.files.remove(path);
  }
}

async function put(
  shelf: Shelf,
  file: ArchiveFile & { readonly path: string },
  progress: Progress,
): Promise<void> {
  const { host, folder, label } = shelf;
  await requireShelf(shelf);
  const target = join(folder, file.name);
  const part = incomplete(folder, file);
  await removeOtherParts(shelf, part);
  if ((await host.files.stat(target)) === null) {
    const from = Math.min((await host.files.stat(part))?.size ?? 0, file.size);
    await host.archives.append(part, {
      ...{ offset: from, limit: file.size - from },
      pieces: host.archives.read(file.path, { from, to: file.size }),
      written: (bytes) => progress(from + bytes),
    });
    if ((await host.archives.digest(part)) !== file.sha256) {
      await host.files.remove(part);
      const message = `${file.name}: ${label} has other bytes than were written to it`;
      throw new MailctlError('PEER_REFUSED', message, { hint: 'check the disk (dmesg)' });
    }
    await host.archives.finish(part, target);
  } else if ((await host.archives.digest(target)) !== file.sha256) {
    throw new MailctlError(
      'PEER_REFUSED',
      `${file.name}: ${label} holds another file of this name`,
    );
  }
  progress(file.size);
}

async function get(
  shelf: Shelf,
  file: ArchiveFile,
  { path, progress }: { path: string; progress: Progress },
): Promise<void> {
  const { host, folder, label } = shelf;
  await requireFile(shelf, file.name);
  const part = `${path}.part`;
  await host.archives.append(part, {
    ...{ offset: 0, limit: file.size, written: progress },
    pieces: host.archives.read(join(folder, file.name), { from: 0, to: file.size }),
  });
  if ((await host.archives.digest(part)) === file.sha256) return host.files.rename(part, path);
  await host.files.remove(part);
  const message = `${file.name}: ${label} serves other bytes than it was given`;
  throw new MailctlError('ARCHIVE_INVALID', message, { hint: 'mailctl mesh verify' });
}

async function requireFile(shelf: Shelf, name: string): Promise<number> {
  await requireShelf(shelf);
  const stat = await shelf.host.files.stat(join(shelf.folder, name));
  if (stat?.kind === 'file') return stat.size;
  throw new MailctlError('PEER_REFUSED', `${name}: ${shelf.label} does not hold this file`);
}

async function prove(
  shelf: Shelf,
  name: string,
  { range, nonce }: { range: ByteRange; nonce: Uint8Array },
): Promise<string> {
  await requireFile(shelf, name);
  return shelf.host.archives.digest(join(shelf.folder, name), { first: nonce, ...range });
}

async function list({ host, folder }: Shelf) {
  const found = [];
  for (const name of (await host.files.list(folder)).filter(isStoreName)) {
    const stat = await host.files.stat(join(folder, name));
    if (stat?.kind === 'file') found.push({ name, size: stat.size, modified: stat.modified });
  }
  return found;
}

/** Makes the place of this box when the folder is added; `openFolder` never does. */
export async function prepareFolder(host: Host, folder: string, box: string): Promise<void> {
  if ((await host.files.stat(folder))?.kind !== 'directory') {
    throw new MailctlError('PEER_AWAY', `the folder ${folder} is missing`, {
      hint: 'mount the disk, then repeat the command',
    });
  }
  // 0755: a FAT disk knows no modes and refuses others; what is in there is encrypted
  await host.files.makeDirectory(join(folder, box), { mode: 0o755 });
}

/** @param box peer_id of the box whose archives these are */
export function openFolder(host: Host, folder: string, box: string): ArchiveStore {
  const shelf: Shelf = { host, folder: join(folder, box), label: `folder ${folder}` };
  return {
    label: shelf.label,
    list: async () => {
      await requireShelf(shelf);
      return list(shelf);
    },
    put: (file, progress = () => undefined) => put(shelf, file, progress),
    get: (file, path, progress = () => undefined) => get(shelf, file, { path, progress }),
    read: async (name, limit) => {
      const size = await requireFile(shelf, name);
      if (size > limit) throw tooLarge(shelf.label, name, limit);
      return collect(host.archives.read(join(shelf.folder, name), { from: 0, to: size }));
    },
    prove: (name, range, nonce) => prove(shelf, name, { range, nonce }),
    remove: async (names) => {
      await requireShelf(shelf);
      for (const name of names) await host.files.remove(join(shelf.folder, name));
    },
    space: async () => {
      await requireShelf(shelf);
      const files = await list(shelf);
      return { used: files.reduce((total, { size }) => total + size, 0), quota: null };
    },
  };
}
