// The direction of imports: mailctl → {appliance, mesh} → {uci, host} → errors, and effects in src/host alone.

import { expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const SOURCE = resolve(import.meta.dir, '../src');

/** For each room, the rooms it may import from; everything may import from its own. */
const MAY_IMPORT: Record<string, string[]> = {
  mailctl: ['appliance', 'mesh', 'uci', 'host', 'errors.ts'],
  appliance: ['uci', 'host', 'errors.ts'],
  mesh: ['uci', 'host', 'errors.ts'],
  host: ['errors.ts'],
  uci: ['errors.ts'],
  'errors.ts': [],
};

const EFFECTS =
  /^(?:node:)?(?:fs|fs\/promises|child_process|net|tls|http|https|dgram|dns|os|readline|readline\/promises)$|^(?:execa|tar|acme-client|bun:sqlite)$/;

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .sort();

const read = (path: string): string => readFileSync(join(SOURCE, path), 'utf8');

const roomOf = (path: string): string => path.split('/')[0] ?? path;

/** Type imports are left out on request: they vanish, and carry no effect. */
function importsOf(path: string, kind: 'all' | 'values'): string[] {
  const statements = read(path).matchAll(
    /^(?:import|export)\s+(type\s+)?[^'"]*?from\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/gm,
  );
  return [...statements]
    .filter(([, type]) => kind === 'all' || type === undefined)
    .map(([, , named, lazy]) => named ?? lazy ?? '');
}

test('imports go right only: mailctl, then appliance and mesh, then uci and host, then errors', () => {
  const wrong = files.flatMap((path) =>
    importsOf(path, 'all')
      .filter((target) => target.startsWith('.'))
      .map((target) => relative(SOURCE, resolve(SOURCE, dirname(path), target)))
      .filter((target) => target.endsWith('.ts') && !target.startsWith('..'))
      .filter((target) => roomOf(target) !== roomOf(path))
      .filter((target) => !MAY_IMPORT[roomOf(path)]?.includes(roomOf(target)))
      .map((target) => `src/${path} imports src/${target}`),
  );

  expect(wrong).toEqual([]);
});

test('every file of src stands in a known room', () => {
  expect(files.filter((path) => MAY_IMPORT[roomOf(path)] === undefined)).toEqual([]);
});

test('only src/host starts programs, touches the disk, opens sockets or reads the clock', () => {
  const wrong = files
    .filter((path) => !['host', 'mailctl'].includes(roomOf(path)) && !path.endsWith('.macro.ts'))
    .flatMap((path) => {
      const modules = importsOf(path, 'values').filter((target) => EFFECTS.test(target));
      const clock = /\bDate\.now\(|\bnew Date\(\)|\bBun\.(?:spawn|write|file|sleep|\$)/.exec(
        read(path),
      );
      return [...modules, ...(clock ?? [])].map((effect) => `src/${path} uses ${effect}`);
    });

  expect(wrong).toEqual([]);
});

test('nothing below the commands prints, exits or reads process', () => {
  const wrong = files
    .filter((path) => !['mailctl', 'host'].includes(roomOf(path)))
    .filter((path) => /^(?!\s*(?:\/\/|\*)).*(?<![\w.'"])(?:console|process)\./m.test(read(path)));

  expect(wrong).toEqual([]);
});
