// mailctl install --service on hosts that it is not for, and uninstall with a unit; systemctl is a stand-in.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInstalledRouter, type InstalledRouter } from './installed.ts';

const UNIT = '/etc/systemd/system/mailserver-router-of-tests.service';

let host: InstalledRouter;
beforeEach(() => {
  host = createInstalledRouter('');
  host.write('/calls', '');
  const uci = readFileSync(join(host.root, '/etc/config/mailserver'), 'utf8');
  host.write('/etc/config/own', uci.replace('example.com', 'mail.test'));
  host.write('/bin/systemctl', `#!/bin/sh\necho "$*" >>${host.root}/calls\n`, 0o755);
});
afterEach(() => host.remove());

const calls = () => readFileSync(join(host.root, 'calls'), 'utf8').trim().split('\n');

test.each([
  ['OpenWrt', '/etc/openwrt_release', 69, '/etc/init.d/mailserver enable'],
  ['a host without systemd', '/etc/debian_version', 69, 'let your service manager run'],
  ['a program that runs from its source', '/run/systemd/system/x', 64, 'npm run build'],
])('install --service refuses %s before any change', async (_, file, expected, hint) => {
  host.write(file, '');

  const { status, stderr } = await host.mailctl('install --service --config /etc/config/own');

  expect(status).toBe(expected);
  expect(stderr).toContain(hint);
  expect(existsSync(join(host.root, UNIT))).toBe(false);
  expect(calls()).toEqual(['']);
});

test('install --service refuses a unit of that name that mailctl did not write', async () => {
  host.write('/run/systemd/system/x', '');
  host.write(UNIT, '[Unit]\n');

  const { status, stderr } = await host.mailctl('install --service --config /etc/config/own');

  expect(status).toBe(69);
  expect(stderr).toContain(`${UNIT} exists, and mailctl did not write it`);
});

test('uninstall stops the unit before it takes the lock, then removes it', async () => {
  host.write('/run/systemd/system/x', '');
  host.write(UNIT, '# Written by mailctl install --service\n');

  const { status, stderr } = await host.mailctl('uninstall');

  expect(status).toBe(0);
  expect(stderr).toContain('to undo: mailctl install --service');
  expect(existsSync(join(host.root, UNIT))).toBe(false);
  const name = 'mailserver-router-of-tests.service';
  expect(calls()).toEqual([`stop ${name}`, `--quiet disable ${name}`, 'daemon-reload']);
});

test('a unit that mailctl did not write stays', async () => {
  host.write('/run/systemd/system/x', '');
  host.write(UNIT, '[Unit]\n');

  expect((await host.mailctl('uninstall')).status).toBe(0);

  expect(existsSync(join(host.root, UNIT))).toBe(true);
  expect(calls()).toEqual(['']);
});
