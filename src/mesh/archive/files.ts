// Stores files and links that are new or have changed since the last backup.

import type { OpenFile, TreeEntry } from '../../host/tree-reader.ts';
import type { Stored } from './content.ts';
import { type EntryRow, KIND, type Place } from './index-file.ts';
import { type Folder, fileMember, shownPath } from './walk-state.ts';

const ATTEMPTS = 3;
const EMPTY = new Uint8Array();

interface ReadFile {
  readonly entry: TreeEntry;
  readonly stored: Stored;
  readonly stamp: string;
}

/** Where the content is, if it is that of the last backup and its archive is kept. */
function keptPlace(folder: Folder, known: EntryRow | null): EntryRow | null {
  return known !== null && !folder.walk.leaving.has(known.archive) ? known : null;
}

async function readFile(
  folder: Folder,
  name: string,
  file: OpenFile,
  kept: EntryRow | null,
): Promise<ReadFile | null> {
  const { tree, walk, row } = folder;
  const stamp = tree.stampOf(name);
  const same = (digest: string): Place | null => (kept?.digest === digest ? kept : null);
  const member = fileMember(shownPath(row, name), file.entry);
  const stored = await walk.contents.store(file, member, same);
  if (stored === null || stamp === null || tree.stampOf(name) !== stamp) return null;
  return { entry: file.entry, stored, stamp };
}

/** The file as it was at one moment; null when it has gone, or changed each time it was read. */
async function readUnchanged(
  folder: Folder,
  name: string,
  kept: EntryRow | null,
): Promise<ReadFile | null> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const file = folder.tree.file(name);
    if (file === null) return null;
    try {
      const read = await readFile(folder, name, file, kept);
      if (read !== null) return read;
    } finally {
      file.close();
    }
  }
  folder.walk.leftOut.set(shownPath(folder.row, name), 'it changed each time it was read');
  return null;
}

function isSame(known: EntryRow, { mode, uid, gid, mtime }: TreeEntry, place: Place): boolean {
  const { archive, member } = place;
  return (
    known.archive === archive &&
    known.member === member &&
    known.mode === mode &&
    known.uid === uid &&
    known.gid === gid &&
    known.mtime === mtime
  );
}

/** A change within the same tick of the clock as the reading would not be seen by its stamp. */
const isSettled = (folder: Folder, { mtime }: TreeEntry): boolean =>
  mtime * 1000 < folder.walk.host.clock.now().getTime() - 2000;

export async function storeFile(
  folder: Folder,
  name: string,
  known: EntryRow | null,
): Promise<void> {
  const { walk, tree, row, source } = folder;
  const kept = keptPlace(folder, known);
  if (kept !== null && kept.stamp === tree.stampOf(name)) return;
  const look = tree.look(name);
  // Postfix has written a queue file completely when its owner may execute it
  if (look === null || (source.kind === 'queue' && (look.mode & 0o100) === 0)) return;
  const read = await readUnchanged(folder, name, kept);
  if (read === null) return;
  const { entry, stored } = read;
  const stamp = isSettled(folder, entry) ? read.stamp : '';
  if (kept !== null && isSame(kept, entry, stored.place)) {
    if (kept.stamp !== stamp) walk.index.setEntryStamp(kept.id, stamp);
    return;
  }
  const { mtime, mode, uid, gid } = entry;
  const { digest, size, place } = stored;
  const attributes = { size, mtime, mode, uid, gid, digest, target: '', stamp };
  walk.index.addEntry(
    { folder: row.id, key: name, place: '', kind: KIND.file, ...attributes, ...place },
    walk.sequence,
  );
}

export async function storeLink(
  folder: Folder,
  name: string,
  known: EntryRow | null,
): Promise<void> {
  const { walk, tree, row } = folder;
  const target = tree.target(name);
  const look = tree.look(name);
  if (target === null || look === null) return;
  const { uid, gid, mtime } = look;
  const kept = keptPlace(folder, known);
  if (kept?.kind === KIND.link && kept.target === target && kept.uid === uid && kept.gid === gid)
    return;
  const path = shownPath(row, name);
  const place = await walk.packer.add(
    { kind: 'link', path, size: 0, mode: 0o777, uid, gid, mtime, target },
    EMPTY,
  );
  const attributes = { size: 0, mtime, mode: 0o777, uid, gid, digest: '', target, stamp: '' };
  walk.index.addEntry(
    { folder: row.id, key: name, place: '', kind: KIND.link, ...attributes, ...place },
    walk.sequence,
  );
}
