// mailctl logs: the last lines, lines of one daemon, new lines.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { appendFileSync } from 'node:fs';
import { createRouter, type Router } from './router.ts';

const LOG = '/srv/mailserver/log/current';
const STAMP = '2026-11-21 03:57:49.151000000  ';
const DOVECOT = `${STAMP}dovecot: imap-login: Info: \u001b]0;hello\u0007 Logged in\n`;
const UNBOUND = `${STAMP}[1795233464] unbound[92:0] info: start of service\n`;

let router: Router;
beforeEach(() => {
  router = createRouter();
  router.write(LOG, DOVECOT + UNBOUND);
});
afterEach(() => router.remove());

test('the last lines are shown in UTC and without control characters', async () => {
  const { status, stdout } = await router.mailctl('logs 2');

  expect(status).toBe(0);
  expect(stdout).toBe(
    '2026-11-21 03:57:49.151  dovecot: imap-login: Info: ]0;hello Logged in\n' +
      '2026-11-21 03:57:49.151  [1795233464] unbound[92:0] info: start of service\n',
  );
});

test('--daemon and --json name each line by its daemon', async () => {
  const { stdout } = await router.mailctl('logs --daemon unbound --json');

  expect(JSON.parse(stdout)).toEqual({
    v: 1,
    lines: [
      {
        time: '2026-11-21T03:57:49.151Z',
        daemon: 'unbound',
        text: '[1795233464] unbound[92:0] info: start of service',
      },
    ],
  });
});

test('an empty log is not an error', async () => {
  router.write(LOG, '');

  const { status, stdout, stderr } = await router.mailctl('logs');

  expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  expect(stderr).toContain('the log is empty');
});

test('-f shows new lines until it is interrupted, and ends without a message', async () => {
  const program = router.start('logs 0 -f');
  if (!(program.stdout instanceof ReadableStream)) throw new Error('no pipe');
  const reader = program.stdout.getReader();
  const line = `${STAMP}dovecot: new\n`;
  // lines from before it follows are not shown
  const writing = setInterval(() => appendFileSync(`${router.root}${LOG}`, line), 100);

  const { value } = await reader.read();
  clearInterval(writing);
  program.kill('SIGINT');

  expect(new TextDecoder().decode(value)).toContain('dovecot: new');
  expect(await program.exited).toBe(130);
  if (!(program.stderr instanceof ReadableStream)) throw new Error('no pipe');
  expect(await program.stderr.text()).toBe('');
});

test('an unknown daemon is refused with the names of all', async () => {
  const { status, stderr } = await router.mailctl('logs --daemon dovekot');

  expect(status).toBe(64);
  expect(stderr).toContain(
    'clamav, dovecot, fail2ban, freshclam, log, opendkim, postfix, postsrsd, rspamd, serve, syslog, unbound, valkey',
  );
  expect(stderr).toContain('(Did you mean dovecot?)');
});

test.each(['logs many', 'logs -5', 'logs --daemon ../../etc'])('%p is refused', async (line) => {
  expect((await router.mailctl(line)).status).toBe(64);
});
