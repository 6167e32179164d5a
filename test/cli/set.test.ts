// mailctl set on a host without uci, and on a router with staged changes.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createRouter, type Router } from './router.ts';

const UCI = '/etc/config/mailserver';
let router: Router;
beforeEach(() => {
  router = createRouter();
});
afterEach(() => router.remove());

const text = () => readFileSync(join(router.root, UCI), 'utf8');

test('set changes one option, keeps mode and every other line, and names the next commands', async () => {
  const before = text();
  router.write(UCI, before, 0o640);

  const { status, stdout, stderr } = await router.mailctl('set main.domain example.org');

  expect({ status, stdout }).toEqual({
    status: 0,
    stdout: 'main.domain: example.com → example.org\n',
  });
  expect(stderr).toBe('next: mailctl plan, then mailctl apply\n');
  expect(text()).toBe(before.replace('example.com', 'example.org'));
  expect(statSync(join(router.root, UCI)).mode & 0o777).toBe(0o640);
});

test('set of the present value is a no-op', async () => {
  const before = statSync(join(router.root, UCI)).mtimeMs;

  const { status, stdout } = await router.mailctl('set main.domain example.com');

  expect({ status, stdout }).toEqual({ status: 0, stdout: 'no change\n' });
  expect(statSync(join(router.root, UCI)).mtimeMs).toBe(before);
});

test.each([
  ['set main.memori 1G', 64, 'hint: did you mean main.memory?'],
  ['set main.memory much', 64, "main.memory: 'much' is not a size"],
  ['set main.memory', 64, 'main.memory: the value is missing'],
  ['set smtp.relay_user me', 78, 'relay_user requires relayhost'],
  ['set smtp.relay_password sesame', 64, 'hint: mailctl set smtp.relay_password --stdin'],
  ['set main.memory=1G smtp.relay_password=sesame', 64, 'smtp.relay_password is a secret'],
  ['set smtp.relay_password', 64, 'hint: add --stdin'],
  ['set main.memory 1G --stdin', 64, '--stdin is for a secret option'],
  ['set fail2ban.ignore 192.0.2.1 --add --remove', 64, '--add and --remove exclude each other'],
])('%s is refused, and the file stays', async (line, expected, message) => {
  const before = text();

  const { status, stdout, stderr } = await router.mailctl(line);

  expect({ status, stdout }).toEqual({ status: expected, stdout: '' });
  expect(stderr).toContain(message);
  expect(stderr).not.toContain('sesame');
  expect(text()).toBe(before);
});

test('a secret is read from standard input, together with what depends on it, and never printed', async () => {
  const line =
    'set smtp.relayhost=[smtp.example.net]:587 smtp.relay_user=me smtp.relay_password --stdin';

  const { status, stdout, stderr } = await router.mailctl(line, { stdin: 'sesame\n' });

  expect(status).toBe(0);
  expect(stdout).toBe(
    'smtp.relayhost: (unset) → [smtp.example.net]:587\nsmtp.relay_user: (unset) → me\nsmtp.relay_password: (a secret)\n',
  );
  expect(stdout + stderr).not.toContain('sesame');
  expect(text()).toContain("option relay_password 'sesame'");
});

test('a wrong file can be corrected, and what is left is named', async () => {
  router.write(UCI, text().replace("'main'", "'main'\n\toption memory 'much'\n\toption image 'x'"));

  const { status, stderr } = await router.mailctl('set main.memory 1G');

  expect(status).toBe(0);
  expect(stderr).toContain('warning: /etc/config/mailserver still has problems; mailctl config');
});

test('a missing file is named with the command that writes it', async () => {
  const { status, stderr } = await router.mailctl('set main.memory 1G --config /etc/config/none');

  expect(status).toBe(78);
  expect(stderr).toContain('hint: mailctl init');
});

test('simultaneous edits lose no option', async () => {
  const lines = ['main.memory 1G', 'smtp.rate_limit 50', 'fail2ban.max_retry 9', 'ports.pop3 0'];

  await Promise.all(lines.map((line) => router.mailctl(`set ${line}`)));

  for (const value of ['1G', '50', '9', '0']) expect(text()).toContain(`'${value}'`);
});

test.each([
  [
    "mailserver.main.memory='256M'",
    'main.memory 1G',
    'uci has staged other values of main.memory, and its next commit replaces the values set here',
  ],
  [
    "mailserver.smtp.relay_password='sesame'\n-mailserver.main.image",
    'main.memory 1G',
    'uci has staged changes that are not in the file yet: smtp.relay_password, main.image; uci commit mailserver',
  ],
])('staged changes of uci are named, without their values', async (staged, line, warning) => {
  router.write('/staged', `${staged}\n`);
  router.write(
    '/bin/uci',
    `#!/bin/sh\n[ "$*" = "-q -c ${router.root}/etc/config changes mailserver" ] && cat ${router.root}/staged\n`,
    0o755,
  );

  const { status, stderr } = await router.mailctl(`set ${line}`);

  expect(status).toBe(0);
  expect(stderr).toContain(`warning: ${warning}`);
  expect(stderr).not.toContain('sesame');
});
