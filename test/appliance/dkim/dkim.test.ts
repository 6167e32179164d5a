import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { createPublicKey } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MailDomain, parseDomain } from '../../../src/appliance/address.ts';
import { readDkimRecords, syncDkim } from '../../../src/appliance/dkim/dkim.ts';
import { forgetReload, readDkimKey } from '../../../src/appliance/dkim/key-files.ts';
import { dkimRecord, formatZoneRecord, signedKeys } from '../../../src/appliance/dkim/record.ts';
import { appliancePaths } from '../../../src/appliance/paths.ts';
import { defaultSettings } from '../../../src/appliance/settings/check-settings.ts';
import { createHost, type Host } from '../../../src/host/host.ts';

let root: string;
const host: Host = createHost({ root: '/', env: process.env, say: () => undefined });
const [A, B, C] = ['a.example', 'b.example', 'bücher.example'].map(parseDomain) as [
  MailDomain,
  MailDomain,
  MailDomain,
];

function target() {
  const base = defaultSettings();
  const settings = { ...base, main: { ...base.main, dataPath: root } };
  return { settings, paths: appliancePaths(settings) };
}

const inDkim = (...names: string[]) => join(root, 'dkim', ...names);
const readText = (name: string) => fs.readFileSync(inDkim(name), 'utf8');

beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), 'hk-dkim-'));
});
afterEach(() => fs.rmSync(root, { recursive: true }));

describe('the keys of the mail domains', () => {
  test('are generated once, with 2048 bits, readable by OpenDKIM only', async () => {
    expect(await syncDkim(host, target(), [A, C])).toEqual({ changed: true });
    // still true: OpenDKIM has not reloaded yet
    expect(await syncDkim(host, target(), [A, C])).toEqual({ changed: true });
    await forgetReload(host, target().paths);
    expect(await syncDkim(host, target(), [A, C])).toEqual({ changed: false });

    const file = fs.statSync(inDkim('xn--bcher-kva.example', 'mail.private'));
    expect([file.mode & 0o777, file.uid, file.gid]).toEqual([0o400, 100_206, 100_206]);
    const folder = fs.statSync(inDkim('a.example'));
    expect([folder.mode & 0o777, folder.uid]).toEqual([0o700, 100_206]);
    const key = await readDkimKey(host, target().paths, { domain: A, selector: 'mail' });
    expect(key?.asymmetricKeyDetails?.modulusLength).toBe(2048);
  });

  test('have the configured size, and an Ed25519 key beside a new one only', async () => {
    await syncDkim(host, target(), [A]);
    const base = target();
    const dns = { ...base.settings.dns, dkimBits: '3072', dkimEd25519: true } as const;
    const more = { ...base, settings: { ...base.settings, dns } };
    await syncDkim(host, more, [A, B]);

    expect(fs.readdirSync(inDkim('a.example'))).toEqual(['mail.private']);
    expect(fs.readdirSync(inDkim('b.example')).sort()).toEqual([
      'mail-ed25519.private',
      'mail.private',
    ]);
    expect(readText('SigningTable-ed25519')).toBe(
      '*@b.example mail-ed25519._domainkey.b.example\n',
    );
    expect(readText('SigningTable')).not.toContain('ed25519');
    const rsa = await readDkimKey(host, more.paths, { domain: B, selector: 'mail' });
    expect(rsa?.asymmetricKeyDetails?.modulusLength).toBe(3072);
    const records = await readDkimRecords(host, more, [B]);
    expect(records.map(({ selector, use }) => `${selector} ${use}`)).toEqual([
      'mail signing',
      'mail-ed25519 signing',
    ]);
    expect(fs.readFileSync(inDkim('ArcKey'), 'utf8')).toBe('');
  });

  test('are kept when a domain is removed, and used again when it is added again', async () => {
    await syncDkim(host, target(), [A, B]);
    const before = await readDkimRecords(host, target(), [B]);
    expect(await syncDkim(host, target(), [A])).toEqual({ changed: true });
    expect(readText('SigningTable')).not.toContain('b.example');
    expect(readText('KeyTable')).not.toContain('b.example');
    await syncDkim(host, target(), [A, B]);
    expect(await readDkimRecords(host, target(), [B])).toEqual(before);
  });

  test('get owner and mode fixed, as after a copy to another machine', async () => {
    await syncDkim(host, target(), [A]);
    fs.chownSync(inDkim('a.example', 'mail.private'), 0, 0);
    expect(await syncDkim(host, target(), [A])).toEqual({ changed: true });
    expect(fs.statSync(inDkim('a.example', 'mail.private')).uid).toBe(100_206);
  });

  test('that are damaged are reported with their path and not replaced', async () => {
    await syncDkim(host, target(), [A]);
    fs.writeFileSync(inDkim('a.example', 'mail.private'), 'half a key');
    await expect(syncDkim(host, target(), [A])).rejects.toThrow('is not a private RSA key');
    expect(readText('a.example/mail.private')).toBe('half a key');
  });

  test('the SigningTable never names a key without a KeyTable row, at any interruption', async () => {
    for (let steps = 0; ; steps += 1) {
      fs.rmSync(inDkim(), { recursive: true, force: true });
      await syncDkim(host, target(), [A]);
      let left = steps;
      const replace: typeof host.files.replace = async (...args) => {
        if (left === 0) throw new Error('power cut');
        left -= 1;
        await host.files.replace(...args);
      };
      const stopping = { ...host, files: { ...host.files, replace } };
      const finished = await syncDkim(stopping, target(), [B]).then(
        () => true,
        () => false,
      );
      const keys = readText('KeyTable');
      for (const { domain } of signedKeys(readText('SigningTable'))) {
        expect(keys).toContain(`mail._domainkey.${domain} ${domain}:mail:`);
        expect(fs.existsSync(inDkim(domain, 'mail.private'))).toBe(true);
      }
      if (finished) break;
    }
    expect(signedKeys(readText('SigningTable'))).toEqual([{ domain: B, selector: 'mail' }]);
  });
});

describe('the record', () => {
  test('of an Ed25519 key is that of RFC 8463 appendix A', () => {
    const x = Buffer.from('11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=', 'base64');
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: x.toString('base64url') };
    expect(dkimRecord(A, 'brisbane', createPublicKey({ key: jwk, format: 'jwk' })).value).toBe(
      'v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=',
    );
  });

  test('contains the public key in strings of at most 255 bytes, which join to the value', async () => {
    await syncDkim(host, target(), [A]);
    const [record] = await readDkimRecords(host, target(), [A]);
    expect(record?.name).toBe('mail._domainkey.a.example');
    expect(record?.strings.join('')).toBe(record?.value ?? '');
    expect(record?.strings.every((piece) => piece.length <= 255)).toBe(true);
    const der = Buffer.from(record?.value.split('p=')[1] ?? '', 'base64');
    const published = createPublicKey({ key: der, format: 'der', type: 'spki' });
    const key = await readDkimKey(host, target().paths, { domain: A, selector: 'mail' });
    expect(key && createPublicKey(key).equals(published)).toBe(true);
    expect(record).toMatchObject({ ...(key && dkimRecord(A, 'mail', key)), use: 'signing' });
  });

  test('is formatted for a zone file with every string quoted', () => {
    expect(formatZoneRecord({ name: 'x._domainkey.a.example', strings: ['v=DKIM1;', 'p="'] })).toBe(
      'x._domainkey.a.example. IN TXT ( "v=DKIM1;" "p=\\"" )',
    );
  });

  test('of a domain without a key is refused with the command that generates one', async () => {
    await expect(readDkimRecords(host, target(), [A])).rejects.toMatchObject({
      code: 'DKIM_KEY_INVALID',
      hint: 'mailctl apply',
    });
  });
});
