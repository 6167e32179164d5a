// dns-setup with dnsctl alone: it lists the impossible changes before any request and publishes the others.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProviderName, Router } from './dns/router.ts';
import { type DnsWorld, startDnsWorld } from './dns/world.ts';
import type { Finished } from './lab/programs.ts';

const FOREIGN = [
  '@ 300 TXT "google-site-verification=abcdef"',
  '@ 300 TXT "v=spf1 include:_spf.elsewhere.test -all"',
  '_sip._tls 300 SRV 100 1 443 sip.elsewhere.test.',
];
const OWN_SPF = '@ 300 TXT "v=spf1 include:_spf.elsewhere.test -all"';
const PROVIDERS: ProviderName[] = ['cloudflare', 'ovh', 'gandi'];
const SETUP = 'dns-setup --yes --wait 30';
/** Time limit. */
const LISTED_WITHIN_MS = 10_000;

let world: DnsWorld;
/** Tests that mostly wait; they run in parallel. */
let fixing: Promise<Finished>;

beforeAll(async () => {
  const zones = PROVIDERS.flatMap((name) => [
    [`${name}-full.test.`, { records: FOREIGN }],
    [`${name}-empty.test.`, { records: [] }],
    [`${name}-refuse.test.`, { records: [] }],
    [`${name}-denied.test.`, { records: [] }],
    [`${name}-lie.test.`, { records: [] }],
  ]);
  const own = { records: [OWN_SPF] };
  world = await startDnsWorld({
    ...Object.fromEntries(zones),
    ...{ 'half.test.': own, 'mend.test.': own },
  });
  const fixer = await newRouter('mend.test', 'cloudflare');
  fixing = fixer.mailctl('dns-setup --yes --wait 40', { DNSCTL_FAULT: 'half' });
}, 60_000);

afterAll(() => world.down());

function newRouter(domain: string, provider: ProviderName): Promise<Router> {
  const dns = ["list public_address '192.0.2.25'", "option provider 'dnsctl'"];
  return world.router({ domain, provider, dns });
}

async function difference(zone: string, before: readonly string[]) {
  const after = await world.zone(zone);
  return {
    gone: before.filter((line) => !after.includes(line)),
    come: after.filter((line) => !before.includes(line)),
  };
}

/** The manual changes in a zone with foreign records. */
const LEFT: Record<ProviderName, readonly string[]> = {
  cloudflare: [
    'at cloudflare, dnsctl cannot publish CAA records; by hand:',
    'at cloudflare, dnsctl cannot publish MX records; by hand:',
    'at cloudflare, dnsctl rm deletes the first record that it finds, perhaps a foreign one; by hand:',
    'at cloudflare, dnsctl cannot publish SRV records; by hand:',
  ],
  ovh: ['at ovh, dnsctl does not find records at the apex of a zone; by hand:'],
  gandi: ['at gandi, dnsctl can only replace the whole record set by a single value; by hand:'],
};

describe.each(PROVIDERS)('at %s', (provider) => {
  let full: Router;

  beforeAll(async () => {
    full = await newRouter(`${provider}-full.test`, provider);
  });

  test('impossible changes are listed with their records within 10 s, before any request', async () => {
    const router = full;
    const begin = performance.now();

    const { status, stdout } = await router.mailctl('dns-setup --dry-run');

    const took = performance.now() - begin;
    expect(took, `listed after ${Math.round(took)} ms`).toBeLessThan(LISTED_WITHIN_MS);
    expect(status).toBe(1);
    for (const reason of LEFT[provider]) expect(stdout).toContain(reason);
    expect(stdout).toContain(
      `publish  ${provider}-full.test. 300 IN TXT "v=spf1 include:_spf.elsewhere.test mx a:mail.${provider}-full.test -all"`,
    );
    expect((await router.calls()).map(([verb]) => verb)).toEqual(['test']);
  });

  test('the other records are published, and foreign records stay byte for byte', async () => {
    const domain = `${provider}-full.test`;
    const router = full;
    const before = await world.zone(`${domain}.`);

    const { status, stderr } = await router.mailctl(SETUP);

    expect(status).toBe(1);
    const sent = stderr.indexOf('publishing ');
    for (const reason of LEFT[provider]) {
      expect(stderr.indexOf(reason)).toBeGreaterThanOrEqual(0);
      expect(stderr.indexOf(reason)).toBeLessThan(sent);
    }
    const { gone, come } = await difference(`${domain}.`, before);
    expect(gone).toEqual([]);
    expect(come).toContain(`mail.${domain}. 3600 IN A 192.0.2.25`);
    const hasMx = come.includes(`${domain}. 3600 IN MX 10 mail.${domain}.`);
    expect(hasMx).toBe(provider !== 'cloudflare');
  });

  test('after the manual changes dns-setup is a no-op', async () => {
    const domain = `${provider}-full.test`;
    const router = full;
    const { stdout } = await router.mailctl('dns-setup --dry-run --json');
    const { by_hand } = JSON.parse(stdout) as { by_hand: { by_hand: string[] }[] };
    const lines = by_hand.flatMap((one) => one.by_hand).filter((line) => !line.startsWith('keep'));
    await world.update(
      `${domain}.`,
      ...lines.map((line) =>
        line.startsWith('remove')
          ? line.replace(/^remove +(\S+) \d+ IN (.*)$/, 'update delete $1 IN $2')
          : line.replace(/^publish +/, 'update add '),
      ),
    );

    expect(await router.mailctl(SETUP)).toMatchObject({ status: 0, stdout: 'nothing to change\n' });
  });

  test('undo removes the published records, and lists those that it cannot until they are removed', async () => {
    const domain = `${provider}-empty.test`;
    const router = await newRouter(domain, provider);
    const before = await world.zone(`${domain}.`);
    await router.mailctl(SETUP);

    const undone = await router.mailctl('dns-setup --undo --yes --wait 30');

    const { gone, come } = await difference(`${domain}.`, before);
    expect(gone).toEqual([]);
    // dnsctl cannot find a record at the apex to remove it
    const left = provider === 'ovh' ? [' MX ', ' TXT '] : [];
    expect(come).toHaveLength(left.length);
    expect(undone.status).toBe(left.length > 0 ? 1 : 0);
    for (const line of come) expect(undone.stdout).toContain(line.replace(/ IN .*/, ''));
    if (come.length === 0) return;
    await world.update(
      `${domain}.`,
      ...come.map((line) => `update delete ${line.replace(' 3600 IN', ' IN')}`),
    );
    expect((await router.mailctl('dns-setup --undo --yes')).status).toBe(0);
  });

  test('a refusal ends the wait at once, is quoted, and all records are listed', async () => {
    const router = await newRouter(`${provider}-refuse.test`, provider);
    const begin = performance.now();

    const { status, stderr } = await router.mailctl('dns-setup --yes --wait 120', {
      DNSCTL_FAULT: 'refuse',
    });

    const took = performance.now() - begin;
    expect(took, `ended after ${Math.round(took)} ms`).toBeLessThan(60_000);
    expect(status).toBe(69);
    expect(stderr).toContain(`mail.${provider}-refuse.test A: dnsctl: not today`);
    expect(stderr).toContain(`publish  mail.${provider}-refuse.test. 3600 IN A 192.0.2.25`);
  });

  test('wrong credentials are one message, within seconds, without the credentials', async () => {
    const router = await newRouter(`${provider}-denied.test`, provider);
    const file = join(router.root, 'etc/config/dns-provider');
    const secrets = Object.entries(router.credentials)
      .filter(([name]) => !['endpoint', 'zone_id'].includes(name))
      .map(([, value]) => `${value}x`);
    const text = await Bun.file(file).text();
    const wrong = secrets.reduce((all, secret) => all.replace(secret.slice(0, -1), secret), text);
    await writeFile(file, wrong);

    const { status, stdout, stderr } = await router.mailctl('dns-setup --yes --json --debug');

    expect(status).toBe(69);
    expect(stderr).toContain('dnsctl test: the provider does not accept the credentials: ');
    for (const secret of secrets) expect(stdout + stderr).not.toContain(secret);
    expect((await router.calls()).map(([verb]) => verb)).toEqual(['test']);
  });

  test('a dnsctl that reports success without a change is detected, with status 75', async () => {
    const router = await newRouter(`${provider}-lie.test`, provider);

    const { status, stderr } = await router.mailctl('dns-setup --yes --wait 2', {
      DNSCTL_FAULT: 'lie',
    });

    expect(status).toBe(75);
    expect(stderr).toContain('visible at 0 of 2 servers');
    expect(stderr).toContain('the last output of dnsctl was: ');
  });
});

test('an update that fails between its removal and its addition loses no SPF record', async () => {
  const router = await newRouter('half.test', 'cloudflare');
  const texts = async () =>
    (await world.zone('half.test.')).filter((line) => line.includes('v=spf1'));

  const half = await router.mailctl('dns-setup --yes --wait 2', { DNSCTL_FAULT: 'half' });
  expect(half.status).toBe(75);
  expect(await texts()).toEqual([]);

  expect((await router.mailctl(SETUP)).status).toBe(1);
  const merged = '"v=spf1 include:_spf.elsewhere.test mx a:mail.half.test -all"';
  expect(await texts()).toEqual([`half.test. 3600 IN TXT ${merged}`]);

  await router.mailctl('dns-setup --undo --yes --wait 30');
  expect(await texts()).toEqual([
    'half.test. 3600 IN TXT "v=spf1 include:_spf.elsewhere.test -all"',
  ]);
});

test('a half-failed update is fixed within the same run', async () => {
  expect((await fixing).status).toBe(1);

  const texts = (await world.zone('mend.test.')).filter((line) => line.includes('v=spf1'));
  expect(texts).toHaveLength(1);
  expect(texts[0]).toContain('include:_spf.elsewhere.test mx a:mail.mend.test -all');
});
