// Compares the messages of a Maildir with those of the last backup, by base name and in order, so that neither list has
// to be searched. Pure.

import type { EntryRow, KnownMessages } from './index-file.ts';
import { type MaildirPlace, messagePath, parseMessageName } from './names.ts';

// sorts before every character of a name
const SEPARATOR = '\0';

/** One string for each message, which sorts by base name. */
export function listed(place: MaildirPlace, names: readonly string[]): string[] {
  return names.map((name) => {
    const message = parseMessageName(place, name);
    return `${message.base}${SEPARATOR}${message.place}`;
  });
}

export interface FoundMessage {
  readonly key: string;
  readonly place: string;
}

export interface MaildirChanges {
  readonly added: FoundMessage[];
  /** Other flags, or moved from `new` to `cur`. */
  readonly moved: { readonly id: number; readonly place: string }[];
  readonly gone: number[];
}

function parseListed(line: string): FoundMessage {
  const at = line.indexOf(SEPARATOR);
  return { key: line.slice(0, at), place: line.slice(at + 1) };
}

function groupByKey(lines: readonly string[]): FoundMessage[][] {
  const groups: FoundMessage[][] = [];
  for (const line of lines) {
    const found = parseListed(line);
    const group = groups.at(-1);
    if (group?.[0]?.key !== found.key) groups.push([found]);
    else if (!group.some(({ place }) => place === found.place)) group.push(found);
  }
  return groups;
}

/** The names of one message that are there: it may have been renamed while the folder was listed. */
function present(group: readonly FoundMessage[], exists: (path: string) => boolean) {
  if (group.length < 2) return group;
  const there = group.filter(({ key, place }) => exists(messagePath({ base: key, place })));
  return there.length > 0 ? there : group.slice(0, 1);
}

/** Messages with one base name: only the whole name tells them apart. Each other one is stored as a new message. */
function compareDoubles(
  group: readonly FoundMessage[],
  old: EntryRow | null,
  doubles: Map<string, EntryRow>,
  changes: MaildirChanges,
): void {
  const isOld = (found: FoundMessage) => found.place === old?.place;
  let free = !group.some(isOld);
  if (old !== null && free) changes.gone.push(old.id);
  for (const found of group.filter((one) => !isOld(one))) {
    const path = messagePath({ base: found.key, place: found.place });
    if (doubles.delete(path)) continue;
    changes.added.push(free ? found : { key: path, place: '' });
    free = false;
  }
}

/**
 * What has changed.
 * @param lines of `listed`, sorted
 * @param exists whether a message has this path now
 */
export function compareMaildir(
  lines: readonly string[],
  known: KnownMessages,
  exists: (path: string) => boolean,
): MaildirChanges {
  const changes: MaildirChanges = { added: [], moved: [], gone: [] };
  const doubles = new Map(known.doubles.map((row) => [row.key, row]));
  const bases = new Set(known.doubles.map(({ key }) => parseMessageName('cur', key.slice(4)).base));
  const olds = known.single[Symbol.iterator]();
  const next = (): EntryRow | null => {
    const { value, done } = olds.next();
    return done ? null : value;
  };
  let old = next();
  for (const listedAs of groupByKey(lines)) {
    const group = present(listedAs, exists);
    const [found] = group;
    if (found === undefined) continue;
    for (; old !== null && old.key < found.key; old = next()) changes.gone.push(old.id);
    const same = old?.key === found.key ? old : null;
    if (group.length > 1 || bases.has(found.key)) compareDoubles(group, same, doubles, changes);
    else if (same === null) changes.added.push(found);
    else if (same.place !== found.place) changes.moved.push({ id: same.id, place: found.place });
    if (same !== null) old = next();
  }
  for (; old !== null; old = next()) changes.gone.push(old.id);
  for (const { id } of doubles.values()) changes.gone.push(id);
  return changes;
}
