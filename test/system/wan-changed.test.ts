// wan-changed against real authoritative servers, with dnsctl and the API of each provider: the address changes,
// foreign records stay, and the last dns-setup can still be undone.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ProviderName, Router } from './dns/router.ts';
import { RESOLVER } from './dns/servers.ts';
import { type DnsWorld, startDnsWorld } from './dns/world.ts';

const PROVIDERS: ProviderName[] = ['cloudflare', 'ovh', 'gandi'];
const FOREIGN = ['@ 300 A 192.0.2.80', 'x 300 TXT "verification=abc"', 'www 300 CNAME @'];
const OWN = 'mail 3600 A 192.0.2.1';
const PROGRAM = join(import.meta.dir, 'dns/addresses.ts');

interface Moving extends Router {
  /** Sets the addresses of the WAN interface. */
  wan(...addresses: string[]): Promise<void>;
  /** Publishes the server's address 192.0.2.1. */
  settle(): Promise<void>;
  state(): Promise<{ moving?: boolean; values: { type: string; value: string }[] }>;
}

let world: DnsWorld;
const folders: string[] = [];

beforeAll(async () => {
  const records = [...FOREIGN, OWN];
  const moved = PROVIDERS.map((name) => `${name}-move.test.`);
  const zones = [...moved, 'six.test.', 'lie.test.', 'hand.test.', 'dry.test.'];
  world = await startDnsWorld({
    ...Object.fromEntries(zones.map((name) => [name, { records }])),
    'undo.test.': { records: FOREIGN },
  });
});
afterAll(async () => {
  await world.down();
  for (const folder of folders) await rm(folder, { recursive: true });
});

async function makeRouter(
  domain: string,
  provider: ProviderName,
  dns: readonly string[] = [],
): Promise<Moving> {
  const bin = await mkdtemp(join(tmpdir(), 'mailctl-wan-'));
  const programs = ['../stand-ins', '../../node_modules/.bin'].map((path) =>
    join(import.meta.dir, path),
  );
  const path = [bin, ...programs, process.env.PATH].join(':');
  const router = await world.router({ domain, provider, env: { PATH: path } });
  folders.push(bin);
  const state = join(router.root, 'srv/mailserver/dns/state.json');
  const uci = [
    ...["config mailserver 'main'", "\toption enabled '1'", `\toption domain '${domain}'`],
    ...["config network 'network'", "\toption address6 'fd00:82::2/64'"],
    ...["config dns 'dns'", `\tlist resolver '${RESOLVER}'`],
    ...[...dns.map((line) => `\t${line}`), ''],
  ];
  await writeFile(join(router.root, 'etc/config/mailserver'), uci.join('\n'));
  return {
    ...router,
    wan: async (...addresses) => {
      const list = (six: boolean) =>
        addresses.filter((one) => one.includes(':') === six).map((address) => ({ address }));
      // As on OpenWrt: DHCPv6 is a separate interface
      const answer = (status: object) => `echo '${JSON.stringify({ up: true, ...status })}' ;;`;
      const script = [
        ...['#!/bin/sh', 'case "$2" in'],
        `network.interface.wan) ${answer({ 'ipv4-address': list(false), 'ipv6-address': [] })}`,
        `network.interface.wan6) ${answer({ 'ipv4-address': [], 'ipv6-address': list(true) })}`,
        ...['*) exit 4 ;;', 'esac', ''],
      ];
      await writeFile(join(bin, 'ubus'), script.join('\n'));
      await chmod(join(bin, 'ubus'), 0o755);
    },
    settle: async () => {
      const value = { type: 'A', value: '192.0.2.1', made: true };
      const values = [{ name: `mail.${domain}`, ...value }];
      await mkdir(dirname(state), { recursive: true });
      await writeFile(state, JSON.stringify({ v: 1, values, last: null }));
      expect((await router.mailctl('wan-changed')).stdout).toBe('nothing to change: 192.0.2.1\n');
    },
    state: async () => JSON.parse(await readFile(state, 'utf8')),
  };
}

async function difference(zone: string, before: readonly string[]) {
  const after = await world.zone(zone);
  return {
    gone: before.filter((line) => !after.includes(line)),
    come: after.filter((line) => !before.includes(line)),
  };
}

test.each(PROVIDERS)(
  'with dnsctl and the API of %s only the address records change',
  async (provider) => {
    const domain = `${provider}-move.test`;
    const router = await makeRouter(domain, provider);
    await router.wan('192.0.2.1');
    await router.settle();
    const before = await world.zone(`${domain}.`);
    await router.wan('192.0.2.7');

    const { status, stdout } = await router.mailctl('wan-changed --wait 30');

    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: `published: mail.${domain} is 192.0.2.7 now\n`,
    });
    expect(await difference(`${domain}.`, before)).toEqual({
      gone: [`mail.${domain}. 3600 IN A 192.0.2.1`],
      come: [`mail.${domain}. 3600 IN A 192.0.2.7`],
    });
    const calls = (await router.calls()).length;
    expect((await router.mailctl('wan-changed')).stdout).toBe('nothing to change: 192.0.2.7\n');
    expect(await router.calls()).toHaveLength(calls);
  },
);

test('a dry run prints the address that it would publish, and makes no changing call', async () => {
  const router = await makeRouter('dry.test', 'ovh');
  await router.wan('192.0.2.1');
  await router.settle();
  const before = await world.zone('dry.test.');
  await router.wan('192.0.2.7');

  const { status, stdout } = await router.mailctl('wan-changed --dry-run');

  expect({ status, stdout }).toEqual({
    status: 0,
    stdout: 'would publish: mail.dry.test is 192.0.2.7 now\n',
  });
  expect(await router.calls()).toEqual([]);
  expect(await world.zone('dry.test.')).toEqual(before);
});

test('after an address change dns-setup is a no-op, and undo still works', async () => {
  const router = await makeRouter('undo.test', 'ovh');
  const untouched = await world.zone('undo.test.');
  await router.wan('192.0.2.1');
  expect((await router.mailctl('dns-setup --yes --wait 30')).status).toBe(0);
  await router.wan('192.0.2.7');
  expect((await router.mailctl('wan-changed --wait 30')).status).toBe(0);

  expect((await router.mailctl('dns-setup --yes')).stdout).toBe('nothing to change\n');
  expect((await router.mailctl('dns-setup --undo --yes --wait 30')).status).toBe(0);

  expect(await world.zone('undo.test.')).toEqual(untouched);
});

test('a new address family is published, and a missing one is removed', async () => {
  const router = await makeRouter('six.test', 'ovh');
  await router.wan('192.0.2.1');
  await router.settle();
  const before = await world.zone('six.test.');
  await router.wan('192.0.2.1', '2001:db8::7');

  expect((await router.mailctl('wan-changed --wait 30')).status).toBe(0);
  expect(await difference('six.test.', before)).toEqual({
    gone: [],
    come: ['mail.six.test. 3600 IN AAAA 2001:db8::7'],
  });
  await router.wan('192.0.2.1');
  expect((await router.run([PROGRAM])).status).toBe(0);

  expect(await world.zone('six.test.')).toEqual(before);
  expect((await router.state()).values.filter(({ type }) => type === 'AAAA')).toEqual([]);
});

test('a dnsctl that reports success without a change is detected, and the next run makes the change', async () => {
  const router = await makeRouter('lie.test', 'cloudflare', ["option provider 'dnsctl'"]);
  await router.wan('192.0.2.1');
  await router.settle();
  await router.wan('192.0.2.7');

  const { status, stderr } = await router.mailctl('wan-changed --wait 2', { DNSCTL_FAULT: 'lie' });

  expect(status).toBe(75);
  expect(stderr).toContain('mail.lie.test A');
  expect((await router.state()).moving).toBe(true);
  expect((await router.mailctl('wan-changed --wait 30')).status).toBe(0);
  expect(await world.zone('lie.test.')).toContain('mail.lie.test. 3600 IN A 192.0.2.7');
  expect(await world.zone('lie.test.')).not.toContain('mail.lie.test. 3600 IN A 192.0.2.1');
  expect((await router.state()).moving).toBeUndefined();
});

test('a foreign address is kept, with the manual change named', async () => {
  const router = await makeRouter('hand.test', 'cloudflare');
  await router.wan('192.0.2.1');
  await router.settle();
  await world.update(
    'hand.test.',
    'update delete mail.hand.test. A',
    'update add mail.hand.test. 300 A 192.0.2.99',
  );
  await router.wan('192.0.2.7');

  const { status, stderr } = await router.mailctl('wan-changed --wait 10');

  expect(status).toBe(1);
  expect(stderr).toContain('remove   mail.hand.test. 300 IN A 192.0.2.99');
  expect(await world.zone('hand.test.')).toContain('mail.hand.test. 300 IN A 192.0.2.99');
});
