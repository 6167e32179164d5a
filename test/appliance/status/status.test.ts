// The state of the appliance, from the output of s6, the kernel and the data folder.

import { afterAll, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { appliancePaths } from '../../../src/appliance/paths.ts';
import { defaultSettings } from '../../../src/appliance/settings/check-settings.ts';
import { parseDaemons, parseTai64n } from '../../../src/appliance/status/daemons.ts';
import { queryPorts } from '../../../src/appliance/status/ports.ts';
import { measureStorage } from '../../../src/appliance/status/storage.ts';
import { createHost } from '../../../src/host/host.ts';

const root = mkdtempSync(join(tmpdir(), 'mailctl-status-'));
const host = createHost({ root, env: {}, say: () => undefined });
afterAll(() => rmSync(root, { recursive: true, force: true }));

// recorded from s6 2.13 at 1795225474
const RECORDED = `service bad false @400000006b00f7a628610a91
@400000006b00f7a1277c982a exitcode 3
@400000006b00f7a227ac7c57 exitcode 3
@400000006b00f7a628610a91 exitcode 3
service good true @400000006b00f7a62712102e
@400000006b00f7a42712102e signal SIGTERM
@400000006b00f7a52712102e signal SIGTERM
@400000006b00f7a62712102e signal SIGTERM
service stopped false @400000006b00f7a12758191b
service unknown 
`;
const RECORDED_AT = new Date(1795225474_000);

test('a TAI64N label is read as seconds of UTC', () => {
  expect(parseTai64n('@400000006b00f7a628610a91')).toBe(1795225473);
});

test('a daemon that ended three times within a minute is failing, one that was restarted is up', () => {
  const daemons = parseDaemons(RECORDED, RECORDED_AT);

  expect(daemons.map(({ name, state }) => `${name} ${state}`)).toEqual([
    'bad failing',
    'good up',
    'stopped down',
    'unknown down',
  ]);
  expect(daemons[0]?.deaths).toBe(3);
  expect(daemons[2]?.since).toEqual(new Date(1795225468_000));
  expect(daemons[3]?.since).toBeNull();
});

test('deaths of more than a minute ago do not count', () => {
  const later = new Date(RECORDED_AT.getTime() + 120_000);

  expect(parseDaemons(RECORDED, later)[0]).toMatchObject({ state: 'down', deaths: 0 });
});

test('a port counts as listening if it is reachable from outside the container', async () => {
  const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt uid\n';
  const line = (address: string, state: string) =>
    `   0: ${address} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000 0 0 1 1\n`;
  const any = '00000000';
  const loopback = '0100007F';
  mkdirSync(join(root, 'proc/77/net'), { recursive: true });
  const tcp = [`${any}:0019 0A`, `${loopback}:024B 0A`, `${any}:01D1 01`].map((text) => {
    const [address = '', state = ''] = text.split(' ');
    return line(address, state);
  });
  writeFileSync(join(root, 'proc/77/net/tcp'), head + tcp.join(''));
  writeFileSync(join(root, 'proc/77/net/tcp6'), head + line(`${'0'.repeat(32)}:03E1`, '0A'));

  const ports = await queryPorts(host, defaultSettings(), 77);

  const listening = ports.filter((port) => port.listening).map(({ name }) => name);
  expect(listening).toEqual(['smtp', 'imaps']);
  expect(ports).toHaveLength(8);
});

test('no port is listening while there is no container', async () => {
  const ports = await queryPorts(host, defaultSettings(), null);

  expect(ports.some(({ listening }) => listening)).toBe(false);
});

test('stored bytes come from the names of messages, and links are not followed', async () => {
  const paths = appliancePaths(defaultSettings());
  const folder = join(root, paths.mail, 'example.com/alice/cur');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, '1.M1P1.mail,S=5000,W=5100:2,S'), 'short');
  writeFileSync(join(folder, '2.M1P1.mail:2,S'), 'x'.repeat(70));
  symlinkSync('/usr', join(root, paths.mail, 'elsewhere'));

  const all = await measureStorage(host, paths, null);
  const inNoTime = await measureStorage(host, paths, -1);

  expect(all).toMatchObject({ bytes: 5070, complete: true });
  expect(inNoTime.complete).toBe(false);
});
