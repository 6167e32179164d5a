// dnsctl alone: the zones that it reaches, and the values that it never gets.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type DnsWorld, startDnsWorld } from './dns/world.ts';

const SETUP = 'dns-setup --yes --wait 30';
const DNS = ["list public_address '192.0.2.25'", "option provider 'dnsctl'"];

let world: DnsWorld;

beforeAll(async () => {
  const empty = { records: [] };
  world = await startDnsWorld({
    ...{ 'ovh-other.test.': empty, 'gandi-other.test.': empty, 'cloudflare-other.test.': empty },
    ...{ 'stranger.test.': empty },
    'quote.test.': { records: [`@ 300 TXT "v=spf1 exists:it's.test -all"`] },
  });
}, 60_000);

afterAll(() => world.down());

test('at ovh and gandi every zone of the account works, and an empty list is not taken as a zone', async () => {
  for (const provider of ['ovh', 'gandi'] as const) {
    const domain = `${provider}-other.test`;
    const account = { zone: 'first.test', zones: [domain], dns: DNS };
    const router = await world.router({ domain, provider, ...account });

    expect((await router.mailctl(SETUP)).status).toBe(0);
  }
});

test('at cloudflare a second zone is listed for manual entry, without any request', async () => {
  const domain = 'cloudflare-other.test';
  const zones = [domain];
  const router = await world.router({
    domain,
    zone: 'first.test',
    provider: 'cloudflare',
    dns: DNS,
    zones,
  });

  const { status, stdout } = await router.mailctl(SETUP);

  expect(status).toBe(1);
  expect(stdout).toContain('at cloudflare, dnsctl can change one zone only (first.test); by hand:');
  expect((await router.calls()).map(([verb]) => verb)).toEqual(['test']);
});

test('at gandi a zone that is not in the account is refused before any request', async () => {
  const given = { domain: 'stranger.test', zone: 'first.test', dns: DNS };
  const router = await world.router({ ...given, provider: 'gandi' });

  const { status, stderr } = await router.mailctl(SETUP);

  expect(status).toBe(65);
  expect(stderr).toContain(
    'stranger.test is in the zone stranger.test, which dnsctl does not manage',
  );
  expect((await router.calls()).map(([verb]) => verb)).toEqual(['test', 'domains']);
});

test('a value with a single quote, which would end the quoting in the shell, is not sent', async () => {
  const router = await world.router({ domain: 'quote.test', provider: 'gandi', dns: DNS });

  const { status, stdout } = await router.mailctl(SETUP);

  expect(status).toBe(1);
  expect(stdout).toContain('dnsctl cannot send a value with a single quote; by hand:');
  expect((await router.calls()).filter((words) => words.join(' ').includes("'"))).toEqual([]);
});
