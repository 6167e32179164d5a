// Checks the direction of imports and that only src/host has effects. A failure names the file that breaks a rule.

import { expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const SOURCE = resolve(import.meta.dir, '../src');

/**
 * Levels from top to bottom: a file imports from its own level and from levels below it. A path is a folder or file
 * below src; the longest matching path decides. Each has the reason for its level.
 */
const LEVELS: readonly (readonly [path: string, reason: string])[] = [
  ['mailctl', 'the command line: parses arguments, makes one call, prints the result'],
  ['appliance/doctor', 'checks for every known fault, so it uses every other concern'],
  [
    'appliance/supervise',
    'owns the life of the container; runs its steps as the scheduler runs jobs',
  ],
  [
    'appliance/self-service',
    'answers the closed list of requests of the web pages; runs beside the scheduler',
  ],
  ['appliance/schedule', 'runs the due jobs of the concerns below; doctor checks whether it runs'],
  [
    'appliance/webmail',
    'the web container: converges it as apply does the mail container, for the names of acme',
  ],
  ['appliance/dns', 'computes the records from addresses, accounts, keys and certificates'],
  [
    'appliance/acme',
    'issues certificates, with dns-01 through dns/publish, and passes them to tls',
  ],
  ['appliance/backup', 'what a backup holds, what is known of peers, and the switch of a restore'],
  [
    'appliance/firewall',
    "the server in the router's firewall and names; shows its changes as apply does",
  ],
  [
    'appliance/apply',
    'converges disk and container to UCI; needs accounts, keys and a certificate first',
  ],
  ['appliance/status', 'what runs, by queries only'],
  ['appliance/probe', 'proves that mail works, with a login and a message'],
  ['appliance/srs', 'the secret that signs the senders of forwarded mail'],
  ['appliance/dkim', 'the signing keys; publishes their records through dns/publish'],
  ['appliance/tls', 'the certificate and key in force'],
  ['appliance/mail', 'queries of a running server: queue, log, bans, sessions on its ports'],
  ['appliance/accounts', 'domains, mailboxes and aliases; ending a session needs the container'],
  ['appliance/dns/publish', 'publishes any record and proves that the servers answer with it'],
  ['appliance/container', 'image, LXC, network and life cycle; runs the rendered configuration'],
  ['appliance/render', 'settings → text of every file in the container'],
  ['appliance/appliance.ts', 'the value that every concern above takes as parameter'],
  ['appliance/paths.ts', 'all paths, computed from the settings'],
  ['appliance/settings', 'the option table and the checked UCI file'],
  ['appliance/ids.ts', 'the table of user and group ids of the daemons'],
  ['appliance/address.ts', 'mail addresses; the option table checks them too'],
  ['mesh/pull.ts', 'stores here what a peer offers, as its push would'],
  ['mesh/offers.ts', 'what peers may fetch here'],
  ['mesh/proofs.ts', 'questions to peers, answered while the archive was here'],
  ['mesh/push.ts', 'brings a store up to the newest backup, and thins it out'],
  ['mesh/retention.ts', 'which backups a peer keeps'],
  ['mesh/recovery-sheet.ts', 'the recovery key on paper'],
  ['mesh/recovery-key.ts', 'the recovery key as people write it'],
  ['mesh/signature.ts', 'signatures of a box under its manifests'],
  ['mesh/peers', 'stores of three kinds: another box, a folder, a bucket'],
  ['mesh/own-identity.ts', 'the keys of this box and of its listener, on its disk'],
  ['mesh/listener', 'what other boxes may do here'],
  ['mesh/restore-key.ts', 'the key by which a new box reads the archives of a lost one'],
  ['mesh/identity.ts', 'the certificate of a box, and its fingerprint'],
  ['mesh/store.ts', 'what every store can do'],
  ['mesh/archive', 'the archives of a backup: made from sources, restored into a folder'],
  ['mesh/source.ts', 'what goes into a backup, as a command lists it'],
  ['web', 'the pages; asks for everything through the closed list'],
  ['front', 'the closed list, which the pages and serve share'],
  ['uci', 'only the UCI file format'],
  ['host', 'the only folder with effects; knows nothing of mail'],
  ['errors.ts', 'imports nothing'],
];

/** Folders that do not import each other: a command connects them. */
const APART: readonly (readonly [string, string])[] = [
  ['uci', 'host'],
  ['appliance', 'mesh'],
  ['web', 'appliance'],
  ['web', 'uci'],
];

const EFFECTS =
  /^(?:node:)?(?:fs|fs\/promises|child_process|net|tls|http|https|dgram|dns|os|readline|readline\/promises)$|^(?:execa|tar|acme-client|bun:sqlite)$/;

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .sort();

const texts = new Map(files.map((path) => [path, readFileSync(join(SOURCE, path), 'utf8')]));

const read = (path: string): string => texts.get(path) ?? '';

const roomOf = (path: string): string => path.split('/')[0] ?? path;

/** Index into LEVELS; -1 for a file that matches no level. */
function levelOf(path: string): number {
  const fits = LEVELS.map(([place], index) => ({ place, index })).filter(
    ({ place }) => path === place || path.startsWith(`${place}/`),
  );
  return fits.sort((a, b) => b.place.length - a.place.length)[0]?.index ?? -1;
}

/** Kind `values` leaves out type imports: they are erased and have no effect. */
function importsOf(path: string, kind: 'all' | 'values'): string[] {
  const statements = read(path).matchAll(
    /^(?:import|export)\s+(type\s+)?(?:[^'"]*?from\s+)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/gm,
  );
  return [...statements]
    .filter(([, type]) => kind === 'all' || type === undefined)
    .map(([, , named, lazy]) => named ?? lazy ?? '');
}

/** Files of src that this file imports, including type imports. */
const neighbours = (path: string): string[] =>
  importsOf(path, 'all')
    .filter((target) => target.startsWith('.'))
    .map((target) => relative(SOURCE, resolve(SOURCE, dirname(path), target)))
    .filter((target) => texts.has(target));

/** Import cycles: strongly connected components with more than one file (Tarjan 1972). */
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

test('every file of src belongs to a level of the list', () => {
  expect(files.filter((path) => levelOf(path) < 0)).toEqual([]);
});

test('every level of the list exists, has a reason, and is listed once', () => {
  const places = LEVELS.map(([place]) => place);

  expect(
    places.filter((place) => !files.some((path) => `${path}/`.startsWith(`${place}/`))),
  ).toEqual([]);
  expect(LEVELS.filter(([, reason]) => reason.length < 10)).toEqual([]);
  expect(new Set(places).size).toBe(places.length);
});

test('imports go down the list of levels only', () => {
  const wrong = files.flatMap((path) =>
    neighbours(path)
      .filter((target) => levelOf(target) < levelOf(path))
      .map((target) => `src/${path} imports src/${target}`),
  );

  expect(wrong).toEqual([]);
});

test('folders on the same level do not import each other', () => {
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

test('there is no import cycle, including type imports', () => {
  expect(circles()).toEqual([]);
});

/** Effects allowed outside of src/host, each with its reason. */
const EXCEPTIONS: readonly (readonly [path: string, effect: string, reason: string])[] = [
  [
    'mailctl/main.ts',
    'process.on(',
    'the entry point: an interrupted command prints how to continue',
  ],
  ['mailctl/terminal.ts', 'node:readline/promises', 'asks the operator a question'],
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

/** The code without comments, which may mention forbidden calls. */
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
