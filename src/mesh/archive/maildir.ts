// Compares the messages of a Maildir with those of the last backup, by base name and in order, so that neither list has
// to be searched. Pure.

import type { EntryRow } from './index-file.ts';
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

/** Names of one message: it was renamed while the folder was read, or two messages have one base name. */
function choose(found: readonly FoundMessage[], exists: (path: string) => boolean): FoundMessage[] {
  const [only] = found;
  if (found.length === 1 || only === undefined) return [...found];
  const there = found.filter((one) => exists(messagePath({ base: one.key, place: one.place })));
  const [first, ...others] = there.length === 0 ? [only] : there;
  return [
    ...(first ? [first] : []),
    ...others.map(({ key, place }) => ({ key: messagePath({ base: key, place }), place: '' })),
  ];
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

/**
 * What has changed.
 * @param lines of `listed`, sorted
 * @param known the messages of the last backup, sorted by key
 * @param exists whether a message has this path now
 */
export function compareMaildir(
  lines: readonly string[],
  known: Iterable<EntryRow>,
  exists: (path: string) => boolean,
): MaildirChanges {
  const changes: MaildirChanges = { added: [], moved: [], gone: [] };
  const doubles = new Map<string, FoundMessage>();
  const olds = known[Symbol.iterator]();
  const nextOld = (): EntryRow | null => {
    for (;;) {
      const { value, done } = olds.next();
      if (done) return null;
      // has no place: it is looked for among the doubles
      if (value.place !== '') return value;
      kept.push(value);
    }
  };
  const kept: EntryRow[] = [];
  let old = nextOld();
  for (const group of groupByKey(lines)) {
    const [found, ...others] = choose(group, exists);
    for (const other of others) doubles.set(other.key, other);
    if (found === undefined) continue;
    while (old !== null && old.key < found.key) {
      changes.gone.push(old.id);
      old = nextOld();
    }
    if (old?.key !== found.key) changes.added.push(found);
    else {
      if (old.place !== found.place) changes.moved.push({ id: old.id, place: found.place });
      old = nextOld();
    }
  }
  for (; old !== null; old = nextOld()) changes.gone.push(old.id);
  for (const { id, key } of kept) if (!doubles.delete(key)) changes.gone.push(id);
  changes.added.push(...doubles.values());
  return changes;
}
