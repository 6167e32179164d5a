// docs/json.md against what is printed, both ways: an undocumented field, a documented one that is missing and
// another type fail; so does an example that no run here has shown, unless it is listed with the reason.
// Dry runs are compared in dry-run.test.ts, what needs a real container in test/system/json.test.ts.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { type ErrorCode, MailctlError } from '../../src/errors.ts';
import { createHost } from '../../src/host/host.ts';
import { buildProgram } from '../../src/mailctl/cli.ts';
import { createOutput } from '../../src/mailctl/output.ts';
import { WORDS } from '../../src/mailctl/words.ts';
import { DOCUMENT, differences, pathsOf, readShapes } from '../json-document.ts';
import { createInstalledRouter, ID, type InstalledRouter, MESSAGE } from './installed.ts';
import { HASH } from './router.ts';

const STARTED = `@${(2n ** 62n + BigInt(Math.floor(Date.now() / 1000) + 37)).toString(16)}00000000`;
const ANSWERS = `
  'postqueue -j') echo '${MESSAGE}' ;;
  'postqueue -f') ;;
  'postcat -hq ${ID}') echo 'Subject: hello' ;;
  'postsuper '*) echo 'postsuper: Done: 1 message' >&2 ;;
  'fail2ban-client banned') echo "[{'mail-login': ['192.0.2.9']}]" ;;
  'fail2ban-client unban 192.0.2.9') echo 1 ;;
  sh*) echo 'service postfix true ${STARTED}' ;;`;

/** The example, the words where they are more than its own, and the status where it is not 0. */
type Row = readonly [example: string, words?: string, status?: number];

const DOWN: readonly Row[] = [
  ['version'],
  ['completion', 'completion ash'],
  ['config check'],
  ['config check', 'config check --config /etc/config/wrong', 78],
  ['user add', `user add alice@example.com --hash ${HASH}`],
  ['user add', 'user add bob@example.com --generate'],
  ['user passwd', 'user passwd bob@example.com --generate'],
  ['user quota', 'user quota bob@example.com 2G'],
  ['user quota', 'user quota bob@example.com'],
  ['user suspend', 'user suspend bob@example.com'],
  ['user resume', 'user resume bob@example.com'],
  ['user import', 'user import /list.csv --skip-existing --skip-invalid', 1],
  ['user import --dry-run', 'user import /list.csv --update --skip-invalid --dry-run', 1],
  ['domain add', 'domain add example.org'],
  ['domain add', 'domain add gone.example'],
  ['domain del', 'domain del gone.example'],
  ['alias add', 'alias add team@example.com alice@example.com bob@example.com'],
  ['alias add', 'alias add bobby@example.com bob@example.com'],
  ['alias add', 'alias add @example.org @example.com'],
  ['alias list'],
  ['domain list'],
  ['user list'],
  ['user list', 'user list --sizes'],
  ['user show', 'user show bob@example.com'],
  ['user export'],
  ['user export', 'user export --with-hashes'],
  ['user export --output', 'user export --output /mailboxes.json'],
  ['user del', 'user del bob@example.com'],
  ['alias del', 'alias del team@example.com'],
  ['dns-setup', 'dns-setup --undo'],
  ['dns-setup --zone', 'dns-setup --zone --config /etc/config/fixed'],
  ['dkim show', 'dkim show'],
  ['dkim step'],
  ['ssl-renew', 'ssl-renew --config /etc/config/selfsigned'],
  ['ssl-renew'],
  ['ssl-status', 'ssl-status --config /etc/config/selfsigned'],
  ['wan-changed', 'wan-changed --config /etc/config/fixed'],
  ['wan-changed'],
  ['logs'],
  ['doctor', 'doctor --only clock config accounts', 1],
  ['doctor', 'doctor --only config.mode --fix --yes'],
  ['doctor --dry-run', 'doctor --only config.mode --fix --dry-run'],
  ['doctor --list'],
  ['report generate'],
  ['report enable'],
  ['report disable'],
  ['plan'],
  ['start', 'start --config /etc/config/off'],
  ['stop'],
  ['status', 'status', 69],
];

const UP: readonly Row[] = [
  ['status', 'status', 1],
  ['queue list'],
  ['queue show', `queue show ${ID}`],
  ['queue flush'],
  ['queue hold', `queue hold ${ID}`],
  ['queue release', `queue release ${ID}`],
  ['queue delete', `queue delete ${ID} --yes`],
  ['fail2ban list'],
  ['fail2ban unban', 'fail2ban unban 192.0.2.9'],
];

const LAST: readonly Row[] = [['uninstall']];

const CONTAINER = 'starts the real container: test/system/json.test.ts';
const SERVERS = 'needs DNS servers: test/system/json-dns.test.ts';
/** Examples, or fields of one, that no run here shows. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'mailctl install': CONTAINER,
  'mailctl apply': CONTAINER,
  'mailctl restart': CONTAINER,
  'mailctl test': CONTAINER,
  'mailctl report send': CONTAINER,
  'mailctl dns-check': SERVERS,
  'mailctl dkim rotate': SERVERS,
  'mailctl dkim revoke': SERVERS,
  'mailctl ssl-setup': SERVERS,
};

const SHAPES = readShapes();
const seen = new Map<string, Set<string>>();
let router: InstalledRouter;

function faults(example: string, value: unknown): string[] {
  const shape = SHAPES.get(example);
  if (shape === undefined) return [`${example} is not documented`];
  const paths = seen.get(example) ?? new Set();
  seen.set(example, paths);
  return differences(shape, value, paths);
}

beforeAll(() => {
  router = createInstalledRouter(ANSWERS);
  const uci = readFileSync(join(router.root, '/etc/config/mailserver'), 'utf8');
  const fixed = "config dns 'dns'\n\tlist public_address '192.0.2.25'\n";
  router.write('/etc/config/fixed', `${uci}${fixed}`);
  router.write('/etc/config/off', uci.replace("enabled '1'", "enabled '0'"));
  router.write('/etc/config/wrong', uci.replace('option enabled', 'option enabeld'));
  router.write('/list.csv', `address,hash\ndave@example.com,${HASH}\nalice@example.com,\n`);
  router.write(
    '/bin/ubus',
    '#!/bin/sh\necho \'{"up":true,"ipv4-address":[{"address":"192.0.2.25"}]}\'\n',
    0o755,
  );
  router.write('/srv/mailserver/log/current', '2026-11-21 03:57:49.151000000  dovecot: Info: hi\n');
  const problem = { id: 'x', severity: 'error', message: 'gone', fix: null };
  const last = { at: '2026-11-20T00:00:00Z', problems: [problem], summary: '', mailboxes: 7 };
  const rest = { domains: [], certificateUntil: null, storageBytes: 1 };
  router.write('/srv/mailserver/report.json', JSON.stringify({ v: 1, ...last, ...rest }));
  const job = { last: '2026-11-20T00:00:00Z', outcome: 'failed', status: 69, said: 'no' };
  const jobs = { report: { ...job, failures: 1, not_before: '2026-11-20T01:00:00Z' } };
  router.write('/srv/mailserver/schedule.json', JSON.stringify({ v: 1, jobs }));
});
afterAll(() => router.remove());

async function check([example, words = example, wanted = 0]: Row): Promise<void> {
  const { status, stdout, stderr } = await router.mailctl(`${words} --json`);

  expect({ status, stderr: status === wanted ? '' : stderr }).toEqual({
    status: wanted,
    stderr: '',
  });
  expect(faults(`mailctl ${example}`, JSON.parse(stdout))).toEqual([]);
}

const titled = (rows: readonly Row[]) => rows.map((row) => [row[1] ?? row[0], row] as const);

test.each(titled(DOWN))('%s prints what is documented', (_, row) => check(row));

test.each(titled(UP))('%s prints what is documented, beside a running container', (_, row) => {
  router.up(true);
  return check(row);
});

test('logs --follow prints one object for each line', async () => {
  const program = router.start('logs 1 --follow --json');
  if (!(program.stdout instanceof ReadableStream)) throw new Error('no pipe');
  const { value } = await program.stdout.getReader().read();
  program.kill('SIGINT');
  await program.exited;

  const line = new TextDecoder().decode(value).split('\n')[0] ?? '';
  expect(faults('mailctl logs --follow', JSON.parse(line))).toEqual([]);
});

test.each([
  ['user shwo', 64, 'USAGE'],
  ['user show nobody@example.com', 67, 'MAILBOX_UNKNOWN'],
  ['status --config /etc/config/wrong', 78, 'CONFIG_INVALID'],
])('%s ends with the documented error object', async (line, wanted, code) => {
  const { status, stdout, stderr } = await router.mailctl(`${line} --json`);

  expect({ status, stdout }).toEqual({ status: wanted, stdout: '' });
  const answer = JSON.parse(stderr.trim().split('\n').at(-1) ?? '');
  expect(answer.error.code).toBe(code);
  expect(faults('error', answer)).toEqual([]);
});

test('a locked command names the holder in the error object', async () => {
  const host = createHost({ root: router.root, env: process.env, say: () => undefined });
  const path = '/var/run/mailserver/router-of-tests.serve.lock';

  await host.locks.hold({ path, holder: 'mailctl serve', wait: 0 }, async () => {
    const { status, stderr } = await router.mailctl('serve --json');
    const answer = JSON.parse(stderr.trim().split('\n').at(-1) ?? '');

    expect(status).toBe(75);
    expect(answer.error.holder).toEqual({ command: 'mailctl serve', pid: process.pid });
    expect(faults('error', answer)).toEqual([]);
  });
});

test.each([
  [new MailctlError('ACME_LIMITED' satisfies ErrorCode, 'later', { retryAt: new Date() })],
  [new TypeError('a bug')],
])('%p is printed as the documented error object', (error) => {
  let printed = '';
  const stderr = { write: (text: string) => (printed += text) };
  const flags = { json: true, quiet: false, color: false, debug: false, dryRun: false };

  createOutput({ ...flags, stdout: stderr, stderr }).error(error);

  expect(faults('error', JSON.parse(printed))).toEqual([]);
});

test.each(titled(LAST))('%s prints what is documented, at the end', (_, row) => {
  router.up(false);
  return check(row);
});

function leafWords(command: Command, path: readonly string[] = ['mailctl']): string[] {
  if (command.commands.length === 0) return [path.join(' ')];
  return command.commands.flatMap((child) => leafWords(child, [...path, child.name()]));
}

test('every word has its section and an example, and every example is of a word', async () => {
  const { program } = await buildProgram(true, WORDS);
  const leaves = leafWords(program);
  const sections = readFileSync(DOCUMENT, 'utf8').matchAll(/^## (mailctl .+)$/gm);
  const examples = [...SHAPES.keys()].filter((name) => name.startsWith('mailctl '));
  const wordOf = (example: string) => example.replace(/ --.*/, '');

  expect([...sections].map(([, name]) => name)).toEqual(WORDS.map(({ name }) => `mailctl ${name}`));
  expect([...new Set(examples.map(wordOf))].sort()).toEqual(leaves.sort());
});

test('every documented field was printed by a run above, or is listed with the reason', () => {
  const unseen = [...SHAPES].flatMap(([example, shape]) => {
    const paths = seen.get(example);
    // compared word by word in dry-run.test.ts
    if (example.endsWith('--dry-run')) return [];
    if (paths === undefined) return [example];
    return pathsOf(shape)
      .filter((path) => !paths.has(path))
      .map((path) => `${example} ${path}`);
  });

  expect(unseen.sort()).toEqual(Object.keys(ELSEWHERE).sort());
});
