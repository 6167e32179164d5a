// What is exported is used, by shipped code and in another file. By name, in any file: what shares its name with something
// else is not found; `npx knip` finds that too.

import { expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dir, '..');

/** Used by tests alone, with the reason. */
const FOR_TESTS: Readonly<Record<string, string>> = {
  kindOf: 'how the tests of help and dry runs know what a word does',
};

function textsOf(...folders: string[]): Map<string, string> {
  const paths = folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.m?ts$/.test(path))
      .map((path) => join(folder, path)),
  );
  return new Map(paths.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]));
}

const wordsOf = (text: string): string[] => text.match(/[A-Za-z_]\w*/g) ?? [];

function countWords(lists: Iterable<readonly string[]>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const words of lists) {
    for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return counts;
}

const shipped = textsOf('src', 'scripts');
const all = [...shipped.values(), ...textsOf('test').values()].map(wordsOf);
/** How often a word is in shipped code, and how many files have it, tests included. */
const uses = countWords([...shipped.values()].map(wordsOf));
const files = countWords(all.map((words) => [...new Set(words)]));

const exported = [...shipped].flatMap(([path, text]) =>
  [...text.matchAll(/^export (?:async )?(?:function|const|class) (\w+)/gm)].map(
    ([, name = '']) => ({ path, name }),
  ),
);

/** Each command has a `run` that a test can call, whether or not one does. */
const isRun = ({ path, name }: { path: string; name: string }) =>
  path.startsWith('src/mailctl/commands/') && /^run(?:[A-Z]|$)/.test(name);

test('every exported function and constant is used by shipped code', () => {
  const unused = exported.filter(
    ({ name }) => (uses.get(name) ?? 0) < 2 && FOR_TESTS[name] === undefined,
  );

  expect(unused).toEqual([]);
});

test('every exported function and constant is used in another file', () => {
  const alone = exported.filter(
    (one) => !isRun(one) && FOR_TESTS[one.name] === undefined && (files.get(one.name) ?? 0) < 2,
  );

  expect(alone).toEqual([]);
});

test('what is exported for tests alone is there', () => {
  const names = exported.map(({ name }) => name);

  expect(Object.keys(FOR_TESTS).filter((name) => !names.includes(name))).toEqual([]);
});
