// The direction of imports, and the one room of effects. A failure names the file that breaks a rule.

import { expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const SOURCE = resolve(import.meta.dir, '../src');

/**
 * From top to bottom: a file imports from its own place and from places below it. A path is a folder or a
 * file below src; the longest that fits counts. Each has the reason why it stands above the next.
 */
const LEVELS: readonly (readonly [path: string, reason: string])[] = [
  ['mailctl', 'the face: parses words, makes one call, prints the result'],
  ['appliance/doctor', 'looks at everything that can be wrong, so it knows every other concern'],
  ['appliance/schedule', 'runs what is due in the concerns below; doctor asks whether it runs'],
  ['appliance/dns', 'the records we want are made from addresses, accounts, keys and certificates'],
  ['appliance/acme', 'gets certificates, proved through dns/publish, and hands them to tls'],
  [
    'appliance/apply',
    'makes disk and container equal to UCI; needs accounts, keys and a certificate first',
  ],
  ['appliance/status', 'what runs, from queries alone'],
  ['appliance/probe', 'proof that it works, by a login and a message'],
  ['appliance/dkim', 'keys that sign; their records go out through dns/publish'],
  ['appliance/tls', 'the certificate and key in force'],
  ['appliance/mail', 'what a running server is asked: queue, log, bans, dialogues with its ports'],
  ['appliance/accounts', 'domains, mailboxes and aliases; ending a session needs the container'],
  ['appliance/dns/publish', 'how any value gets out and is proved, whoever wants it'],
  ['appliance/container', 'image, LXC, network and life cycle; runs what was rendered'],
  ['appliance/render', 'settings → text of every file in the container'],
  ['appliance/appliance.ts', 'the value that every room above is given'],
  ['appliance/paths.ts', 'where everything is, worked out from the settings'],
  ['appliance/settings', 'the option table and the checked UCI file'],
  ['appliance/ids.ts', 'the accounts of the daemons, a table'],
  ['appliance/address.ts', 'mail addresses, which the option table checks too'],
  ['uci', 'the file format alone'],
  ['host', 'the only room with effects; knows nothing of mail'],
  ['errors.ts', 'imports nothing'],
];

/** Places that do not import each other: a command joins them. */
const APART: readonly (readonly [string, string])[] = [['uci', 'host']];

const EFFECTS =
  /^(?:node:)?(?:fs|fs\/promises|child_process|net|tls|http|https|dgram|dns|os|readline|readline\/promises)$|^(?:execa|tar|acme-client|bun:sqlite)$/;

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .sort();

const texts = new Map(files.map((path) => [path, readFileSync(join(SOURCE, path), 'utf8')]));

const read = (path: string): string => texts.get(path) ?? '';

const roomOf = (path: string): string => path.split('/')[0] ?? path;

/** Index into LEVELS; -1 for a file in no known place. */
function levelOf(path: string): number {
  const fits = LEVELS.map(([place], index) => ({ place, index })).filter(
    ({ place }) => path === place || path.startsWith(`${place}/`),
  );
  return fits.sort((a, b) => b.place.length - a.place.length)[0]?.index ?? -1;
}

/** Type imports are left out on request: they vanish, and carry no effect. */
function importsOf(path: string, kind: 'all' | 'values'): string[] {
  const statements = read(path).matchAll(
    /^(?:import|export)\s+(type\s+)?[^'"]*?from\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/gm,
  );
  return [...statements]
    .filter(([, type]) => kind === 'all' || type === undefined)
    .map(([, , named, lazy]) => named ?? lazy ?? '');
}

/** Files of src that this one imports, types included. */
const neighbours = (path: string): string[] =>
  importsOf(path, 'all')
    .filter((target) => target.startsWith('.'))
    .map((target) => relative(SOURCE, resolve(SOURCE, dirname(path), target)))
    .filter((target) => texts.has(target));

/** Groups of files that import each other in a circle (Tarjan 1972). */
function circles(): string[][] {
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (path: string): void => {
    order.set(path, order.size);
    low.set(path, order.size - 1);
    stack.push(path);
    for (const next of neighbours(path)) {
      if (!order.has(next)) visit(next);
      const reach = stack.includes(next) ? low.get(next) : undefined;
      if (reach !== undefined) low.set(path, Math.min(low.get(path) ?? reach, reach));
    }
    if (low.get(path) !== order.get(path)) return;
    const group = stack.splice(stack.indexOf(path));
    if (group.length > 1) found.push(group);
  };
  for (const path of files) if (!order.has(path)) visit(path);
  return found;
}

test('every file of src stands in a place of the list', () => {
  expect(files.filter((path) => levelOf(path) < 0)).toEqual([]);
});

test('every place of the list exists, has a reason, and is named once', () => {
  const places = LEVELS.map(([place]) => place);

  expect(
    places.filter((place) => !files.some((path) => `${path}/`.startsWith(`${place}/`))),
  ).toEqual([]);
  expect(LEVELS.filter(([, reason]) => reason.length < 10)).toEqual([]);
  expect(new Set(places).size).toBe(places.length);
});

test('imports go down the list of places only', () => {
  const wrong = files.flatMap((path) =>
    neighbours(path)
      .filter((target) => levelOf(target) < levelOf(path))
      .map((target) => `src/${path} imports src/${target}`),
  );

  expect(wrong).toEqual([]);
});

test('rooms that stand beside each other do not import each other', () => {
  const wrong = files.flatMap((path) =>
    neighbours(path)
      .filter((target) =>
        APART.some(
          (pair) =>
            pair.includes(roomOf(path)) &&
            pair.includes(roomOf(target)) &&
            roomOf(path) !== roomOf(target),
        ),
      )
      .map((target) => `src/${path} imports src/${target}`),
  );

  expect(wrong).toEqual([]);
});

test('no files import each other in a circle, types included', () => {
  expect(circles()).toEqual([]);
});

/** What only the face of the program may do, each file with its reason. */
const EXCEPTIONS: readonly (readonly [path: string, effect: string, reason: string])[] = [
  ['mailctl/main.ts', 'process.on(', 'the entry: an interrupted command says how to go on'],
  ['mailctl/app.ts', 'node:readline/promises', 'asks the person at the terminal a question'],
];

const EFFECT_CALLS = [
  /\bDate\.now\(/g,
  /\bnew Date\(\)/g,
  /\bBun\.(?:spawn|write|file|sleep|gc|\$)/g,
  /\b(?:setTimeout|setInterval|setImmediate|queueMicrotask)\(/g,
  /\bAbortSignal\.timeout\(/g,
  /\bprocess\.(?:kill|on|once|removeAllListeners|execve|abort)\(/g,
  /(?<![\w.])fetch\(/g,
];

/** The code without its comments, which may name what they avoid. */
const codeOf = (path: string): string => read(path).replace(/^\s*(?:\/\/|\*|\/\*\*).*$/gm, '');

function effectsOf(path: string): string[] {
  const modules = importsOf(path, 'values').filter((target) => EFFECTS.test(target));
  const calls = EFFECT_CALLS.flatMap((call) => codeOf(path).match(call) ?? []);
  return [...new Set([...modules, ...calls])];
}

test('only src/host starts programs, touches the disk, opens sockets, sets timers or reads the clock', () => {
  const wrong = files
    .filter((path) => roomOf(path) !== 'host' && !path.endsWith('.macro.ts'))
    .flatMap((path) =>
      effectsOf(path)
        .filter((effect) => !EXCEPTIONS.some((one) => one[0] === path && one[1] === effect))
        .map((effect) => `src/${path} uses ${effect}`),
    );

  expect(wrong).toEqual([]);
});

test('every exception is still needed, and has a reason', () => {
  const unused = EXCEPTIONS.filter(
    ([path, effect, reason]) => !effectsOf(path).includes(effect) || reason.length < 10,
  );

  expect(unused).toEqual([]);
});

test('nothing below the commands prints, exits or reads process', () => {
  const wrong = files
    .filter((path) => !['mailctl', 'host'].includes(roomOf(path)))
    .filter((path) => /^(?!\s*(?:\/\/|\*)).*(?<![\w.'"])(?:console|process)\./m.test(read(path)));

  expect(wrong).toEqual([]);
});
