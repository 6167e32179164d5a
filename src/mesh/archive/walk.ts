// Walks the sources and stores what has changed since the last backup. What changes behind the walk is found by the next
// pass. Nothing is followed out of a source.

import { MailctlError } from '../../errors.ts';
import type { OpenTree } from '../../host/tree-reader.ts';
import type { Source } from '../source.ts';
import { storeFile, storeLink } from './files.ts';
import type { FolderRow } from './index-file.ts';
import { openMaildir, walkMessages } from './messages.ts';
import { type Folder, readable, shownPath, type Walk } from './walk-state.ts';

const MAX_DEPTH = 200;
const EMPTY = new Uint8Array();
/** Folders of a Maildir: two with messages, one with what is being delivered. */
const MAILDIR = ['cur', 'new', 'tmp'];

async function seeFolder(walk: Walk, path: string, tree: OpenTree): Promise<FolderRow> {
  const { mode, uid, gid, mtime } = tree.self();
  const { index, packer, sequence, seen } = walk;
  const known = index.folder(path);
  const row = index.seeFolder(path, { mode, uid, gid }, sequence);
  seen.add(row.id);
  // the list has it too: this one is for people with tar alone
  if (known === null) {
    const shown = shownPath(row, '').slice(0, -1);
    await packer.add({ kind: 'folder', path: shown, size: 0, mode, uid, gid, mtime }, EMPTY);
  }
  return row;
}

async function walkFolder(
  walk: Walk,
  source: Source,
  parts: readonly string[],
  tree: OpenTree,
): Promise<void> {
  if (parts.length > MAX_DEPTH)
    return void walk.leftOut.set(parts.join('/'), 'its folders are nested too deep');
  const row = await seeFolder(walk, [source.name, ...parts].join('/'), tree);
  const folder: Folder = { walk, source, tree, row, parts };
  const inner = async (below: readonly string[], opened: OpenTree) => {
    try {
      await walkFolder(walk, source, [...parts, ...below], opened);
    } finally {
      opened.close();
    }
  };
  const maildir = source.kind === 'maildir' ? openMaildir(tree) : null;
  try {
    // before the UID list: one that is newer than the messages never gives a UID a second time
    if (maildir === null) walk.index.dropMessages(row.id, walk.sequence);
    else await walkMessages(folder, maildir, inner);
  } finally {
    maildir?.close();
  }
  await walkEntries(folder, maildir === null ? [] : MAILDIR, inner);
}

async function walkEntries(
  folder: Folder,
  without: readonly string[],
  inner: (parts: readonly string[], tree: OpenTree) => Promise<void>,
): Promise<void> {
  const { walk, source, tree, row, parts } = folder;
  const known = new Map(walk.index.files(row.id).map((entry) => [entry.key, entry]));
  for (const name of tree.names().sort()) {
    if (without.includes(name)) {
      await seeInnerFolder(folder, name);
      continue;
    }
    if (source.leaveOut([...parts, name])) continue;
    const path = shownPath(row, name);
    const before = known.get(name) ?? null;
    const kind = tree.look(name)?.kind ?? null;
    if (kind === 'folder') {
      const opened = await readable(walk, path, () => tree.folder(name));
      if (opened !== null) await inner([name], opened);
    } else if (kind === 'file') {
      known.delete(name);
      await readable(walk, path, () => storeFile(folder, name, before));
    } else if (kind === 'link') {
      known.delete(name);
      await readable(walk, path, () => storeLink(folder, name, before));
    } else if (kind === 'other') walk.leftOut.set(path, 'it is no file, folder or link');
  }
  for (const { id } of known.values()) walk.index.dropEntry(id, walk.sequence);
}

/** Owner and mode of `cur`, `new` and `tmp`. */
async function seeInnerFolder({ walk, tree, row }: Folder, name: string): Promise<void> {
  const opened = tree.folder(name);
  if (opened === null) return;
  try {
    await seeFolder(walk, `${row.path}/${name}`, opened);
  } finally {
    opened.close();
  }
}

/** A source that is one file. */
async function walkFile(walk: Walk, source: Source): Promise<boolean> {
  const parent = walk.host.trees.openParent(source.path);
  if (parent === null) return false;
  const { folder: tree, name } = parent;
  try {
    if (tree.look(name)?.kind !== 'file') return false;
    const row = await seeFolder(walk, source.name, tree);
    const known = walk.index.files(row.id);
    const same = known.find((entry) => entry.key === name) ?? null;
    await readable(walk, source.path, () =>
      storeFile({ walk, source, tree, row, parts: [] }, name, same),
    );
    return true;
  } finally {
    tree.close();
  }
}

async function walkSource(walk: Walk, source: Source): Promise<void> {
  const tree = walk.host.trees.open(source.path);
  if (tree === null) {
    if ((await walkFile(walk, source)) || !source.required) return;
    throw new MailctlError('FILE_FAILED', `${source.path} is missing: nothing was saved`, {
      hint: 'mount its disk, then repeat the command',
    });
  }
  try {
    await walkFolder(walk, source, [], tree);
  } finally {
    tree.close();
  }
}

/** One pass over all sources; folders that it does not find count as deleted. */
export async function walkSources(walk: Walk, sources: readonly Source[]): Promise<void> {
  walk.seen.clear();
  walk.leftOut.clear();
  for (const source of sources) await walkSource(walk, source);
  const gone = [...walk.index.folders()].filter(({ id }) => !walk.seen.has(id));
  for (const { id } of gone) walk.index.dropFolder(id, walk.sequence);
}
