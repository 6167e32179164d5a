import { expect, test } from 'bun:test';
import type { EntryRow } from '../../../src/mesh/archive/index-file.ts';
import { compareMaildir, listed } from '../../../src/mesh/archive/maildir.ts';
import { messagePath, parseMessageName, shownName } from '../../../src/mesh/archive/names.ts';

const row = (id: number, key: string, place = 'cur/:2,S') => ({ id, key, place }) as EntryRow;

function compare(cur: string[], fresh: string[], known: EntryRow[], there?: string[]) {
  const lines = [...new Set([...listed('new', fresh), ...listed('cur', cur)])].sort();
  const sorted = known.sort((a, b) => (a.key < b.key ? -1 : 1));
  const messages = {
    single: sorted.filter(({ place }) => place !== ''),
    doubles: sorted.filter(({ place }) => place === ''),
  };
  const exists = (path: string) => there?.includes(path) ?? true;
  const { added, moved, gone } = compareMaildir(lines, messages, exists);
  return { added: added.map(({ key, place }) => `${key} ${place}`), moved, gone };
}

test.each([
  ['nothing known', ['a:2,S'], ['b'], [], ['a cur/:2,S', 'b new/'], [], []],
  ['the same again', ['a:2,S'], [], [row(1, 'a')], [], [], []],
  ['other flags', ['a:2,FS'], [], [row(1, 'a')], [], [{ id: 1, place: 'cur/:2,FS' }], []],
  ['moved to cur', ['a:2,'], [], [row(1, 'a', 'new/')], [], [{ id: 1, place: 'cur/:2,' }], []],
  ['deleted', [], [], [row(1, 'a'), row(2, 'b')], [], [], [1, 2]],
  [
    'deleted in the middle',
    ['a:2,S', 'c:2,S'],
    [],
    [row(1, 'a'), row(2, 'b'), row(3, 'c')],
    [],
    [],
    [2],
  ],
  [
    'names that begin alike',
    ['a.b:2,S', 'a:2,S'],
    ['a.b.c'],
    [row(1, 'a'), row(2, 'a.b')],
    ['a.b.c new/'],
    [],
    [],
  ],
  ['a name without flags in cur', ['a'], [], [], ['a cur/'], [], []],
] as [string, string[], string[], EntryRow[], string[], object[], number[]][])(
  'a Maildir with %s',
  (_, cur, fresh, known, added, moved, gone) => {
    expect(compare(cur, fresh, known)).toEqual({ added, moved: moved as never, gone });
  },
);

test('a message that is renamed while it is listed is taken once, where it is now', () => {
  expect(compare(['a:2,', 'a:2,S'], ['a'], [row(1, 'a', 'new/')], ['cur/a:2,S'])).toEqual({
    added: [],
    moved: [{ id: 1, place: 'cur/:2,S' }],
    gone: [],
  });
});

test('two messages with one base name are kept apart, also in the next backup', () => {
  const cur = ['a:2,', 'a:2,S'];

  expect(compare(cur, [], []).added).toEqual(['a cur/:2,', 'cur/a:2,S ']);
  expect(compare(cur, [], [row(1, 'a', 'cur/:2,'), row(2, 'cur/a:2,S', '')])).toEqual({
    added: [],
    moved: [],
    gone: [],
  });
  expect(compare(['a:2,'], [], [row(1, 'a', 'cur/:2,'), row(2, 'cur/a:2,S', '')]).gone).toEqual([
    2,
  ]);
});

test.each([
  ['cur', '123.M1.host,S=5:2,FS', '123.M1.host,S=5', 'cur/:2,FS'],
  ['new', '123.M1.host', '123.M1.host', 'new/'],
  ['cur', ':2,S', '', 'cur/:2,S'],
] as const)('%s/%s has the base name %p', (place, name, base, rest) => {
  const message = parseMessageName(place, name);

  expect(message).toEqual({ base, place: rest });
  expect(messagePath(message)).toBe(`${place}/${name}`);
});

test.each([
  ['plain.name', 'plain.name'],
  ['100%', '100%'],
  ['100%41', '100%2541'],
  ['line\nbreak', 'line%0Abreak'],
  ['\xc3\xbc', 'ü'],
  ['\xff', 'ÿ'],
])('the name %j is shown as %j', (name, shown) => {
  expect(shownName(name)).toBe(shown);
});
