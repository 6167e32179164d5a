// Every changing command with --dry-run: nothing is changed or reported as done. The commands come from the
// command tree, so a new one without a row here fails.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { createHost } from '../../src/host/host.ts';
import { buildProgram } from '../../src/mailctl/cli.ts';
import { kindOf } from '../../src/mailctl/command.ts';
import { WORDS } from '../../src/mailctl/words.ts';
import { differences, readShapes } from '../json-document.ts';
import { createInstalledRouter, ID, type InstalledRouter, MESSAGE } from './installed.ts';
import { HASH } from './router.ts';

/** Read-only calls; every other program in the container is refused, and named below. */
const ANSWERS = `  'postqueue -j') echo '${MESSAGE}' ;;`;

interface Row {
  /** Arguments; `--dry-run` is added. */
  readonly words?: string;
  /** Default: 0. */
  readonly status?: number;
  /** Start of the first line after `would`. */
  readonly would: string;
}

const ROWS: Readonly<Record<string, Row>> = {
  init: { words: '--domain example.org --config /etc/config/fresh', would: 'write ' },
  install: { words: '--config /etc/config/own', would: 'add ' },
  uninstall: { words: '--purge', would: 'stop the mail server' },
  start: { would: 'start the mail server' },
  stop: { would: 'stop the mail server' },
  restart: { would: 'stop the mail server' },
  apply: { would: 'add ' },
  set: { words: 'main.memory 1G', would: 'write /etc/config/mailserver' },
  'user add': { words: 'carol@example.com --generate', would: 'write ' },
  'user invite': {
    words: 'alice@example.com --config /etc/config/pages',
    would: 'make the directory ',
  },
  'user app-password add': { words: 'alice@example.com tablet', would: 'write ' },
  'user app-password del': { words: 'alice@example.com phone', would: 'write ' },
  'user app-password require': { words: 'alice@example.com on', would: 'write ' },
  'user passwd': { words: 'alice@example.com --generate', would: 'write ' },
  'user del': { words: 'alice@example.com --purge', would: 'write ' },
  'user quota': { words: 'alice@example.com 2G', would: 'write ' },
  'user direction': { words: 'alice@example.com receive-only', would: 'write ' },
  'user name': { words: 'alice@example.com Alice', would: 'write ' },
  'user suspend': { words: 'alice@example.com', would: 'write ' },
  'user resume': { words: 'alice@example.com', would: 'change nothing' },
  'user import': { words: '/list.csv', would: 'create 1 mailboxes' },
  'user export': { words: '--output /mailboxes.csv', would: 'write /mailboxes.csv' },
  'alias add': { words: 'sales@example.com alice@example.com', would: 'write ' },
  'alias del': { words: 'team@example.com', would: 'write ' },
  'domain add': { words: 'example.org', would: 'write ' },
  'domain limit': { words: 'unused.example --aliases 2', would: 'write ' },
  'domain del': { words: 'unused.example', would: 'write ' },
  'dns-setup': { words: '--undo', would: 'change nothing' },
  // web.enabled is 0 on this router
  'autoconfig-setup': { status: 69, would: '' },
  'dkim rotate': { words: '--all', would: 'make and publish a new key for example.com' },
  'dkim revoke': { words: 'example.com', would: 'publish a new key for example.com' },
  'dkim step': { would: 'change nothing' },
  'srs rotate': { would: 'sign the senders of forwarded mail with a new secret' },
  // without dnsctl the real run exits with this status too
  'ssl-setup': { words: '--staging', status: 69, would: '' },
  'ssl-renew': {
    words: '--config /etc/config/selfsigned',
    would: 'make a new self-signed certificate',
  },
  'queue flush': { words: ID, would: `run postqueue -i ${ID}` },
  'queue hold': { words: 'all', would: 'run postsuper -h ALL' },
  'queue release': { words: ID, would: `run postsuper -H ${ID}` },
  'queue delete': { words: ID, would: `run postsuper -d ${ID}` },
  serve: { would: 'keep the container running' },
  web: { words: '/var/run/mailserver/router-of-tests.web', would: 'make the system user ' },
  'wan-changed': { would: 'change nothing' },
  // this router has no /etc/config/firewall
  'firewall-setup': { would: 'change nothing' },
  'firewall-clear': { would: 'change nothing' },
  // the mail server of these tests is not running
  'webmail install': { status: 69, would: '' },
  // no container has that name
  'webmail configure': { status: 69, would: '' },
  'webmail uninstall': { would: 'change nothing' },
  'fail2ban sync': { would: 'change nothing' },
  'fail2ban unban': { words: '192.0.2.9', would: 'run fail2ban-client unban 192.0.2.9' },
  test: { words: 'bob@example.org', would: 'send a test message to bob@example.org' },
  doctor: { words: '--fix --only container', status: 1, would: 'fix container.running' },
  'mesh enable': { would: 'make the recovery key' },
  'mesh disable': { would: 'change nothing' },
  'mesh rotate-key': { status: 69, would: '' },
  'mesh add-peer': { words: 'file:///disk', would: 'add the peer file:///disk' },
  'mesh remove-peer': { words: 'file:///disk', status: 67, would: '' },
  'mesh backup': { would: 'make a backup' },
  'mesh sync push': { would: 'make a backup of what has changed' },
  'mesh sync pull': { would: 'fetch archives that a peer lacks' },
  'mesh verify': { would: 'make a complete backup, and restore it' },
  'mesh restore': { words: '--discard-former', would: 'change nothing' },
  'mesh listen': { words: '--port 7332', would: 'answer peers' },
  'mesh take': { words: '--peer 0a', would: 'fetch what 0a offers' },
  'report send': { would: 'send a report' },
  'report enable': { would: 'write /etc/config/mailserver' },
  'report disable': { would: 'change nothing' },
};

const SHAPES = readShapes();

let router: InstalledRouter;
beforeAll(async () => {
  router = createInstalledRouter(ANSWERS);
  // install refuses example.com
  const uci = readFileSync(join(router.root, '/etc/config/mailserver'), 'utf8');
  router.write('/etc/config/own', uci.replace("'example.com'", "'example.test'"));
  router.write('/etc/config/pages', `${uci}config web 'web'\n\toption enabled '1'\n`);
  router.write('/list.csv', `address,hash\ndave@example.com,${HASH}\n`);
  for (const line of [
    `user add alice@example.com --hash ${HASH}`,
    'alias add team@example.com alice@example.com',
    'domain add unused.example',
    'user app-password add alice@example.com phone',
  ]) {
    expect((await router.mailctl(line)).status).toBe(0);
  }
});
afterAll(() => router.remove());

function changingWords(command: Command, path: readonly string[] = []): string[] {
  const kind = kindOf(command);
  const own = kind === 'acts' || kind === 'changes' ? [path.join(' ')] : [];
  const below = command.commands.flatMap((child) => changingWords(child, [...path, child.name()]));
  return [...own, ...below];
}

/** Path, owner, mode and content of everything below the root. */
function treeDigest(root: string): string {
  const hash = createHash('sha256');
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
  // the stand-in's log of calls
  for (const path of paths.filter((name) => name !== 'inside')) {
    const full = join(root, path);
    const stat = lstatSync(full);
    hash.update(`${path} ${stat.mode} ${stat.uid} ${stat.gid} ${stat.mtimeMs}\n`);
    if (stat.isFile()) hash.update(readFileSync(full));
    if (stat.isSymbolicLink()) hash.update(readlinkSync(full));
  }
  return hash.digest('hex');
}

const CLAIMS =
  /\b(?:created|deleted|added|removed|lifted|sent|published|stopped|imported|password)\b/;

test('every changing command has a row', async () => {
  const { program } = await buildProgram(false, WORDS);

  expect(Object.keys(ROWS).sort()).toEqual(changingWords(program).sort());
});

test.each(Object.entries(ROWS))(
  '%s --dry-run says what it would do, and does nothing',
  async (word, { words = '', status: expected = 0, would }) => {
    const up = word.startsWith('queue') || word.startsWith('fail2ban');
    router.up(up);
    const before = treeDigest(router.root);
    const line = `${word} ${words}`.trim();

    const people = await router.mailctl(`${line} --dry-run`);
    const programs = await router.mailctl(`${line} --json --dry-run`);

    expect(treeDigest(router.root)).toBe(before);
    expect(router.inside().filter((call) => call !== '' && call !== 'postqueue -j')).toEqual([]);
    expect([people.status, programs.status]).toEqual([expected, expected]);
    expect(people.stdout).not.toMatch(CLAIMS);
    if (expected >= 64) {
      expect([people.stdout, programs.stdout]).toEqual(['', '']);
      return;
    }
    expect(people.stdout).toStartWith(`would ${would}`);
    const answer = JSON.parse(programs.stdout);
    const shape = SHAPES.get(`mailctl ${word} --dry-run`) ?? SHAPES.get('--dry-run') ?? {};
    expect(differences(shape, answer)).toEqual([]);
    const lines = answer.would.map((one: string) => `would ${one}`);
    const first = people.stdout.split('\n')[0] ?? '';
    expect(lines.length === 0 ? ['would change nothing'] : lines).toContain(first);
  },
);

test.each([
  'user add erin@example.com',
  'user passwd alice@example.com',
  'user del alice@example.com --purge',
])('%s --dry-run asks no question where there is no terminal', async (line) => {
  const { status, stdout, stderr } = await router.mailctl(`${line} --dry-run`);

  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toStartWith('would write ');
});

test('a dry run does not wait for the lock', async () => {
  const lock = '/var/run/mailserver/router-of-tests.lock';
  const host = createHost({ root: router.root, env: process.env, say: () => undefined });

  await host.locks.hold({ path: lock, holder: 'mailctl test', wait: 0 }, async () => {
    const { status, stdout } = await router.mailctl('domain add example.org --dry-run');

    expect(status).toBe(0);
    expect(stdout).toStartWith('would write ');
  });
});
