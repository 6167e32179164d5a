// The value that identifies this machine in its LAN.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createHost } from '../../src/host/host.ts';
import { queryMachineId } from '../../src/host/machine.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mailctl-machine-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const write = (path: string, text: string) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};
const query = () => queryMachineId(createHost({ root, env: {}, say: () => undefined }));

test('with systemd, the machine id identifies the machine', async () => {
  write('/etc/machine-id', 'b08dfa6083e7567a1921a715000001fb\n');
  expect(await query()).toBe('b08dfa6083e7567a1921a715000001fb');
});

test('on a router, the hardware address of the first physical interface does', async () => {
  write('/sys/class/net/br-lan/address', '02:00:00:00:00:99\n');
  for (const [name, last] of Object.entries({ eth0: '01', eth1: '02' })) {
    write(`/sys/class/net/${name}/address`, `d8:58:d7:00:00:${last}\n`);
    write(`/sys/class/net/${name}/device/uevent`, '');
  }
  expect(await query()).toBe('d8:58:d7:00:00:01');
});

test('without either, the host name does', async () => {
  write('/proc/sys/kernel/hostname', 'router\n');
  expect(await query()).toBe('router');
});
