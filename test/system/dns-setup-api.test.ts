// dns-setup by each provider's API alone, without dnsctl: validation, refusals, failures.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProviderName, Router, RouterOptions } from './dns/router.ts';
import { type DnsWorld, startDnsWorld } from './dns/world.ts';
import { waitFor } from './lab/programs.ts';

const FOREIGN = [
  '@ 300 A 192.0.2.80',
  '@ 300 TXT "MS=ms12345678" "second string"',
  '@ 300 TXT "with \\"quotes\\" and \\\\"',
  '@ 300 TXT "v=spf1 include:_spf.elsewhere.test -all"',
  '@ 300 MX 20 backup.elsewhere.test.',
  '@ 300 CAA 0 issue "other-ca.example"',
  'www 300 CNAME @',
  '_dmarc 300 TXT "v=DMARC1; p=reject; rua=mailto:them@elsewhere.test"',
];
const PROVIDERS: ProviderName[] = ['cloudflare', 'ovh', 'gandi'];
const SETUP = 'dns-setup --yes --wait 30';

let world: DnsWorld;

beforeAll(async () => {
  const zones = PROVIDERS.flatMap((name) => [
    [`${name}-full.test.`, { records: FOREIGN }],
    ...['empty', 'second', 'denied', 'busy', 'down', 'refuse', 'away', 'mixed'].map((what) => [
      `${name}-${what}.test.`,
      { records: [] },
    ]),
  ]);
  world = await startDnsWorld(Object.fromEntries(zones));
}, 60_000);

afterAll(() => world.down());

function newRouter(
  domain: string,
  provider: ProviderName,
  { dns = [], ...more }: Partial<RouterOptions> = {},
): Promise<Router> {
  const lines = ["list public_address '192.0.2.25'", `option provider '${provider}'`, ...dns];
  return world.router({ domain, provider, dns: lines, ...more });
}

async function difference(zone: string, before: readonly string[]) {
  const after = await world.zone(zone);
  return {
    gone: before.filter((line) => !after.includes(line)),
    come: after.filter((line) => !before.includes(line)),
  };
}

const changing = async () => (await world.requests()).filter((line) => !line.includes(' GET '));

describe.each(PROVIDERS)('the API of %s', (provider) => {
  test('publishes every record into an empty zone without dnsctl, and a second run is a no-op', async () => {
    const domain = `${provider}-empty.test`;
    const router = await newRouter(domain, provider, { dns: ["option ttl '60'"] });

    const { status, stdout } = await router.mailctl(SETUP);

    expect(stdout).toBe('published 12 record sets; every authoritative server shows them\n');
    expect(status).toBe(0);
    const ttl = provider === 'gandi' ? 300 : 60;
    const zone = await world.zone(`${domain}.`);
    expect(zone).toContain(`mail.${domain}. ${ttl} IN CAA 0 issue "letsencrypt.org"`);
    expect(zone).toContain(`${domain}. ${ttl} IN MX 10 mail.${domain}.`);
    expect(zone).toContain(`_imaps._tcp.${domain}. ${ttl} IN SRV 0 1 993 mail.${domain}.`);
    const requests = await changing();
    expect((await router.mailctl(SETUP)).stdout).toBe('nothing to change\n');
    expect(await changing()).toEqual(requests);
    expect(await router.calls()).toEqual([]);
  });

  test('keeps foreign records byte for byte, through setup and undo', async () => {
    const domain = `${provider}-full.test`;
    const router = await newRouter(domain, provider);
    const before = await world.zone(`${domain}.`);

    expect((await router.mailctl(SETUP)).status).toBe(0);

    const { gone, come } = await difference(`${domain}.`, before);
    expect(gone).toEqual([`${domain}. 300 IN TXT "v=spf1 include:_spf.elsewhere.test -all"`]);
    expect(come).toContain(
      `${domain}. 300 IN TXT "v=spf1 include:_spf.elsewhere.test mx a:mail.${domain} -all"`,
    );
    expect(come).toContain(`${domain}. 300 IN MX 10 mail.${domain}.`);

    expect((await router.mailctl('dns-setup --undo --yes --wait 30')).status).toBe(0);
    expect(await difference(`${domain}.`, before)).toEqual({ gone: [], come: [] });
  });

  test('reaches every zone of the account', async () => {
    const domain = `${provider}-second.test`;
    const router = await newRouter(domain, provider, { zone: 'first.test', zones: [domain] });

    expect((await router.mailctl(SETUP)).status).toBe(0);
  });

  test('refuses wrong credentials with one message, within seconds, without showing them', async () => {
    const router = await newRouter(`${provider}-denied.test`, provider);
    const file = join(router.root, 'etc/config/dns-provider');
    const secrets = Object.entries(router.credentials)
      .filter(([name]) => !['endpoint', 'zone_id', 'app_key'].includes(name))
      .map(([, value]) => value);
    const reversed = secrets.map((secret) => [...secret].reverse().join(''));
    const text = secrets.reduce(
      (all, secret, index) => all.replace(secret, reversed[index] ?? ''),
      await Bun.file(file).text(),
    );
    await writeFile(file, text);
    const begin = performance.now();

    const { status, stdout, stderr } = await router.mailctl('dns-setup --yes --json --debug');

    const took = performance.now() - begin;
    expect(took, `ended after ${Math.round(took)} ms`).toBeLessThan(10_000);
    expect(status).toBe(69);
    expect(stderr.toLowerCase()).toContain(`${provider} does not accept the credentials: `);
    for (const secret of reversed) expect(stdout + stderr).not.toContain(secret);
  });

  test('is retried after a short Retry-After, and not after a long one', async () => {
    const domain = `${provider}-busy.test`;
    const router = await newRouter(domain, provider, { fault: 'overload' });

    const overload = await router.mailctl(SETUP);

    expect(overload.status).toBe(75);
    expect(overload.stderr).toContain('is busy (429): ');
    await router.setFault(`busy ${domain}`);
    const { status, stderr } = await router.mailctl(SETUP);
    expect(stderr).toContain('retry in 1 s');
    expect(status).toBe(0);
  });

  test('that is down ends the command with status 75 before the deadline of the records', async () => {
    const router = await newRouter(`${provider}-down.test`, provider, { fault: 'down' });

    const { status, stderr } = await router.mailctl('dns-setup --yes --wait 300');

    expect(status).toBe(75);
    expect(stderr).toContain('is busy (503): HTTP status 503');
  });

  test('that refuses one record is quoted at once, and the other records are published', async () => {
    const domain = `${provider}-refuse.test`;
    const router = await newRouter(domain, provider, { fault: 'refuse MX' });

    const { status, stderr } = await router.mailctl('dns-setup --yes --wait 300');

    expect(status).toBe(69);
    expect(stderr).toContain('1 of 12 record sets were refused by the provider:');
    expect(stderr).toMatch(/ MX: \w+ refuses \(400\): .*(?:not today|not possible today)/);
    expect(stderr).toContain(`publish  ${domain}. 3600 IN MX 10 mail.${domain}.`);
    expect(await world.zone(`${domain}.`)).toContain(`mail.${domain}. 3600 IN A 192.0.2.25`);

    await router.setFault('');
    // The second server may still have the old zone, which is status 75
    const again = await waitFor('both servers to have the same zone', async () => {
      const { status: now } = await router.mailctl(SETUP);
      return now === 75 ? undefined : now;
    });
    expect(again).toBe(0);
    expect(await world.zone(`${domain}.`)).toContain(`${domain}. 3600 IN MX 10 mail.${domain}.`);
  });

  test('with a certificate of an unknown CA gets no credentials', async () => {
    const router = await newRouter(`${provider}-away.test`, provider);
    const before = await world.requests();

    const { status, stderr } = await router.mailctl(SETUP, { NODE_EXTRA_CA_CERTS: '' });

    expect(status).toBe(75);
    expect(stderr).toContain('cannot be reached: ');
    expect(await world.requests()).toEqual(before);
  });
});

test('a zone that is not in the account is refused before any request', async () => {
  for (const provider of PROVIDERS) {
    const router = await newRouter(`${provider}-away.test`, provider, { zone: 'first.test' });
    const before = await changing();

    const { status, stderr } = await router.mailctl(SETUP);

    expect(status).toBe(65);
    expect(stderr).toContain(`which is not in the account at ${provider}`);
    expect(await changing()).toEqual(before);
  }
});

test('a zone id of another zone is detected before dnsctl writes to it', async () => {
  const domain = 'cloudflare-mixed.test';
  const router = await world.router({ domain, zones: ['cloudflare-away.test'] });
  const file = join(router.root, 'etc/config/dns-provider');
  const text = await Bun.file(file).text();
  await writeFile(file, text.replace(/zone_id '[^']*'/, "zone_id '0123456789abcdef'"));

  const { status, stderr } = await router.mailctl(SETUP);

  expect(status).toBe(69);
  expect(stderr).toContain(`dns-provider.cloudflare.zone_id is not the id of ${domain}`);
  expect(await router.calls()).toEqual([]);
});
