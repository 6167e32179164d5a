// dns-check and single values against real servers: signed zones, a validating resolver, a blocklist.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readRecordFacts } from '../../src/appliance/dns/facts.ts';
import { appliancePaths } from '../../src/appliance/paths.ts';
import { checkSettings } from '../../src/appliance/settings/check-settings.ts';
import { createHost } from '../../src/host/host.ts';
import type { Router } from './dns/router.ts';
import { type DnsWorld, startDnsWorld } from './dns/world.ts';
import { makeCertificate } from './lab/certificate.ts';

interface Finding {
  id: string;
  subject: string;
  verdict: string;
  message: string;
  fix: string | null;
}

let world: DnsWorld;

const includes = Array.from(
  { length: 11 },
  (_, index) => `s${index} 300 TXT "v=spf1 include:s${index + 1}.deep.test -all"`,
);

beforeAll(async () => {
  world = await startDnsWorld({
    'good.test.': { signed: true, records: [] },
    'plain.test.': { records: ['www 300 A 192.0.2.80'] },
    'split.test.': { records: ['@ 300 MX 5 a.test.'], elsewhere: ['@ 300 MX 6 b.test.'] },
    'deep.test.': { records: ['@ 300 TXT "v=spf1 include:s0.deep.test ~all"', ...includes] },
    'values.test.': { records: ['_acme-challenge.mail 300 TXT "theirs"'] },
    '2.0.192.in-addr.arpa.': {
      records: ['25 300 PTR mail.good.test.', '26 300 PTR nowhere.plain.test.'],
    },
    'list.test.': {
      records: [
        '2.0.0.127 300 A 127.0.0.2',
        '26.2.0.192 300 A 127.0.0.4',
        '26.2.0.192 300 TXT "see https://list.test/26"',
        '27.2.0.192 300 A 127.255.255.254',
      ],
    },
    'dead.test.': { records: [] },
    'hijacked.test.': { records: ['* 300 A 203.0.113.9'] },
  });
});

afterAll(() => world.down());

async function findings(router: Router): Promise<Finding[]> {
  const { stdout, stderr } = await router.mailctl('dns-check --json');
  expect(stderr).toBe('');
  return (JSON.parse(stdout) as { findings: Finding[] }).findings;
}

const pick = (all: Finding[], id: string) =>
  all.filter((one) => one.id === id).map(({ verdict, message }) => `${verdict}: ${message}`);

async function serveCertificate(router: Router): Promise<void> {
  const folder = join(router.root, 'srv/mailserver/ssl');
  await mkdir(folder, { recursive: true });
  const { certificate } = await makeCertificate(folder, ['mail.good.test']);
  await writeFile(join(folder, 'fullchain.pem'), await Bun.file(certificate).text());
}

test('in a signed zone every check passes after dns-setup, including DANE', async () => {
  const router = await world.router({ domain: 'good.test' });
  await serveCertificate(router);
  expect((await router.mailctl('dns-setup --yes --wait 40')).status).toBe(0);

  const { status, stdout } = await router.mailctl('dns-check');

  expect(stdout).toContain('right   _25._tcp.mail.good.test TLSA: as wanted');
  expect(stdout).toContain('right   good.test: signed, with a DS record in the parent zone');
  expect(stdout).toContain('mail.good.test and 192.0.2.25 resolve to each other');
  expect(stdout).toContain('right   good.test SPF: 2 DNS lookups of 10 allowed');
  expect(stdout).toContain(
    'unknown port 25 inwards: inconclusive: the log shows no recent connection',
  );
  expect(stdout).not.toMatch(/^(wrong|missing)/m);
  expect(status).toBe(0);
});

test('a missing record is named with its value and the command that publishes it', async () => {
  const router = await world.router({ domain: 'plain.test' });

  const all = await findings(router);

  expect(pick(all, 'record.mx')).toEqual(['missing: 10 mail.plain.test. is not published']);
  expect(all.find(({ id }) => id === 'record.mx')?.fix).toBe('mailctl dns-setup');
  expect(pick(all, 'record.dane')).toEqual([]);
  expect(pick(all, 'dnssec')[0]).toStartWith('advice: not signed (DNSSEC)');
  expect(all.filter(({ id }) => id === 'silent-name').map(({ subject }) => subject)).toEqual([
    'www.plain.test',
    'mail.plain.test',
  ]);
});

test('dns-check does not put a missing record into the negative cache of the resolver', async () => {
  const router = await world.router({ domain: 'plain.test' });
  await findings(router);
  const setup = await router.mailctl('dns-setup --yes --wait 30');
  expect(setup.status).toBe(0);

  const { stdout } = await world.run(['kdig', '@127.53.0.9', '+short', 'mail.plain.test', 'A']);

  expect(stdout).toBe('192.0.2.25\n');
});

test('a negatively cached record is distinguished from a missing record', async () => {
  const router = await world.router({ domain: 'values.test' });
  await world.run(['kdig', '@127.53.0.9', '_dmarc.values.test', 'TXT']);
  expect((await router.mailctl('dns-setup --yes --wait 30')).status).toBe(0);

  const all = await findings(router);

  expect(pick(all, 'record.dmarc')).toEqual(['right: as wanted']);
  expect(pick(all, 'resolver')[0]).toMatch(
    /^unknown: inconclusive: the resolver still caches that the record does not exist, for at most \d+ s$/,
  );
});

test('servers with different answers are a fault of their own', async () => {
  const router = await world.router({ domain: 'split.test' });

  const [mx] = pick(await findings(router), 'record.mx');

  expect(mx).toContain('wrong: the servers of split.test do not agree on split.test MX');
  expect(mx).toContain('ns1.nic.test has 5 a.test.; ns2.nic.test has 6 b.test.');
});

test('an SPF record with more than ten DNS lookups is wrong', async () => {
  const router = await world.router({ domain: 'deep.test' });

  const [count] = pick(await findings(router), 'spf.lookups');

  expect(count).toContain('wrong: 12 DNS lookups of 10 allowed (RFC 7208 4.6.4)');
});

test('listed, refused, dead and hijacked blocklists are distinguished', async () => {
  const lists = ['list', 'dead', 'hijacked'].map((name) => `list blocklists '${name}.test'`);
  const dns = ["list public_address '192.0.2.26'", ...lists];
  const router = await world.router({ domain: 'plain.test', dns });

  const all = await findings(router);

  expect(pick(all, 'blocklist')).toEqual([
    'wrong: 192.0.2.26 is listed (127.0.0.4): see https://list.test/26',
    'unknown: inconclusive: dead.test does not list its test entry 127.0.0.2: not a blocklist, or shut down',
    'unknown: inconclusive: hijacked.test answers 203.0.113.9, which is not a blocklist answer (RFC 5782 2.1)',
  ]);
  expect(pick(all, 'ptr')).toEqual(['wrong: nowhere.plain.test. does not resolve to 192.0.2.26']);
  await router.configure(["list public_address '192.0.2.27'", "list blocklists 'list.test'"]);
  const [refused] = pick(await findings(router), 'blocklist');
  expect(refused).toStartWith('unknown: inconclusive: list.test refuses this');
});

test('a private address is explained, and the other checks still run', async () => {
  const dns = ["list public_address '100.72.1.2'"];
  const router = await world.router({ domain: 'plain.test', dns });

  const all = await findings(router);

  expect(pick(all, 'address')[0]).toContain('CGNAT, RFC 6598');
  expect(pick(all, 'record.mx')).toHaveLength(1);
  const setup = await router.mailctl('dns-setup --yes');
  expect(setup.status).toBe(69);
  expect(setup.stderr).toContain('no public address is known: 100.72.1.2');
});

test('a resolver that does not answer is one error message', async () => {
  const router = await world.router({ domain: 'plain.test' });
  await router.configure(["list public_address '192.0.2.25'", "list resolver '127.53.0.77'"]);
  const text = await Bun.file(join(router.root, 'etc/config/mailserver')).text();
  const alone = text.replace("\tlist resolver '127.53.0.9'\n", '');
  await writeFile(join(router.root, 'etc/config/mailserver'), alone);

  const { status, stderr } = await router.mailctl('dns-setup --yes');

  expect(status).toBe(75);
  expect(stderr).toContain('error: no resolver answers (127.53.0.77)');
});

test.each(['cloudflare', 'ovh', 'gandi'] as const)(
  'at %s a value is added and removed beside foreign values',
  async (provider) => {
    const router = await world.router({ domain: 'values.test', provider });
    const name = '_acme-challenge.mail.values.test';

    expect(await value(router, 'publish', name, 'one')).toEqual([0, '']);
    expect(await value(router, 'publish', name, 'two')).toEqual([0, '']);
    expect(await value(router, 'publish', name, 'two')).toEqual([0, '']);
    expect(await texts(name)).toEqual(['"one"', '"theirs"', '"two"']);
    expect(await value(router, 'remove', name, 'one')).toEqual([0, '']);
    expect(await texts(name)).toEqual(['"theirs"', '"two"']);
    expect(await value(router, 'remove', name, 'two')).toEqual([0, '']);
    expect(await texts(name)).toEqual(['"theirs"']);
  },
);

test.each(['cloudflare', 'ovh', 'gandi'] as const)(
  'at %s a single value is added and removed',
  async (provider) => {
    const router = await world.router({ domain: 'values.test', provider });
    const name = `_acme-challenge.${provider}.values.test`;

    expect(await value(router, 'publish', name, 'alone')).toEqual([0, '']);
    expect(await texts(name)).toEqual(['"alone"']);
    expect(await value(router, 'remove', name, 'alone')).toEqual([0, '']);
    expect(await texts(name)).toEqual([]);
    expect(await value(router, 'remove', name, 'alone')).toEqual([0, '']);
  },
);

async function texts(name: string): Promise<string[]> {
  const { stdout } = await world.run(['kdig', '@127.53.0.2', '+short', '+norec', name, 'TXT']);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .sort();
}

/** Publishes or removes a TXT value on the router; the exit status and the message of its error. */
async function value(router: Router, verb: 'publish' | 'remove', name: string, text: string) {
  const program = join(import.meta.dir, 'dns/value.ts');
  const { status, stderr } = await router.run([program, verb, name, text]);
  return [status, stderr.trim()] as const;
}

test('a router without an address still has its other facts', async () => {
  const router = await world.router({ domain: 'plain.test', dns: [] });
  const text = await Bun.file(join(router.root, 'etc/config/mailserver')).text();
  const { settings } = checkSettings(text, 'mailserver');
  if (settings === null) throw new Error('the UCI file has problems');
  const host = createHost({ root: router.root, env: { PATH: '/nowhere' }, say: () => undefined });

  const target = { settings, paths: appliancePaths(settings) };
  const { addresses } = await readRecordFacts(host, target, []);

  expect(addresses.unfit).toEqual(['the WAN address is unknown: this host has no ubus']);
});
