// DKIM key rotation against real authoritative servers. trust.test.ts checks that mail stays verifiable meanwhile.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createPublicKey } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { endPrograms, type ProviderName, type Router } from './dns/router.ts';
import { type DnsWorld, startDnsWorld } from './dns/world.ts';

const ZONES = [
  ...['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'],
  ...['ten', 'eleven', 'twelve'],
];

let world: DnsWorld;
let used = 0;

async function freshRouter(
  provider: ProviderName = 'cloudflare',
  dns: readonly string[] = [],
): Promise<{ router: Router; domain: string }> {
  const domain = `${ZONES[used]}.test`;
  used += 1;
  const router = await world.router({
    ...{ domain, provider },
    dns: ["list public_address '192.0.2.25'", ...dns],
  });
  await mkdir(join(router.root, 'srv/mailserver/config'), { recursive: true });
  await writeFile(join(router.root, 'srv/mailserver/config/vdomains'), `${domain}\n`);
  return { router, domain };
}

const inDkim = (router: Router, ...names: string[]) =>
  join(router.root, 'srv/mailserver/dkim', ...names);
const signing = async (router: Router) =>
  /^\*@\S+ (\S+)\._domainkey/m.exec(await readFile(inDkim(router, 'SigningTable'), 'utf8'))?.[1];
const keyFiles = (router: Router, domain: string) =>
  readdirSync(inDkim(router, domain))
    .filter((name) => name.endsWith('.private'))
    .sort();
const published = async (domain: string) =>
  (await world.zone(`${domain}.`))
    .map((line) => /^(\S+)\._domainkey\./.exec(line)?.[1])
    .filter((name) => name !== undefined);

const DNSCTL = ["option provider 'dnsctl'"];

/** Moves the start of the rotation back by two weeks. */
async function letGraceEnd(router: Router): Promise<void> {
  const file = inDkim(router, 'keys.json');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace(/("removeAt": ")[^"]+"/g, '$12026-02-01T00:00:00.000Z"'));
}

beforeAll(async () => {
  world = await startDnsWorld(
    Object.fromEntries(ZONES.map((name) => [`${name}.test.`, { records: [] }])),
  );
}, 60_000);

afterAll(() => world?.down());

describe.each(['cloudflare', 'ovh', 'gandi'] as const)('a rotation at %s', (provider) => {
  let router: Router;
  let domain: string;
  let fresh: string;

  test('publishes a second key, signs with it and keeps the first published', async () => {
    ({ router, domain } = await freshRouter(provider));
    await router.mailctl('dns-setup --yes');
    const { status, stdout, stderr } = await router.mailctl(`dkim rotate ${domain}`);
    expect(stderr).not.toContain('error');
    expect(status).toBe(0);
    expect(stdout).toContain('mail stays published until');
    fresh = (await signing(router)) ?? '';
    expect(fresh).toMatch(/^mail\d{8}-\d{6}$/);
    expect(await published(domain)).toEqual(['mail', fresh]);
  }, 60_000);

  test('dns-setup during the rotation is a no-op', async () => {
    const before = await world.zone(`${domain}.`);
    expect((await router.mailctl('dns-setup --yes')).stdout).toContain('nothing to change');
    expect(await world.zone(`${domain}.`)).toEqual(before);
  }, 60_000);

  test('a second rotation is refused until the first has ended', async () => {
    const { status, stderr } = await router.mailctl(`dkim rotate ${domain}`);
    expect(status).toBe(75);
    expect(stderr).toContain('is still in a rotation');
    expect(await signing(router)).toBe(fresh);
  });

  test('record and key are removed only after the grace period', async () => {
    expect((await router.mailctl('dkim step')).stdout).toContain('nothing to do');
    expect(await published(domain)).toEqual(['mail', fresh]);
    await letGraceEnd(router);
    expect((await router.mailctl('dkim step')).status).toBe(0);
    expect(await published(domain)).toEqual([fresh]);
    expect(keyFiles(router, domain)).toEqual([`${fresh}.private`]);
    expect((await router.mailctl('dns-setup --yes')).stdout).toContain('nothing to change');
    const { stdout } = await router.mailctl(`dkim show ${domain} --json`);
    const { records } = JSON.parse(stdout) as { records: { selector: string; use: string }[] };
    expect(records.map(({ selector, use }) => `${selector} ${use}`)).toEqual([`${fresh} signing`]);
  }, 60_000);
});

/** The record of a key file, computed without the program. */
async function recordOf(router: Router, domain: string, selector: string): Promise<string> {
  const key = createPublicKey(await readFile(inDkim(router, domain, `${selector}.private`)));
  if (key.asymmetricKeyType === 'ed25519') {
    const { x = '' } = key.export({ format: 'jwk' });
    return `v=DKIM1; k=ed25519; p=${Buffer.from(x, 'base64url').toString('base64')}`;
  }
  expect(key.asymmetricKeyDetails?.modulusLength).toBe(4096);
  return `v=DKIM1; k=rsa; p=${key.export({ type: 'spki', format: 'der' }).toString('base64')}`;
}

test.each(['cloudflare', 'ovh', 'gandi'] as const)(
  'at %s a rotation publishes and removes an RSA key of 4096 bits and an Ed25519 key together',
  async (provider) => {
    const { router, domain } = await freshRouter(provider);
    await router.mailctl('dns-setup --yes');
    expect(await published(domain)).toEqual(['mail']);
    const address = "list public_address '192.0.2.25'";
    await router.configure([address, "option dkim_bits '4096'", "option dkim_ed25519 '1'"]);

    expect((await router.mailctl(`dkim rotate ${domain}`)).status).toBe(0);
    const fresh = (await signing(router)) ?? '';
    const pair = [fresh, `${fresh}-ed25519`];
    expect((await published(domain)).sort()).toEqual(['mail', ...pair]);
    const zone = await world.zone(`${domain}.`);
    for (const selector of pair) {
      const line = zone.find((one) => one.startsWith(`${selector}._domainkey.`)) ?? '';
      const strings = [...line.matchAll(/"([^"]*)"/g)].map(([, text = '']) => text);
      expect(strings.join('')).toBe(await recordOf(router, domain, selector));
      expect(strings.every((text) => text.length <= 255)).toBe(true);
    }
    const tables = await readFile(inDkim(router, 'SigningTable-ed25519'), 'utf8');
    expect(tables).toBe(`*@${domain} ${fresh}-ed25519._domainkey.${domain}\n`);
    expect((await router.mailctl('dns-setup --yes')).stdout).toContain('nothing to change');

    expect((await router.mailctl(`dkim revoke ${domain} --yes`)).status).toBe(0);
    const next = (await signing(router)) ?? '';
    expect(next).not.toBe(fresh);
    expect(await published(domain)).toEqual(expect.not.arrayContaining(pair));
    expect(keyFiles(router, domain)).not.toContain(`${fresh}-ed25519.private`);
    expect(await published(domain)).toContain(`${next}-ed25519`);
  },
  90_000,
);

test('when dnsctl refuses, the old key keeps signing, and the next step continues the rotation', async () => {
  const { router, domain } = await freshRouter('ovh', DNSCTL);
  await router.mailctl('dns-setup --yes');
  const refused = await router.mailctl(`dkim rotate ${domain}`, { DNSCTL_FAULT: 'refuse' });
  expect(refused.status).toBe(69);
  expect(refused.stderr).toContain('dnsctl: not today');
  expect(keyFiles(router, domain)).toHaveLength(2);
  await router.mailctl('dkim step', { DNSCTL_FAULT: 'refuse' });
  const { status } = await router.mailctl('dkim step');
  expect(status).toBe(0);
  expect(await signing(router)).not.toBe('mail');
}, 60_000);

test('after a kill at any moment exactly one key signs, and its file exists', async () => {
  const { router, domain } = await freshRouter();
  await router.mailctl('dns-setup --yes');
  for (const delay of [150, 300, 500, 800, 1200]) {
    await router.mailctl(`dkim rotate ${domain}`, {}, delay);
    await endPrograms(router);
    const signs = await signing(router).catch(() => 'mail');
    expect(keyFiles(router, domain)).toContain(`${signs}.private`);
    if (signs !== 'mail') break;
  }
  expect([0, 75]).toContain((await router.mailctl(`dkim rotate ${domain}`)).status);
  const signs = (await signing(router)) ?? '';
  expect(signs).not.toBe('mail');
  expect(await published(domain)).toEqual(['mail', signs]);
  expect(keyFiles(router, domain)).toEqual(['mail.private', `${signs}.private`]);
}, 60_000);

test('without a provider the record is printed, and after its publication the next step signs with the key', async () => {
  const { router, domain } = await freshRouter('cloudflare', ["option provider 'none'"]);
  const asked = await router.mailctl(`dkim rotate ${domain}`);
  expect(asked.status).toBe(75);
  const line = /^mail\d{8}-\d{6}\._domainkey\S+ IN TXT \( (.+) \)$/m.exec(asked.stderr);
  const [name = ''] = /^mail[\d-]+/m.exec(line?.[0] ?? '') ?? [];
  expect((await router.mailctl('dkim step')).status).toBe(75);
  await world.update(`${domain}.`, `update add ${name}._domainkey.${domain}. 60 TXT ${line?.[1]}`);
  expect((await router.mailctl('dkim step')).status).toBe(0);
  expect(await signing(router)).toBe(name);
}, 60_000);

test('after confirmation a revoked key is replaced and removed at once', async () => {
  const { router, domain } = await freshRouter();
  await router.mailctl('dns-setup --yes');
  const asked = await router.mailctl(`dkim revoke ${domain}`);
  expect(asked.status).toBe(64);
  expect(asked.stderr).toContain('can no longer be verified');
  expect(await published(domain)).toEqual(['mail']);
  expect((await router.mailctl(`dkim revoke ${domain} --yes`)).status).toBe(0);
  const signs = (await signing(router)) ?? '';
  expect(await published(domain)).toEqual([signs]);
  expect(keyFiles(router, domain)).toEqual([`${signs}.private`]);
  const unknown = await router.mailctl(`dkim revoke ${domain} nothing --yes`);
  expect(unknown.status).toBe(67);
}, 60_000);

test('an interrupted revocation is finished by the next step, not by an ordinary rotation', async () => {
  const { router, domain } = await freshRouter('ovh', DNSCTL);
  await router.mailctl('dns-setup --yes');
  const cut = await router.mailctl(`dkim revoke ${domain} --yes`, { DNSCTL_FAULT: 'refuse' });
  expect(cut.status).not.toBe(0);
  expect(await signing(router)).toBe('mail');
  expect((await router.mailctl('dkim step --dry-run')).stdout).toContain('would do the due steps');
  expect((await router.mailctl('dkim step')).status).toBe(0);
  const signs = (await signing(router)) ?? '';
  expect(signs).not.toBe('mail');
  expect(await published(domain)).toEqual([signs]);
  expect(keyFiles(router, domain)).toEqual([`${signs}.private`]);
}, 60_000);

test('the next step updates tables that a kill left stale; a removed domain has no due job', async () => {
  const { router, domain } = await freshRouter();
  await router.mailctl('dns-setup --yes');
  const before = await readFile(inDkim(router, 'SigningTable'), 'utf8').catch(() => '');
  await router.mailctl(`dkim rotate ${domain}`);
  const after = await readFile(inDkim(router, 'SigningTable'), 'utf8');
  expect(after).not.toBe(before);
  await writeFile(inDkim(router, 'SigningTable'), before);
  await writeFile(inDkim(router, '.reload'), '');
  expect((await router.mailctl('dkim step --dry-run')).stdout).toContain('would do the due steps');
  expect((await router.mailctl('dkim step')).status).toBe(0);
  expect(await readFile(inDkim(router, 'SigningTable'), 'utf8')).toBe(after);
  expect((await router.mailctl('dkim step --dry-run')).stdout).toContain('nothing to do');
}, 60_000);
