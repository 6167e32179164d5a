// Stores the new messages of a Maildir. Mail keeps flowing meanwhile: a message that is renamed after it was listed is
// found by its base name.

import type { OpenFile, OpenTree } from '../../host/tree-reader.ts';
import { findSame } from './content.ts';
import { KIND } from './index-file.ts';
import { compareMaildir, type FoundMessage, listed } from './maildir.ts';
import { messagePath, parseMessageName } from './names.ts';
import { type Folder, fileMember, readable, shownPath } from './walk-state.ts';

/** The two folders of a Maildir that hold messages. */
export interface Maildir {
  readonly new: OpenTree;
  readonly cur: OpenTree;
  close(): void;
}

const PLACES = ['new', 'cur'] as const;
const ATTEMPTS = 3;
/** No file system's clock is coarser, so a later change has another time. */
const TICK_MS = 2000;

/** null when one of the folders is missing. */
export function openMaildir(tree: OpenTree): Maildir | null {
  const incoming = tree.folder('new');
  const current = tree.folder('cur');
  if (incoming !== null && current !== null) {
    const close = () => {
      incoming.close();
      current.close();
    };
    return { new: incoming, cur: current, close };
  }
  incoming?.close();
  current?.close();
  return null;
}

const pathOf = ({ key, place }: FoundMessage): string => messagePath({ base: key, place });

/** The folder of a path such as `cur/name`, and the name. */
function split(maildir: Maildir, path: string): [OpenTree, string] {
  return [path.startsWith('new/') ? maildir.new : maildir.cur, path.slice(4)];
}

function findRenamed(maildir: Maildir, key: string): FoundMessage | null {
  for (const place of PLACES) {
    const names = maildir[place].names();
    const name = names.find((one) => parseMessageName(place, one).base === key);
    if (name !== undefined) return { key, place: parseMessageName(place, name).place };
  }
  return null;
}

/** Opens the message where it is now; null when it was deleted, or is no file. */
function openMessage(
  maildir: Maildir,
  listedAs: FoundMessage,
): { message: FoundMessage; file: OpenFile } | null {
  let message = listedAs;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const [folder, name] = split(maildir, pathOf(message));
    const file = folder.file(name);
    if (file !== null) return { message, file };
    if (folder.look(name) !== null) return null;
    const renamed = findRenamed(maildir, message.key);
    if (renamed === null) return null;
    message = renamed;
  }
  return null;
}

/** False when it was left out or has gone. */
export async function storeMessage(
  folder: Folder,
  maildir: Maildir,
  listedAs: FoundMessage,
): Promise<boolean> {
  const { walk, row } = folder;
  const opened = openMessage(maildir, listedAs);
  if (opened === null) return false;
  const { message, file } = opened;
  try {
    const path = shownPath(row, pathOf(message));
    const { size, mode, uid, gid, mtime } = file.entry;
    const same = findSame(walk.index, walk.leaving, size);
    const stored = await walk.contents.store(file, fileMember(path, file.entry), same);
    if (stored === null) {
      walk.leftOut.set(path, 'it became shorter while it was read');
      return false;
    }
    const { digest, place } = stored;
    const attributes = { size, mtime, mode, uid, gid, digest, target: '', stamp: '' };
    walk.index.addEntry(
      { folder: row.id, ...message, kind: KIND.message, ...attributes, ...place },
      walk.sequence,
    );
    return true;
  } finally {
    file.close();
  }
}

interface Listing {
  readonly lines: string[];
  readonly stamp: string;
  /** False when a later change might leave the stamp as it is. */
  readonly settled: boolean;
}

const stampOf = (maildir: Maildir): string => `${maildir.new.stamp()}|${maildir.cur.stamp()}`;

/** Lists `new` before `cur`: messages move in this direction, so each is listed at least once. */
function listMessages(folder: Folder, maildir: Maildir): Listing {
  const lines = new Set<string>();
  for (let attempt = 1; ; attempt += 1) {
    const quiet = folder.walk.host.clock.now().getTime() - TICK_MS;
    const settled = PLACES.every((place) => maildir[place].changed() < quiet);
    const stamp = stampOf(maildir);
    for (const place of PLACES)
      for (const line of listed(place, maildir[place].names())) lines.add(line);
    // a rename can hide a message from the one who lists its folder
    const still = stampOf(maildir) === stamp;
    if (still || attempt === ATTEMPTS)
      return { lines: [...lines].sort(), stamp, settled: settled && still };
  }
}

/**
 * Stores what is new in `cur` and `new`, and records other flags and deletions. Without a change since the last backup
 * no name is read.
 * @param walkInner for a folder among the messages: that of a mailbox named `cur` or `new`
 */
export async function walkMessages(
  folder: Folder,
  maildir: Maildir,
  walkInner: (parts: readonly string[], tree: OpenTree) => Promise<void>,
): Promise<void> {
  const { row, walk } = folder;
  const { index, sequence } = walk;
  if (row.stamp === stampOf(maildir)) return;
  const { lines, stamp, settled } = listMessages(folder, maildir);
  const exists = (path: string) => {
    const [inner, name] = split(maildir, path);
    return inner.look(name) !== null;
  };
  const { added, moved, gone } = compareMaildir(lines, index.messages(row.id), exists);
  for (const id of gone) index.dropEntry(id, sequence);
  for (const { id, place } of moved) index.moveEntry(id, place, sequence);
  let complete = true;
  for (const message of added) {
    const path = shownPath(row, pathOf(message));
    const stored = await readable(walk, path, () => storeMessage(folder, maildir, message));
    if (stored === true) continue;
    complete = false;
    const [inner, name] = split(maildir, pathOf(message));
    const kind = inner.look(name)?.kind ?? null;
    if (kind === 'folder') {
      const tree = inner.folder(name);
      if (tree !== null) await walkInner([pathOf(message).slice(0, 3), name], tree);
    } else if (kind === 'link' || kind === 'other') walk.leftOut.set(path, 'it is no regular file');
  }
  const next = complete && settled ? stamp : '';
  if (row.stamp !== next) index.setFolderStamp(row.id, next);
}
