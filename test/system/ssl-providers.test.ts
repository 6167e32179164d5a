// A server at each provider, by dnsctl with the API and by the API alone: another domain, its records, a certificate
// from a real CA, its renewal, key changes, and undo.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { X509Certificate } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Pebble, startPebble } from './dns/pebble.ts';
import type { ProviderName, Router } from './dns/router.ts';
import { type DnsWorld, startDnsWorld } from './dns/world.ts';

const FOREIGN = [
  '@ 300 TXT "verification=abc"',
  '@ 300 TXT "v=spf1 include:_spf.elsewhere.test -all"',
  '@ 300 CAA 0 issue "other-ca.example"',
  'www 300 A 192.0.2.80',
];
const WAYS = (['ovh', 'gandi', 'cloudflare'] as const).flatMap((provider) =>
  (['auto', 'direct'] as const).map((way): [ProviderName, 'auto' | 'direct'] => [provider, way]),
);

let world: DnsWorld;
let pebble: Pebble;

beforeAll(async () => {
  const zones = WAYS.flatMap(([provider, way]) => [
    [`${provider}-${way}.test.`, { records: FOREIGN, signed: true }],
    [`${provider}-${way}-two.test.`, { records: FOREIGN }],
  ]);
  world = await startDnsWorld(Object.fromEntries(zones));
  pebble = await startPebble(world.command, join(world.folder, 'pebble'));
}, 120_000);

afterAll(async () => {
  await pebble?.stop();
  await world?.down();
});

describe.each(WAYS)('at %s, %s', (provider, way) => {
  const domain = `${provider}-${way}.test`;
  const second = `${provider}-${way}-two.test`;
  let router: Router;
  let before: string[];

  const zones = async () => [
    ...(await world.zone(`${domain}.`)),
    ...(await world.zone(`${second}.`)),
  ];
  const tlsa = async () => (await zones()).filter((line) => line.startsWith('_25._tcp.'));
  const leaf = async () =>
    new X509Certificate(await readFile(join(router.root, 'srv/mailserver/ssl/fullchain.pem')));
  const succeed = async (line: string) => {
    const { status, stdout, stderr } = await router.mailctl(line);
    expect({ line, status, stderr: status === 0 ? '' : stderr }).toEqual({
      ...{ line, status: 0, stderr: '' },
    });
    for (const secret of Object.entries(router.credentials)) {
      if (!['endpoint', 'zone_id'].includes(secret[0])) {
        expect(stdout + stderr).not.toContain(secret[1]);
      }
    }
    return stdout;
  };

  beforeAll(async () => {
    router = await world.router({
      ...{ domain, provider, zones: [second] },
      dns: [
        "list public_address '192.0.2.25'",
        `option provider '${way === 'auto' ? 'auto' : provider}'`,
      ],
      sections: [
        "config ssl 'ssl'",
        `\toption directory '${pebble.directory}'`,
        "\toption ca_file '/etc/acme.crt'",
      ],
    });
    await writeFile(join(router.root, 'etc/acme.crt'), await readFile(pebble.caFile));
    await mkdir(join(router.root, 'srv/mailserver/config'), { recursive: true });
    await writeFile(join(router.root, 'srv/mailserver/config/vdomains'), `${domain}\n`);
    before = await zones();
  });

  test('another domain is added', async () => {
    await succeed(`domain add ${second}`);
  });

  test('dns-setup publishes the records of both domains beside foreign records', async () => {
    await succeed('dns-setup --yes --wait 60');
    const now = await zones();
    expect(now).toContain(`${second}. 3600 IN MX 10 mail.${domain}.`);
    const gone = before.filter((line) => !now.includes(line));
    expect(gone.every((line) => line.includes('v=spf1'))).toBe(true);
  }, 120_000);

  test('ssl-setup gets a certificate, and its challenge records are removed', async () => {
    await succeed('ssl-setup');
    expect((await leaf()).checkHost(`mail.${domain}`)).toBe(`mail.${domain}`);
    expect((await zones()).filter((line) => line.includes('_acme-challenge'))).toEqual([]);
  }, 120_000);

  test('a renewal succeeds and leaves no challenge records', async () => {
    const old = await leaf();
    await succeed('ssl-renew --now');
    expect((await leaf()).fingerprint256).not.toBe(old.fingerprint256);
    expect((await zones()).filter((line) => line.includes('_acme-challenge'))).toEqual([]);
  }, 120_000);

  test('the DKIM key is rotated, and the old one is removed after its grace period', async () => {
    await succeed(`dkim rotate ${domain}`);
    const selectors = async () =>
      (await world.zone(`${domain}.`)).filter((line) => line.includes('._domainkey.'));
    expect(await selectors()).toHaveLength(2);
    const file = join(router.root, 'srv/mailserver/dkim/keys.json');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(/("removeAt": ")[^"]+"/g, '$12026-02-01T00:00:00.000Z"'));
    await succeed('dkim step');
    expect(await selectors()).toHaveLength(1);
  }, 120_000);

  test('undo restores every foreign record byte for byte', async () => {
    await succeed('dns-setup --undo --yes --wait 60');
    const now = await zones();
    expect(before.filter((line) => !now.includes(line))).toEqual([]);
    const ours = now.filter((line) => !before.includes(line));
    // The rotation published the signing key
    expect(ours.filter((line) => !line.includes('._domainkey.'))).toEqual([]);
  }, 120_000);

  test('a new key is announced beside the old one, is used later, and the old record is removed', async () => {
    await succeed('dns-setup --yes --wait 60');
    expect(await tlsa()).toHaveLength(1);
    const old = await leaf();
    const { status, stderr } = await router.mailctl('ssl-renew --now --new-key');
    expect({ status, stderr }).toMatchObject({ status: 75 });
    expect(await tlsa()).toHaveLength(2);

    const file = join(router.root, 'srv/mailserver/acme/tlsa.json');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(/("since": ?")[^"]+"/g, '$12026-02-01T00:00:00.000Z"'));
    await succeed('ssl-renew');
    expect((await leaf()).publicKey.equals(old.publicKey)).toBe(false);
    expect(await tlsa()).toHaveLength(1);
  }, 120_000);

  test('undo during a key change leaves no TLSA record without a matching key', async () => {
    expect((await router.mailctl('ssl-renew --now --new-key')).status).toBe(75);
    expect(await tlsa()).toHaveLength(2);
    await succeed('dns-setup --undo --yes --wait 60');
    expect(await tlsa()).toEqual([]);
    const now = await zones();
    expect(before.filter((line) => !now.includes(line))).toEqual([]);
  }, 120_000);
});
