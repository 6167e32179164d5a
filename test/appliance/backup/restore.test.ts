// A checked backup takes the place of the present data; killed at any step and repeated, the result is the same.

import { afterEach, expect, test } from 'bun:test';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { endRestore, switchRestored } from '../../../src/appliance/backup/restore.ts';
import { dataLack } from '../../../src/appliance/container/data-folders.ts';
import { restoredTree } from '../../../src/appliance/container/restore-journal.ts';
import { appliancePaths } from '../../../src/appliance/paths.ts';
import { defaultSettings } from '../../../src/appliance/settings/check-settings.ts';
import { createHost, type Host } from '../../../src/host/host.ts';

const settings = defaultSettings();
const target = { settings, paths: appliancePaths(settings) };
const { paths } = target;
const TREE = restoredTree(paths);
const MAIL = `${paths.mail}/example.com/alice`;

const BACKUP: Readonly<Record<string, string>> = {
  'uci/other-name':
    "config mailserver 'main'\n\toption domain 'example.com'\n\toption hostname 'old'\n",
  'config/users': 'alice',
  'mail/example.com/alice/cur/1.a:2,S': 'one',
  'mail/example.com/alice/new/2.b': 'two',
  'mail/example.com/alice/dovecot-uidlist': '3 V1 N3',
  'state-sieve/example.com/alice/active.sieve': 'keep;',
  'queue/deferred/4dKNmS2kF2z9': 'waits',
  'srs.secret/srs.secret': 'old secret',
  'mesh/peers.json': '{"v":1}',
};

const PRESENT: Readonly<Record<string, string>> = {
  [paths.uciFile]: "config mailserver 'main'\n\toption domain 'fresh.example'\n",
  [`${paths.accounts}/users`]: 'postmaster',
  [`${MAIL}/cur/1.a:2,`]: 'one',
  [`${MAIL}/new/9.z`]: 'arrived meanwhile',
  [`${MAIL}/dovecot-uidlist`]: '3 V9 N2',
  [`${paths.mail}/example.com/bob/new/8.y`]: 'for bob',
  [`${paths.queue}/deferred/4dKNmS2kF2aa`]: 'waits, too',
  [`${paths.queue}/public/qmgr`]: 'a socket',
  [paths.srsSecret]: 'new secret',
  [`${paths.custom}/dovecot.conf`]: 'stays',
};

let roots: string[] = [];
afterEach(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true });
  roots = [];
});

function machine(): { root: string; host: Host } {
  const root = mkdtempSync(join(tmpdir(), 'restore-'));
  roots.push(root);
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  for (const [path, text] of Object.entries(BACKUP)) put(join(TREE, path), text);
  for (const [path, text] of Object.entries(PRESENT)) put(path, text);
  return { root, host: createHost({ root, env: {}, say: () => undefined }) };
}

/** Every file with its content; the folder with what was there before without its time. */
function filesOf(root: string): string[] {
  const out = execFileSync('sh', [
    '-c',
    'cd "$0"; find . -type f ! -path "*/var/run/*" -print',
    root,
  ]);
  return String(out)
    .trim()
    .split('\n')
    .map((path) => {
      const text = readFileSync(join(root, path), 'utf8');
      return `${path.replace(/before-restore-[0-9TZ]+/, 'former')}: ${text}`;
    })
    .filter((line) => !line.includes('journal.json'))
    .sort();
}

const at = (files: readonly string[], path: string) =>
  files.find((line) => line.startsWith(`.${path}: `))?.slice(path.length + 3);

test('the backup is in place, mail that arrived meanwhile is added, and what was there is kept', async () => {
  const { root, host } = machine();
  const { former, mail, queue } = await switchRestored(host, target, 7);
  const files = filesOf(root);

  expect(at(files, `${MAIL}/cur/1.a:2,S`)).toBe('one');
  expect(at(files, `${MAIL}/new/2.b`)).toBe('two');
  expect(at(files, `${MAIL}/new/9.z`)).toBe('arrived meanwhile');
  expect(at(files, `${MAIL}/dovecot-uidlist`)).toBe('3 V1 N3');
  expect(readdirSync(join(root, MAIL, 'cur'))).toEqual(['1.a:2,S']);
  expect(at(files, `${paths.mail}/example.com/bob/new/8.y`)).toBe('for bob');
  expect(at(files, `${paths.queue}/deferred/4dKNmS2kF2aa`)).toBe('waits, too');
  expect(at(files, `${paths.queue}/deferred/4dKNmS2kF2z9`)).toBe('waits');
  expect(at(files, `${paths.queue}/public/qmgr`)).toBeUndefined();
  expect(at(files, `${paths.state}/sieve/example.com/alice/active.sieve`)).toBe('keep;');
  expect(at(files, paths.srsSecret)).toBe('old secret');
  expect(at(files, `${paths.accounts}/users`)).toBe('alice');
  expect(at(files, `${paths.custom}/dovecot.conf`)).toBe('stays');
  expect(at(files, `${paths.mesh}/peers.json`)).toBe('{"v":1}');
  expect(at(files, paths.uciFile)).toContain("hostname 'old'");
  expect(at(files, `${paths.data}/former/mail/example.com/alice/cur/1.a:2,`)).toBe('one');
  expect(at(files, `${paths.data}/former/srs.secret`)).toBe('new secret');
  expect(at(files, `${paths.data}/former/uci`)).toContain('fresh.example');
  expect([former.startsWith(`${paths.data}/before-restore-`), mail.files, queue.files]).toEqual([
    true,
    2,
    1,
  ]);

  await endRestore(host, paths);
  expect(await host.files.stat(join(paths.mesh, 'restore'))).toBeNull();
});

const CHANGING = ['rename', 'replace', 'makeDirectory'] as const;

/** A host whose changing file verb number `last` fails after it was done, or instead, as a power cut would end it. */
function failingAfter(
  host: Host,
  last: number,
  done: boolean,
): { host: Host; count: () => number } {
  let count = 0;
  const files = { ...host.files } as Record<string, unknown>;
  for (const verb of CHANGING) {
    const real = host.files[verb] as (...args: unknown[]) => Promise<void>;
    files[verb] = async (...args: unknown[]) => {
      count += 1;
      if (count === last && !done) throw new Error('killed');
      await real(...args);
      if (count === last) throw new Error('killed');
    };
  }
  return { host: { ...host, files: files as unknown as Host['files'] }, count: () => count };
}

test('killed before or after any step, the next run gives the same result', async () => {
  const whole = machine();
  const counted = failingAfter(whole.host, -1, true);
  await switchRestored(counted.host, target, 7);
  const wanted = filesOf(whole.root);

  expect(counted.count()).toBeGreaterThan(15);
  for (let last = 1; last <= counted.count(); last += 1) {
    for (const done of [true, false]) {
      const { root, host } = machine();
      await switchRestored(failingAfter(host, last, done).host, target, 7).catch(() => undefined);
      await switchRestored(host, target, 7);
      expect([last, done, filesOf(root)]).toEqual([last, done, wanted]);
      rmSync(root, { recursive: true });
    }
  }
}, 30_000);

test('the server does not start on data that are half exchanged', async () => {
  const { host } = machine();
  expect(await dataLack(host, paths)).toBeNull();
  await switchRestored(failingAfter(host, 8, true).host, target, 7).catch(() => undefined);

  expect(await dataLack(host, paths)).toContain('mailctl mesh restore');
  await switchRestored(host, target, 7);
  expect(await dataLack(host, paths)).toBeNull();
});

test('mail that a user deletes after the restore does not come back with its last steps', async () => {
  const { root, host } = machine();
  await switchRestored(host, target, 7);
  rmSync(join(root, MAIL, 'new/9.z'));
  await switchRestored(host, target, 7);

  expect(readdirSync(join(root, MAIL, 'new'))).toEqual(['2.b']);
});

test('a backup without accounts changes nothing', async () => {
  const { root, host } = machine();
  rmSync(join(root, TREE, 'config'), { recursive: true });
  const before = filesOf(root);

  expect(switchRestored(host, target, 7)).rejects.toThrow('the backup has no config');
  expect(filesOf(root)).toEqual(before);
});
