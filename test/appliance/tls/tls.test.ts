import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { appliancePaths } from '../../../src/appliance/paths.ts';
import { defaultSettings } from '../../../src/appliance/settings/check-settings.ts';
import type { Settings } from '../../../src/appliance/settings/settings.ts';
import { readInstalledPair } from '../../../src/appliance/tls/store.ts';
import { ensureCertificate, readCertificate } from '../../../src/appliance/tls/tls.ts';
import { createHost, dryRun, type Host } from '../../../src/host/host.ts';

let root: string;
let host: Host;
/** Set by tests of expiry; null: the real time, at which OpenSSL starts the validity of its certificates. */
let now: Date | null;

function targetWith(ssl: Partial<Settings['ssl']> = {}, main: Partial<Settings['main']> = {}) {
  const base = defaultSettings();
  const settings: Settings = {
    ...base,
    main: { ...base.main, dataPath: root, hostname: 'mail.example.com', ...main },
    ssl: { ...base.ssl, ...ssl },
  };
  return { settings, paths: appliancePaths(settings) };
}

const inSsl = (name: string) => join(root, 'ssl', name);
const served = () => new X509Certificate(fs.readFileSync(inSsl('fullchain.pem')));

function openssl(...args: string[]): string {
  return execFileSync('openssl', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' });
}

/** A CA `ca.pem` and a certificate `leaf.pem`/`leaf.key` that it issued. */
function issue(options: { names?: string; key?: string[]; days?: string } = {}): void {
  const { names = 'DNS:mail.example.com', key = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] } =
    options;
  const common = ['req', '-x509', '-nodes'];
  openssl(
    ...[...common, '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
    ...['-subj', '/CN=Test CA', '-days', '3650', '-keyout', 'ca.key', '-out', 'ca.pem'],
  );
  openssl(
    ...[...common, '-newkey', ...key, '-CA', 'ca.pem', '-CAkey', 'ca.key'],
    ...['-subj', '/CN=leaf', '-days', options.days ?? '90', '-addext', `subjectAltName=${names}`],
    ...['-addext', 'basicConstraints=critical,CA:FALSE', '-keyout', 'leaf.key', '-out', 'leaf.pem'],
  );
}

function writeGiven(name: string, ...parts: string[]): string {
  const path = join(root, name);
  fs.writeFileSync(path, parts.map((part) => fs.readFileSync(join(root, part))).join(''));
  return path;
}

const manual = (certPath: string, keyPath = join(root, 'leaf.key')) =>
  targetWith({ type: 'manual', certPath, keyPath });

beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), 'hk-tls-'));
  now = null;
  const real = createHost({ root: '/', env: process.env, say: () => undefined });
  host = { ...real, clock: { ...real.clock, now: () => now ?? new Date() } };
});
afterEach(() => fs.rmSync(root, { recursive: true }));

describe('the self-signed certificate', () => {
  test('covers the hostname, is for servers, and OpenSSL accepts it as a trust anchor', async () => {
    expect(await ensureCertificate(host, targetWith())).toEqual({ changed: true });

    const text = openssl('x509', '-noout', '-text', '-in', inSsl('fullchain.pem'));
    expect(text).toContain('DNS:mail.example.com');
    expect(text).toContain('TLS Web Server Authentication');
    expect(text).toContain('CA:FALSE');
    expect(text).toContain('O = mailserver self-signed');
    const days = (Date.parse(served().validTo) - Date.parse(served().validFrom)) / 864e5;
    expect(days).toBeLessThanOrEqual(825);
    const verify = ['verify', '-CAfile', inSsl('fullchain.pem'), '-purpose', 'sslserver'];
    expect(
      openssl(...verify, '-verify_hostname', 'mail.example.com', inSsl('fullchain.pem')),
    ).toContain('OK');
  });

  test('is owned by root of the container, and only root can read the key', async () => {
    await ensureCertificate(host, targetWith());
    const [chain, key] = ['fullchain.pem', 'privkey.pem'].map((name) => fs.statSync(inSsl(name)));
    expect([chain?.mode, key?.mode].map((mode) => (mode ?? 0) & 0o777)).toEqual([0o644, 0o600]);
    expect([chain?.uid, key?.uid, key?.gid]).toEqual([100_000, 100_000, 100_000]);
  });

  test('is not changed by a second ensureCertificate', async () => {
    await ensureCertificate(host, targetWith());
    const before = fs.statSync(inSsl('fullchain.pem')).mtimeMs;
    expect(await ensureCertificate(host, targetWith())).toEqual({ changed: false });
    expect(fs.statSync(inSsl('fullchain.pem')).mtimeMs).toBe(before);
  });

  test('is recreated for a new hostname with the same key, and the old pair stays on disk', async () => {
    await ensureCertificate(host, targetWith());
    const before = served();
    const renamed = targetWith({}, { hostname: 'mx.example.org' });
    expect(await ensureCertificate(host, renamed)).toEqual({ changed: true });
    expect(served().subjectAltName).toBe('DNS:mx.example.org');
    expect(served().publicKey.equals(before.publicKey)).toBe(true);
    expect(served().serialNumber).not.toBe(before.serialNumber);
    expect(
      fs.readdirSync(join(root, 'ssl')).filter((name) => name.startsWith('pair-')),
    ).toHaveLength(2);
  });

  test('is recreated in its last 30 days, but not while the clock is not set', async () => {
    await ensureCertificate(host, targetWith());
    const until = Date.parse(served().validTo);
    now = new Date(0);
    expect(await ensureCertificate(host, targetWith())).toEqual({ changed: false });
    now = new Date(until - 31 * 864e5);
    expect(await ensureCertificate(host, targetWith())).toEqual({ changed: false });
    now = new Date(until - 29 * 864e5);
    expect(await ensureCertificate(host, targetWith())).toEqual({ changed: true });
  });

  test('has no common name if the hostname is longer than 64 characters', async () => {
    const hostname = `${'a'.repeat(60)}.example.com`;
    await ensureCertificate(host, targetWith({}, { hostname }));
    expect(served().subject).toBe('O=mailserver self-signed');
    expect(served().subjectAltName).toBe(`DNS:${hostname}`);
  });

  test('is not written by a dry run', async () => {
    await ensureCertificate(dryRun(host, []), targetWith());
    expect(fs.existsSync(inSsl('fullchain.pem'))).toBe(false);
  });
});

describe('the files on disk:', () => {
  test('a key that does not match its certificate is replaced together with it', async () => {
    await ensureCertificate(host, targetWith());
    openssl('genpkey', '-algorithm', 'RSA', '-out', 'other.key');
    fs.copyFileSync(join(root, 'other.key'), fs.realpathSync(inSsl('privkey.pem')));
    expect(await ensureCertificate(host, targetWith())).toEqual({ changed: true });
    expect(await readInstalledPair(host, targetWith().paths)).not.toBeNull();
  });

  test('plain files of a copied data folder are imported, with the owner of the new id range', async () => {
    await ensureCertificate(host, targetWith());
    const [chain, key] = ['fullchain.pem', 'privkey.pem'].map((name) =>
      fs.readFileSync(inSsl(name)),
    );
    fs.rmSync(join(root, 'ssl'), { recursive: true });
    fs.mkdirSync(join(root, 'ssl'));
    fs.writeFileSync(inSsl('fullchain.pem'), chain ?? '');
    fs.writeFileSync(inSsl('privkey.pem'), key ?? '', { mode: 0o600 });

    const moved = targetWith({}, { idmapBase: 300_000 });
    expect(await ensureCertificate(host, moved)).toEqual({ changed: true });
    expect(fs.readFileSync(inSsl('fullchain.pem'))).toEqual(Buffer.from(chain ?? ''));
    expect(fs.statSync(inSsl('privkey.pem')).uid).toBe(300_000);
    expect(await ensureCertificate(host, moved)).toEqual({ changed: false });
  });

  test('a power cut at any step of a replacement leaves a key that matches the certificate', async () => {
    issue();
    const target = manual(writeGiven('chain.pem', 'leaf.pem', 'ca.pem'));
    for (let steps = 0; ; steps += 1) {
      fs.rmSync(join(root, 'ssl'), { recursive: true, force: true });
      await ensureCertificate(host, targetWith());
      let left = steps;
      const stopping = <Args extends unknown[]>(work: (...args: Args) => Promise<void>) => {
        return async (...args: Args) => {
          if (left === 0) throw new Error('power cut');
          left -= 1;
          await work(...args);
        };
      };
      const { replace, link, removeTree } = host.files;
      const files = {
        ...host.files,
        replace: stopping(replace),
        link: stopping(link),
        removeTree: stopping(removeTree),
      };
      const finished = await ensureCertificate({ ...host, files }, target).then(
        () => true,
        () => false,
      );
      const pair = await readInstalledPair(host, target.paths);
      expect(pair?.chain[0].checkPrivateKey(pair.key)).toBe(true);
      if (finished) break;
      expect(await ensureCertificate(host, target)).toEqual({ changed: true });
    }
  });

  test("a CA's certificate is kept if ssl.type is letsencrypt, and replaced if it is selfsigned", async () => {
    issue();
    await ensureCertificate(host, manual(writeGiven('chain.pem', 'leaf.pem', 'ca.pem')));
    expect(await ensureCertificate(host, targetWith())).toEqual({ changed: false });
    const selfsigned = targetWith({ type: 'selfsigned' });
    expect(await ensureCertificate(host, selfsigned)).toEqual({ changed: true });
    expect(served().issuer).toContain('mailserver self-signed');
  });
});

describe('a certificate of ssl.type manual', () => {
  test('is installed with an ECDSA key, its chain, and a symbolic link as path', async () => {
    issue({ names: 'DNS:*.example.com' });
    writeGiven('chain.pem', 'leaf.pem', 'ca.pem');
    fs.symlinkSync('chain.pem', join(root, 'live.pem'));
    const target = manual(join(root, 'live.pem'));
    expect(await ensureCertificate(host, target)).toEqual({ changed: true });
    expect(await ensureCertificate(host, target)).toEqual({ changed: false });
    const summary = await readCertificate(host, target);
    expect(summary).toMatchObject({
      self_signed: false,
      names: ['*.example.com'],
      issuer: 'CN=Test CA',
      key: 'ECDSA prime256v1',
      problem: null,
    });
    expect(fs.readFileSync(inSsl('fullchain.pem'), 'utf8').match(/BEGIN CERT/g)).toHaveLength(2);
  });

  test('stays in use when it expires, so that a start does not fail', async () => {
    issue({ days: '1' });
    const target = manual(writeGiven('chain.pem', 'leaf.pem', 'ca.pem'));
    await ensureCertificate(host, target);
    now = new Date(Date.now() + 9 * 864e5);
    expect(await ensureCertificate(host, target)).toEqual({ changed: false });
    expect((await readCertificate(host, target))?.problem).toStartWith('it expired on ');
  });

  const bad: [string, string, () => ReturnType<typeof manual>][] = [
    [
      'another name',
      'it does not cover mail.example.com, only www.example.net',
      () => {
        issue({ names: 'DNS:www.example.net' });
        return manual(writeGiven('c.pem', 'leaf.pem'));
      },
    ],
    [
      "another certificate's key",
      'the private key belongs to another certificate',
      () => {
        issue();
        openssl('genpkey', '-algorithm', 'RSA', '-out', 'other.key');
        return manual(writeGiven('c.pem', 'leaf.pem'), join(root, 'other.key'));
      },
    ],
    [
      'an encrypted key',
      'is encrypted',
      () => {
        issue();
        openssl('pkey', '-in', 'leaf.key', '-aes256', '-passout', 'pass:x', '-out', 'locked.key');
        return manual(writeGiven('c.pem', 'leaf.pem'), join(root, 'locked.key'));
      },
    ],
    [
      'a chain in the wrong order',
      'must be followed by that of its issuer',
      () => {
        issue();
        return manual(writeGiven('c.pem', 'ca.pem', 'leaf.pem'));
      },
    ],
    [
      'an expired validity',
      'it expired on ',
      () => {
        issue({ days: '1' });
        now = new Date(Date.now() + 9 * 864e5);
        return manual(writeGiven('c.pem', 'leaf.pem'));
      },
    ],
    [
      'a short RSA key',
      'has only 1024 bits',
      () => {
        issue({ key: ['rsa:1024'] });
        return manual(writeGiven('c.pem', 'leaf.pem'));
      },
    ],
    [
      'no PEM form',
      'contains no certificate in PEM form',
      () => {
        issue();
        openssl('x509', '-in', 'leaf.pem', '-outform', 'DER', '-out', 'leaf.der');
        return manual(join(root, 'leaf.der'));
      },
    ],
    [
      'a truncated certificate',
      'certificate 1 in',
      () => {
        issue();
        fs.writeFileSync(
          join(root, 'c.pem'),
          '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
        );
        return manual(join(root, 'c.pem'));
      },
    ],
    [
      'no file',
      'which does not exist',
      () => {
        issue();
        return manual(join(root, 'nowhere.pem'));
      },
    ],
    [
      'a device',
      'which is not a file',
      () => {
        issue();
        return manual('/dev/zero');
      },
    ],
    [
      'no path',
      'ssl.key_path is not set',
      () => {
        issue();
        const certPath = writeGiven('c.pem', 'leaf.pem');
        return targetWith({ type: 'manual', certPath, keyPath: null });
      },
    ],
  ];

  test.each(bad)(
    'with %s is rejected, and the installed certificate stays',
    async (_, message, given) => {
      await ensureCertificate(host, targetWith());
      const before = served().fingerprint256;
      await expect(ensureCertificate(host, given())).rejects.toThrow(message);
      expect(served().fingerprint256).toBe(before);
    },
  );
});
