// Stores the contents of archives again that this backup replaces, from the files on the disk.

import type { OpenTree } from '../../host/tree-reader.ts';
import type { Source } from '../source.ts';
import { storeFile, storeLink } from './files.ts';
import { type EntryRow, type FolderRow, KIND } from './index-file.ts';
import { type Maildir, openMaildir, storeMessage } from './messages.ts';
import { type Folder, readable, shownPath, type Walk } from './walk-state.ts';

/** An open folder of the index; its trees are closed by `close`. */
interface OpenPlace {
  readonly folder: Folder;
  readonly maildir: Maildir | null;
  close(): void;
}

function descend(tree: OpenTree | null, parts: readonly string[]): OpenTree | null {
  let open = tree;
  for (const part of parts) {
    const inner: OpenTree | null = open?.folder(part) ?? null;
    open?.close();
    open = inner;
  }
  return open;
}

function openPlace(walk: Walk, sources: readonly Source[], row: FolderRow): OpenPlace | null {
  const [name, ...parts] = row.path.split('/');
  const source = sources.find((one) => one.name === name);
  if (source === undefined) return null;
  const { trees } = walk.host;
  const base = trees.open(source.path) ?? trees.openParent(source.path)?.folder ?? null;
  const tree = descend(base, parts);
  if (tree === null) return null;
  const maildir = source.kind === 'maildir' ? openMaildir(tree) : null;
  const close = () => {
    maildir?.close();
    tree.close();
  };
  return { folder: { walk, source, tree, row, parts }, maildir, close };
}

async function storeAgain({ folder, maildir }: OpenPlace, entry: EntryRow): Promise<void> {
  const { walk } = folder;
  if (entry.kind === KIND.file) return storeFile(folder, entry.key, entry);
  if (entry.kind === KIND.link) return storeLink(folder, entry.key, entry);
  const stored = maildir !== null && (await storeMessage(folder, maildir, entry));
  // deleted since it was listed
  if (!stored) walk.index.dropEntry(entry.id, walk.sequence);
}

export async function storeLeaving(walk: Walk, sources: readonly Source[]): Promise<void> {
  if (walk.leaving.size === 0) return;
  const { sql } = walk.index;
  const ids = sql.all<{ id: number }>(
    `SELECT id FROM entries WHERE gone = 0 AND archive IN (${[...walk.leaving].join(',')}) ORDER BY folder, id`,
  );
  const folders = new Map([...walk.index.folders()].map((row) => [row.id, row]));
  let open: OpenPlace | null = null;
  try {
    for (const { id } of ids) {
      const entry = sql.get<EntryRow>('SELECT * FROM entries WHERE id = ?', id);
      const row = folders.get(entry?.folder ?? 0);
      if (entry === null || row === undefined) continue;
      if (open?.folder.row.id !== row.id) {
        open?.close();
        open = openPlace(walk, sources, row);
      }
      const place = open;
      if (place === null) walk.index.dropEntry(entry.id, walk.sequence);
      else await readable(walk, shownPath(row, entry.key), () => storeAgain(place, entry));
    }
  } finally {
    open?.close();
  }
}
