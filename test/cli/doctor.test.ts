// mailctl doctor and report before the install and with an invalid UCI file.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { readFileSync, statSync } from 'node:fs';
import { createRouter, type Router } from './router.ts';

let router: Router;
beforeEach(() => {
  router = createRouter();
});
afterEach(() => router.remove());

interface Check {
  id: string;
  severity: string;
  fix: string | null;
}

async function checks(line: string): Promise<{ status: number; checks: Check[] }> {
  const { status, stdout } = await router.mailctl(line);
  const { v, checks: all } = JSON.parse(stdout) as { v: number; checks: Check[] };
  expect(v).toBe(1);
  return { status, checks: all };
}

test('before the first install, doctor names the command and runs the other checks', async () => {
  const { status, checks: all } = await checks('doctor --json');

  expect(status).toBe(1);
  expect(all[0]).toMatchObject({
    id: 'container.running',
    severity: 'error',
    fix: 'mailctl install',
  });
  const severity = (id: string) => all.find((one) => one.id === id)?.severity;
  expect(severity('daemons.up')).toBe('unknown');
  expect(severity('clock.plausible')).toBe('ok');
  expect(severity('config.valid')).toBe('ok');
});

test('--only takes ids and prefixes', async () => {
  const { status, checks: all } = await checks('doctor --only clock config.valid --json');

  expect(status).toBe(0);
  expect(all.map(({ id }) => id).sort()).toEqual(['clock.plausible', 'config.valid']);
});

test('an unknown check is named, with the command that lists the checks', async () => {
  const { status, stderr } = await router.mailctl('doctor --only nosuch');

  expect(status).toBe(64);
  expect(stderr).toContain('no such check: "nosuch"');
  expect(stderr).toContain('mailctl doctor --list');
});

test('a wrong UCI file is a finding with file and line', async () => {
  router.write('/etc/config/mailserver', "config mailserver 'main'\n\toption nope '1'\n");

  const { status, stdout } = await router.mailctl('doctor');

  expect(status).toBe(1);
  expect(stdout).toContain('config.valid');
  expect(stdout).toContain('/etc/config/mailserver:2: mailserver.main.nope: unknown option');
});

test('an invalid line of the accounts is named with its file', async () => {
  await router.mailctl('user add alice@example.com --generate');
  router.write('/srv/mailserver/config/valias', 'nobody knows\n');

  const { status, stdout } = await router.mailctl('doctor --only accounts');

  expect(status).toBe(1);
  expect(stdout).toContain('/srv/mailserver/config/valias:1: ');
});

test('--fix asks for confirmation, and names --yes without a terminal', async () => {
  const { status, stderr } = await router.mailctl('doctor --fix');

  expect(status).toBe(64);
  expect(stderr).toContain('--yes');
});

test('two reports in a row have the same text', async () => {
  const [first, second] = [
    await router.mailctl('report generate'),
    await router.mailctl('report generate'),
  ];

  expect(first.status).toBe(0);
  expect(second.stdout).toBe(first.stdout);
});

test('a report cannot be sent while the server is not running', async () => {
  const { status, stderr } = await router.mailctl('report send');

  expect(status).toBe(69);
  expect(stderr).toContain('mailctl start');
});

const RELAY = `config mailserver 'main'
\toption domain 'example.com'
\toption data_path '/srv/mailserver'
\toption container 'router-of-tests'
\toption lxc_path '/srv/lxc'
config network 'network'
config ports 'ports'
config features 'features'
config smtp 'smtp'
\toption relayhost 'relay.example.net'
\toption relay_user 'us'
\toption relay_password 'sesame-4711'
config spam 'spam'
config fail2ban 'fail2ban'
config ssl 'ssl'
config webmail 'webmail'
config mesh 'mesh'
config report 'report'
`;

test('a UCI file with a password that other users can read is reported, and --fix corrects its mode', async () => {
  const file = router.write('/etc/config/mailserver', RELAY, 0o644);

  const { status, stdout } = await router.mailctl('doctor --only config.mode');
  expect(status).toBe(1);
  expect(stdout).toContain('has mode 644 and contains smtp.relay_password');
  expect(stdout).toContain('chmod 600');
  expect(stdout).not.toContain('sesame');

  expect((await router.mailctl('doctor --only config.mode --fix --yes')).status).toBe(0);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, 'utf8')).toBe(RELAY);
});

test('a UCI file without a password may be readable by other users', async () => {
  const { status, stdout } = await router.mailctl('doctor --only config.mode --json');

  expect(status).toBe(0);
  expect(stdout).toContain('contains no secret');
});
