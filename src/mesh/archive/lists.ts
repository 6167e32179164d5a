// Which list a backup writes, and the archives that a restore of it reads. After a complete list, backup n holds what has
// changed since n with its lowest bit cleared, so log2(n) lists are read, and each change is written log2(n) times.

import type { TarMember } from '../../host/tar.ts';
import type { ArchiveRow, EntryRow, FolderRow, Index } from './index-file.ts';
import { formatEntry, formatFolder, formatHead, formatLeftOut } from './list-lines.ts';
import type { Packer } from './packer.ts';

/** Deltas together may have this share of the complete list's size. */
const MOST_OF_COMPLETE = 0.5;
const ALWAYS_ALLOWED = 64 * 1024;
const MEMBER = 1024 * 1024;

/** Lists of the last backup, oldest first. */
export const listsOf = (archives: readonly ArchiveRow[]): ArchiveRow[] =>
  archives.filter(({ since }) => since !== null).sort((a, b) => a.sequence - b.sequence);

/**
 * The backup after which the list of `sequence` begins; 0: it is complete.
 * @param lists of the backup before, oldest first
 */
export function planList(lists: readonly ArchiveRow[], sequence: number): number {
  const [complete, ...deltas] = lists;
  if (complete === undefined || complete.since !== 0) return 0;
  const spent = deltas.reduce((sum, { size }) => sum + size, 0);
  if (spent > complete.size * MOST_OF_COMPLETE + ALWAYS_ALLOWED) return 0;
  const count = sequence - complete.sequence;
  return complete.sequence + (count & (count - 1));
}

/** Writes the list of the present backup as members of JSON lines. */
export async function writeList(
  { index, packer }: { index: Index; packer: Packer },
  list: { sequence: number; since: number; time: number },
  leftOut: ReadonlyMap<string, string>,
): Promise<void> {
  const { sequence, since, time } = list;
  await packer.beginList(since);
  let lines: string[] = [formatHead({ sequence, since })];
  let size = 0;
  let number = 0;
  const flush = async () => {
    const content = Buffer.from(`${lines.join('\n')}\n`);
    number += 1;
    const path = `list/${sequence}/${String(number).padStart(6, '0')}.jsonl`;
    const owner = { mode: 0o600, uid: 0, gid: 0, mtime: time };
    const member: TarMember = { kind: 'file', path, size: content.length, ...owner };
    await packer.add(member, content);
    lines = [];
    size = 0;
  };
  const add = async (line: string) => {
    lines.push(line);
    size += line.length;
    if (size >= MEMBER) await flush();
  };
  // everything that is there, or every change; a complete list has no deletions
  const rows = since === 0 ? 'gone = 0' : `changed > ${since}`;
  for (const folder of index.sql.each<FolderRow>(`SELECT * FROM folders WHERE ${rows}`))
    await add(formatFolder(folder));
  const entries = index.sql.each<EntryRow & { path: string; name: string | null }>(
    `SELECT entries.*, folders.path AS path, archives.name AS name FROM entries
     JOIN folders ON folders.id = entries.folder LEFT JOIN archives ON archives.id = entries.archive
     WHERE entries.${rows} ORDER BY entries.folder, entries.key`,
  );
  for (const entry of entries) await add(formatEntry(entry, entry.path, entry.name ?? ''));
  for (const [path, reason] of leftOut) await add(formatLeftOut(path, reason));
  if (lines.length > 0) await flush();
}
