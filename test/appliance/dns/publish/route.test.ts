import { describe, expect, test } from 'bun:test';
import type { Provider } from '../../../../src/appliance/dns/publish/provider.ts';
import { publishedTtl, routeChanges } from '../../../../src/appliance/dns/publish/route.ts';
import type { RecordType } from '../../../../src/host/dns.ts';
import type { ApiProvider, DnsApi } from '../../../../src/host/dns-api/api.ts';

const api = (provider: ApiProvider): DnsApi => ({ provider, openZone: async () => null });
const dnsctl = { zone: 'example.com', zoneId: 'abc', test: async () => undefined };

const provider = (name: ApiProvider, ways: 'both' | 'dnsctl' | 'api'): Provider => ({
  ...{ kind: 'hosted', manners: name, secrets: [] },
  dnsctl: ways === 'api' ? null : dnsctl,
  api: ways === 'dnsctl' ? null : api(name),
});

function change(
  name: string,
  type: RecordType,
  sets: { before?: string[]; remove?: string[]; add?: string[] },
) {
  const zone = name.endsWith('example.net') ? 'example.net' : 'example.com';
  return {
    ...{ name, type, purpose: 'test', ttl: 60, before: [], remove: [], add: [] },
    ...{ ...sets, authorities: { zone, servers: [] } },
  };
}

const wayOf = (of: Provider, ...one: Parameters<typeof change>) => {
  const { routes, obstacles } = routeChanges(of, [change(...one)]);
  return routes[0]?.way ?? `by hand: ${obstacles[0]?.reason}`;
};

describe.each(['ovh', 'gandi', 'cloudflare'] as const)('at %s', (name) => {
  test('dnsctl makes the changes that it can express, and the API the rest', () => {
    const both = provider(name, 'both');
    expect(wayOf(both, 'mail.example.com', 'A', { add: ['192.0.2.1'] })).toBe('dnsctl');
    expect(wayOf(both, 'x.example.com', 'TXT', { add: ["it's"] })).toBe('api');
    const replaced = { before: ['a', 'b'], remove: ['a'], add: ['c'] };
    expect(wayOf(both, 'example.com', 'TXT', replaced)).toBe('api');
  });

  test('with the API only, the API makes every change', () => {
    for (const type of ['A', 'MX', 'CAA', 'TLSA', 'SRV'] as const) {
      expect(wayOf(provider(name, 'api'), 'example.com', type, { add: ['x'] })).toBe('api');
    }
  });

  test('with dnsctl only, changes that would harm foreign records are left to the operator', () => {
    const beside = { before: ['theirs', 'old'], remove: ['old'], add: ['new'] };
    expect(wayOf(provider(name, 'dnsctl'), 'x.example.com', 'TXT', beside)).toContain('by hand');
  });
});

test('with dnsctl only, each provider has its own limits', () => {
  const [ovh, gandi, cloudflare] = (['ovh', 'gandi', 'cloudflare'] as const).map((name) =>
    provider(name, 'dnsctl'),
  ) as [Provider, Provider, Provider];
  const caa = { add: ['0 issue "ca.example"'] };

  expect(wayOf(ovh, 'mail.example.com', 'CAA', caa)).toBe('dnsctl');
  expect(wayOf(gandi, 'mail.example.com', 'CAA', caa)).toBe('dnsctl');
  expect(wayOf(cloudflare, 'mail.example.com', 'CAA', caa)).toContain('cannot publish CAA');
  expect(wayOf(ovh, 'example.com', 'MX', { before: ['x'], remove: ['x'] })).toContain('apex');
  expect(wayOf(ovh, 'a.example.com', 'MX', { before: ['x'], remove: ['x'] })).toBe('dnsctl');
  expect(wayOf(cloudflare, 'mail.example.net', 'A', { add: ['x'] })).toContain('one zone only');
  expect(wayOf(ovh, 'mail.example.net', 'A', { add: ['x'] })).toBe('dnsctl');
  const spf = { before: ['v=spf1 -all'], remove: ['v=spf1 -all'], add: ['v=spf1 mx -all'] };
  expect(wayOf(ovh, 'a.example.com', 'TXT', spf)).toContain('may not find the SPF record');
});

test.each([
  ['gandi', 60, 300],
  ['gandi', 3600, 3600],
  ['cloudflare', 30, 60],
  ['cloudflare', 604_800, 86_400],
  ['ovh', 60, 60],
] as const)('at %s a TTL of %d s is published as %d s', (name, wanted, published) => {
  expect(publishedTtl(provider(name, 'both'), wanted)).toBe(published);
});
