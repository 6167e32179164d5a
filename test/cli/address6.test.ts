// IPv6 of a container on the router's own bridge: only an address of the container is published, and a suffix follows
// the prefix of the bridge.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { createInstalledRouter, type InstalledRouter } from './installed.ts';

const OLD = '2001:db8:1::1/64';
const NEW = '2001:db8:2::1/64';
const ULA = 'fd00:1::1/60';

let router: InstalledRouter;

/** IPv6 addresses of the bridge, as `ip -o` prints them. */
function bridge(...lines: string[]): void {
  const six = lines.map((line) => `3: br-lan    inet6 ${line} scope global`).join('\n');
  router.write(
    '/bin/ip',
    `#!/bin/sh\ncase "$*" in\n*'-4 addr'*) echo '3: br-lan    inet 192.168.1.1/24 scope global br-lan' ;;\n*'-6 addr'*) echo '${six}' ;;\nesac\n`,
    0o755,
  );
}

function configure(address6: string): void {
  const network = `config network 'network'\n\toption address '192.168.1.25/24'\n\toption address6 '${address6}'\n`;
  const main = `config mailserver 'main'\n\toption enabled '1'\n\toption domain 'example.com'\n\toption container 'router-of-tests'\n\toption lxc_path '/srv/lxc'\n`;
  router.write('/etc/config/mailserver', main + network);
}

/** The addresses of the zone fragment. */
async function published(): Promise<string[]> {
  const { status, stdout, stderr } = await router.mailctl('dns-setup --zone');
  expect({ status, stderr }).toMatchObject({ status: 0 });
  return [...stdout.matchAll(/\s(A|AAAA)\s+(\S+)$/gm)].map(([, type, value]) => `${type} ${value}`);
}

beforeEach(() => {
  router = createInstalledRouter('');
  router.write('/sys/class/net/br-lan/bridge/x', '');
  const wan = { up: true, 'ipv4-address': [{ address: '192.0.2.1' }] };
  const wan6 = { up: true, 'ipv6-address': [{ address: '2001:db8:ff::2' }] };
  router.write(
    '/bin/ubus',
    `#!/bin/sh\ncase "$2" in\n*.wan) echo '${JSON.stringify(wan)}' ;;\n*) echo '${JSON.stringify(wan6)}' ;;\nesac\n`,
    0o755,
  );
  bridge(ULA, OLD);
});
afterEach(() => router.remove());

test('a ULA of the container is no reason to publish the address of the router', async () => {
  configure('fd00:1::25/64');

  expect(await published()).toEqual(['A 192.0.2.1']);
});

test("the container's own public address is published", async () => {
  configure('2001:db8:1::25/64');

  expect(await published()).toEqual(['A 192.0.2.1', 'AAAA 2001:db8:1::25']);
});

test.each([
  ['the delegated prefix', [ULA, OLD], ['A 192.0.2.1', 'AAAA 2001:db8:1::25']],
  [
    'the new prefix while the old one is deprecated',
    [`${OLD} deprecated`, NEW],
    ['A 192.0.2.1', 'AAAA 2001:db8:2::25'],
  ],
  ['no prefix but a ULA', [ULA], ['A 192.0.2.1']],
  ['no prefix', [], ['A 192.0.2.1']],
])('a suffix gets %s', async (_, addresses, expected) => {
  bridge(...addresses);
  configure('::25/64');

  expect(await published()).toEqual(expected);
});

test('a suffix needs the prefix length 64', async () => {
  configure('::25/60');

  const { status, stdout } = await router.mailctl('config check');

  expect(status).toBe(78);
  expect(stdout).toContain('address6 ::25/60 is a suffix, which requires the prefix length 64');
});

/** The container runs with this address. */
function inUse(address6: string | null): void {
  const network = {
    ...{ bridge: 'br-lan', makeBridge: false, address: '192.168.1.25/24', gateway: '192.168.1.1' },
    ...{ address6, gateway6: address6 && '2001:db8:1::1', publish: 'all', ports: [] },
  };
  const part = { lxcConfig: '', seccomp: '', network, image: 'x', inputs: {} };
  router.write('/srv/mailserver/rendered/current/host.json', JSON.stringify(part));
}

test.each([
  [
    'a new prefix',
    '2001:db8:1::25/64',
    [NEW],
    'would give the container the address 2001:db8:2::25\n',
  ],
  ['a first prefix', null, [NEW], 'would give the container the address 2001:db8:2::25\n'],
  ['the same prefix', '2001:db8:1::25/64', [ULA, OLD], null],
  ['a lost prefix', '2001:db8:1::25/64', [ULA], null],
])('wan-changed follows %s', async (_, present, addresses, expected) => {
  configure('::25/64');
  inUse(present);
  bridge(...addresses);

  const { status, stdout } = await router.mailctl('wan-changed --dry-run');

  expect(status).toBe(0);
  if (expected === null) expect(stdout).toStartWith('would change nothing\n');
  else expect(stdout).toStartWith(expected);
});

test('only the address that the container has is published, not the one that UCI names', async () => {
  configure('2001:db8:1::99/64');
  inUse('2001:db8:1::25/64');

  expect(await published()).toEqual(['A 192.0.2.1', 'AAAA 2001:db8:1::25']);
});
