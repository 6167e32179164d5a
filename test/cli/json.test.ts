// docs/json.md against what is printed, both ways: an undocumented field, a documented one that is missing and
// another type fail; so does an example that no run here has shown, unless it is listed with the reason.
// Dry runs are compared in dry-run.test.ts, what needs a real container in test/system/json.test.ts.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { createHost } from '../../src/host/host.ts';
import { buildProgram } from '../../src/mailctl/cli.ts';
import { createOutput } from '../../src/mailctl/output.ts';
import { WORDS } from '../../src/mailctl/words.ts';
import { DOCUMENT, differences, pathsOf, readShapes } from '../json-document.ts';
import { createInstalledRouter, ID, type InstalledRouter, MESSAGE } from './installed.ts';
import { DOWN, ELSEWHERE, LAST, type Row, UP } from './json-rows.ts';
import { HASH } from './router.ts';

const STARTED = `@${(2n ** 62n + BigInt(Math.floor(Date.now() / 1000) + 37)).toString(16)}00000000`;
const ANSWERS = `
  'postqueue -j') echo '${MESSAGE}' ;;
  'postqueue -f') ;;
  'postcat -hq ${ID}') echo 'Subject: hello' ;;
  'postsuper '*) echo 'postsuper: Done: 1 message' >&2 ;;
  'fail2ban-client banned') echo "[{'mail-login': ['192.0.2.9']}]" ;;
  'fail2ban-client unban 192.0.2.9') echo 1 ;;
  sh*) echo 'service postfix true ${STARTED}'; echo 'service rspamd false ${STARTED}'
    for death in 1 2 3 4; do echo '${STARTED} exitcode 1'; done ;;`;

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
  router.write('/etc/config/noticed', uci.replace("'features'", "'features'\n\toption spf '0'"));
  router.write('/disk/lost+found', '');
  router.write('/srv/mailserver/mail/example.com/alice/new/1.box', 'Subject: hello\n\nhello\n');
  router.write('/etc/config/pages', `${uci}config web 'web'\n\toption enabled '1'\n`);
  const used = '1763764000 203.0.113.9 imap\n';
  router.write('/srv/mailserver/state/last-use/bob@example.com', used);
  router.write('/etc/config/off', uci.replace("enabled '1'", "enabled '0'"));
  router.write('/etc/config/wrong', uci.replace('option enabled', 'option enabeld'));
  router.write(
    '/etc/config/open',
    uci.replace(
      "'smtp'",
      "'smtp'\n\toption relayhost 'r.example.net'\n\toption relay_user 'us'\n\toption relay_password 'sesame'",
    ),
  );
  router.write(
    '/list.csv',
    `address,hash\ndave@example.com,${HASH}\nalice@example.com,${HASH}\nnobody,${HASH}\n`,
  );
  router.write(
    '/bin/ubus',
    '#!/bin/sh\necho \'{"up":true,"ipv4-address":[{"address":"192.0.2.25"}]}\'\n',
    0o755,
  );
  router.write(
    '/srv/mailserver/log/current',
    '2026-11-21 03:57:49.151000000  dovecot: Info: hi\n2026-11-21 03:57:49.152000000  rspamd: cannot open it\n',
  );
  const problem = { id: 'x', severity: 'error', message: 'gone', fix: null };
  const last = { at: '2026-11-20T00:00:00Z', problems: [problem], summary: '', mailboxes: 7 };
  const rest = { domains: [], certificateUntil: null, storageBytes: 1 };
  router.write('/srv/mailserver/report.json', JSON.stringify({ v: 1, ...last, ...rest }));
  const acme = {
    names: ['mail.example.com'],
    agreed: true,
    directory: 'https://ca.example/',
    lastError: 'no',
  };
  const soon = new Date(Date.now() + 3_600_000).toISOString();
  const tried = { failures: [new Date().toISOString()], refusals: [], notBefore: soon };
  router.write('/srv/mailserver/acme/state.json', JSON.stringify({ v: 1, ...acme, ...tried }));
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
  // until when the client waits after a failure is in the state that was written above
  ['ssl-renew --scheduled', 75, 'ACME_LIMITED'],
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

test('a bug is printed as the documented error object', () => {
  let printed = '';
  const stderr = { write: (text: string) => (printed += text) };
  const flags = { json: true, quiet: false, color: false, debug: false, dryRun: false };

  createOutput({ ...flags, stdout: stderr, stderr }).error(new TypeError('not a function'));

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
    const missing = pathsOf(shape).filter((path) => !paths.has(path));
    const isBelow = (path: string) =>
      missing.some((one) => path.startsWith(`${one}.`) || path.startsWith(`${one}[`));
    return missing.filter((path) => !isBelow(path)).map((path) => `${example} ${path}`);
  });

  expect(unseen.sort()).toEqual(Object.keys(ELSEWHERE).sort());
});
