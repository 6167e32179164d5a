// mailctl status: its output and exit status.

import { afterEach, expect, test } from 'bun:test';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createRouter, type Router } from './router.ts';
import { createRunningRouter } from './running.ts';

let router: Router;
afterEach(() => router.remove());

const PORTS = [25, 587, 465, 143, 993, 110, 995, 4190];

function socketTable(ports: readonly number[]): string {
  const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, '0');
  const lines = ports.map(
    (port, at) => `${at}: 00000000:${hex(port)} 00000000:0000 0A 0 0 0 0 0 1`,
  );
  return ['header', ...lines, ''].join('\n');
}

/** A TAI64N label of now. */
function label(): string {
  const seconds = 2n ** 62n + BigInt(Math.floor(Date.now() / 1000) + 37);
  return `@${seconds.toString(16)}00000000`;
}

function running(report: string, ports: readonly number[]): Router {
  const made = createRunningRouter(`  sh*) cat <<'END'\n${report}\nEND\n  ;;`);
  made.write('/proc/4242/net/tcp', socketTable(ports));
  return made;
}

test('before the first install the state is absent, with the next command', async () => {
  router = createRouter();

  const { status, stdout } = await router.mailctl('status');

  expect(status).toBe(69);
  expect(stdout).toContain('mail.example.com is absent');
  expect(stdout).toContain('next: mailctl install');
});

test('a server with all daemons running and all ports listening is running', async () => {
  router = running(`service postfix true ${label()}`, PORTS);

  const { status, stdout } = await router.mailctl('status --json');

  expect(status).toBe(0);
  const { storage_bytes, free_bytes, daemons, ports, ...rest } = JSON.parse(stdout);
  expect(rest).toEqual({
    v: 1,
    state: 'running',
    address: '127.82.25.2',
    hostname: 'mail.example.com',
    domain: 'example.com',
    mailboxes: 0,
    image: null,
    due: [],
    storage_complete: true,
    supervision: { stopped: false, waits_for: null },
    troubles: [],
    scheduler: { running: false, pid: null, job: null },
    login: null,
    unapplied: { changes: 0, refusal: null },
  });
  expect(daemons).toEqual([
    { name: 'postfix', state: 'up', since: expect.stringMatching(/^\d{4}-.*Z$/) },
  ]);
  expect(ports[0]).toEqual({ name: 'smtp', port: 25, listening: true });
  expect(ports).toHaveLength(8);
  expect([storage_bytes, free_bytes].every(Number.isInteger)).toBe(true);
});

test('a daemon that keeps exiting is failing, with its own last log lines', async () => {
  const deaths = Array.from({ length: 4 }, () => `${label()} exitcode 1`).join('\n');
  router = running(`service rspamd false ${label()}\n${deaths}`, PORTS);
  const stamp = '2026-11-21 03:57:49.151000000  ';
  router.write(
    '/srv/mailserver/log/current',
    `${stamp}dovecot: all is well\n${stamp}rspamd: cannot \u001b[31mopen it\n`,
  );

  const { status, stdout } = await router.mailctl('status');

  expect(status).toBe(1);
  expect(stdout).toContain('mail.example.com is degraded');
  expect(stdout).toContain('rspamd ended 4 times in the last minute');
  expect(stdout).toContain('rspamd: cannot [31mopen it');
  expect(stdout).toContain('next: mailctl logs 50 --daemon rspamd');
  expect(stdout).not.toContain('all is well');
});

test('a port that is not listening makes it degraded', async () => {
  router = running(`service postfix true ${label()}`, PORTS.slice(1));

  const { status, stdout } = await router.mailctl('status');

  expect(status).toBe(1);
  expect(stdout).toContain('port 25 (smtp) is not listening');
});

test('an invalid UCI file is an error', async () => {
  router = createRouter();
  router.write('/etc/config/mailserver', "config mailserver 'main'\n\toption enabled 'maybe'\n");

  const { status, stderr } = await router.mailctl('status --json');

  expect(status).toBe(78);
  expect(JSON.parse(stderr).error.code).toBe('CONFIG_INVALID');
});

test('an interface without a bridge makes it degraded, with apply as fix', async () => {
  router = running(`service postfix true ${label()}`, PORTS);
  rmSync(join(router.root, 'sys/class/net/veth-tests/master'));

  const { status, stdout } = await router.mailctl('status');

  expect(status).toBe(1);
  expect(stdout).toContain("the container's interface veth-tests is not attached to a bridge");
  expect(stdout).toContain('next: mailctl apply');
});
