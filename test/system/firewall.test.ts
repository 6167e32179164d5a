// A router as OpenWrt makes it, with the rulesets of a real fw4 and a real dnsmasq: who reaches the mail server, under
// which address, and through which ports.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import {
  CONTAINER,
  delegate,
  ENV,
  LAN6,
  makeOpenWrt,
  NEXT_LAN6,
  onRouter,
  SECTIONS,
} from './firewall/openwrt.ts';
import type { Appliance } from './lab/appliance.ts';
import { type Lab, PASSWORD, settled, startLab } from './lab/lab.ts';
import { NETWORK } from './lab/plan.ts';
import { waitFor } from './lab/programs.ts';

const NAME = 'mail.example.test';
const ATTACKER = '203.0.113.66';
const OPEN = '25 465 587 993';
const SCAN = join(import.meta.dir, 'firewall/scan.py');

let lab: Lab;
let box: Appliance;

beforeAll(async () => {
  lab = await startLab();
  await makeOpenWrt(lab);
  const network = { bridge: 'br-lan', address: `${CONTAINER}/24`, address6: '::25/64' };
  box = await lab.prepare({ features: { greylist: 0 }, network });
  await box.does('install', { env: ENV });
  await box.does('user add alice@example.test --password-stdin', { stdin: PASSWORD });
}, 300_000);

afterAll(() => lab?.down());

/** The ports that the container listens on, on any address, and the privileged ones that services have. */
async function portsToScan(): Promise<string[]> {
  const { stdout } = await box.inside(['cat', '/proc/net/tcp', '/proc/net/tcp6']);
  // state 0A: listening
  const listening = [...stdout.matchAll(/:([0-9A-F]{4}) 0+:0000 0A /g)].map(([, port = '']) =>
    Number.parseInt(port, 16),
  );
  expect(listening).toContain(4190);
  const privileged = Array.from({ length: 150 }, (_, port) => port + 1);
  return [...new Set([...listening, ...privileged, 443, 853])].map(String);
}

/** The open ones of them, for a stranger. */
const scan = async (address: string) =>
  (await lab.wan.run(['python3', SCAN, address, ...(await portsToScan())])).stdout.trim();

/** The address that Postfix logs for a connection to port 25. */
async function loggedClient(connect: () => Promise<{ close(): void }>): Promise<string> {
  const before = (await box.log()).length;
  (await connect()).close();
  return waitFor('the connection in the log', async () => {
    const fresh = (await box.log()).slice(before);
    return /smtpd\[\d+\]: connect from \S*\[([0-9a-f.:]+)\]/.exec(fresh)?.[1];
  });
}

const strangerOn4 = () => loggedClient(() => lab.wan.smtp({ from: NETWORK.stranger }));
const strangerOn6 = (prefix = LAN6) =>
  loggedClient(() => lab.wan.smtp({ host: `${prefix}::25`, from: NETWORK.stranger6 }));

/** The answer of the LAN's resolver to a LAN client. */
async function lookUp(type: 'A' | 'AAAA'): Promise<string> {
  const words = ['dig', '+short', `@${NETWORK.router.lan}`, NAME, type];
  return (await lab.lan.run(words)).stdout.trim();
}

const doctor = async () => {
  const { stdout } = await box.mailctl('doctor --only firewall --json', { env: ENV });
  const { checks } = JSON.parse(stdout) as { checks: { id: string; severity: string }[] };
  return Object.fromEntries(checks.map(({ id, severity }) => [id, severity]));
};

test('before firewall-setup the server is not reachable from the WAN, and doctor says so', async () => {
  expect(await scan(NETWORK.router.wan)).toBe('');
  expect(await scan(`${LAN6}::25`)).toBe('');
  expect(await doctor()).toMatchObject({ 'firewall.sections': 'warning' });
}, 120_000);

describe('after firewall-setup', () => {
  beforeAll(async () => {
    await box.does('firewall-setup', { env: ENV });
    await settled(box, lab.wan);
  }, 120_000);

  test('doctor finds sections, rules and names in order', async () => {
    expect(await doctor()).toEqual({
      'firewall.sections': 'ok',
      'firewall.rules': 'ok',
      'firewall.names': 'ok',
    });
  }, 60_000);

  test('the address of a stranger arrives unchanged in the log', async () => {
    expect(await strangerOn4()).toBe(NETWORK.stranger);
    expect(await strangerOn6()).toBe(NETWORK.stranger6);
  }, 60_000);

  test('a LAN client by the name goes to the container directly, with its own address', async () => {
    expect([await lookUp('A'), await lookUp('AAAA')]).toEqual([CONTAINER, `${LAN6}::25`]);
    const host = await lookUp('A');

    expect(await loggedClient(() => lab.lan.smtp({ host }))).toBe(NETWORK.lan.address);
  }, 60_000);

  test('nothing but the four services is open, also after a reload', async () => {
    expect(await scan(NETWORK.router.wan)).toBe(OPEN);
    expect(await scan(`${LAN6}::25`)).toBe(OPEN);
    expect(await scan(`${LAN6}::10`)).toBe('');

    await onRouter(lab, '/etc/init.d/firewall reload');

    expect(await scan(NETWORK.router.wan)).toBe(OPEN);
    expect(await scan(`${LAN6}::25`)).toBe(OPEN);
    expect(await strangerOn4()).toBe(NETWORK.stranger);
    expect(await strangerOn6()).toBe(NETWORK.stranger6);
  }, 180_000);
});

describe('an address that fail2ban bans', () => {
  const banned = () => onRouter(lab, `nft list set inet fw4 ${SECTIONS}banned`);

  test('is dropped by the router, and lifted with the ban', async () => {
    await box.inside(['fail2ban-client', 'set', 'mail-login', 'banip', ATTACKER, '192.168.77.10']);

    await box.does('fail2ban sync', { env: ENV });

    expect(await banned()).toContain(ATTACKER);
    expect(await banned()).not.toContain('192.168.77.10');
    const chain = await onRouter(lab, 'nft list chain inet fw4 forward_wan');
    expect(chain).toContain(`ip daddr ${CONTAINER} counter packets 0`);
    const knock = `import socket; socket.create_connection(("${NETWORK.router.wan}", 25), 2, ("${ATTACKER}", 0))`;
    expect((await lab.wan.run(['python3', '-c', knock])).stderr).toContain('timed out');
    expect(await onRouter(lab, 'nft list chain inet fw4 forward_wan')).not.toContain(
      `ip daddr ${CONTAINER} counter packets 0`,
    );
    expect(await strangerOn4()).toBe(NETWORK.stranger);

    await box.does(`fail2ban unban ${ATTACKER}`, { env: ENV });

    expect(await banned()).not.toContain(ATTACKER);
    expect((await lab.wan.smtp({ from: ATTACKER })).greeting.code).toBe(220);
  }, 120_000);
});

describe('a new delegated prefix', () => {
  test('is followed by the container and by the name on the LAN', async () => {
    await delegate(NEXT_LAN6);
    await onRouter(
      lab,
      `ip addr del ${LAN6}::1/64 dev br-lan; ip addr add ${NEXT_LAN6}::1/64 dev br-lan nodad`,
    );

    const { stderr } = await box.mailctl('wan-changed', { env: ENV });

    expect(stderr).toContain(`the container has the address ${NEXT_LAN6}::25 now`);
    expect(await lookUp('AAAA')).toBe(`${NEXT_LAN6}::25`);
    expect(await strangerOn6(NEXT_LAN6)).toBe(NETWORK.stranger6);
    expect((await box.mailctl('wan-changed', { env: ENV })).stderr).not.toContain(
      'has the address',
    );
  }, 120_000);
});

test('firewall-clear closes the ports and removes the names', async () => {
  await box.does('firewall-clear', { env: ENV });

  expect(await scan(NETWORK.router.wan)).toBe('');
  expect(await lookUp('A')).not.toBe(CONTAINER);
}, 60_000);

test('install --firewall opens the ports of an installed server, and uninstall leaves nothing', async () => {
  await box.does('install --firewall', { env: ENV });
  expect(await scan(NETWORK.router.wan)).toBe(OPEN);

  await box.does('uninstall', { env: ENV });

  const files = await onRouter(lab, 'cat /etc/config/firewall /etc/config/dhcp');
  expect(files).not.toContain(SECTIONS);
}, 120_000);
