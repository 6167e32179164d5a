import { afterEach, beforeEach, expect, test } from 'bun:test';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHost, type Host } from '../../src/host/host.ts';
import { parsePeerId } from '../../src/mesh/identity.ts';
import { ensureIdentity, prepareListener, readIdentity } from '../../src/mesh/own-identity.ts';

let root: string;
let host: Host;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mailctl-identity-'));
  host = createHost({ root, env: {}, say: () => undefined });
});
afterEach(() => rmSync(root, { recursive: true }));

const at = (...parts: string[]) => join(root, 'mesh', ...parts);
const modeOf = (...parts: string[]) => (statSync(at(...parts)).mode & 0o7777).toString(8);
const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

test('a box makes its identity once; the peer id is the fingerprint of its certificate', async () => {
  expect(await readIdentity(host, '/mesh')).toBeNull();

  const made = await ensureIdentity(host, '/mesh');

  expect(await ensureIdentity(host, '/mesh')).toEqual(made);
  const certificate = new X509Certificate(readFileSync(at('identity/certificate.pem')));
  expect(made.peerId).toBe(certificate.fingerprint256.replaceAll(':', '').toLowerCase());
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.validTo).toContain('9999');
  const places = [[], ['identity'], ['identity/key.pem'], ['identity/certificate.pem']];
  expect(places.map((parts) => modeOf(...parts))).toEqual(['711', '700', '600', '600']);
});

test('the listener has a key of its own, signed by the identity, and no other', async () => {
  await prepareListener(host, { folder: '/mesh', user });
  const box = await ensureIdentity(host, '/mesh');

  const chain = readFileSync(at('listener/chain.pem'), 'utf8');
  const key = readFileSync(at('listener/key.pem'), 'utf8');
  const leaf = new X509Certificate(chain);
  const identity = new X509Certificate(box.certificate);
  expect(leaf.checkIssued(identity)).toBe(true);
  expect(leaf.verify(identity.publicKey)).toBe(true);
  expect(leaf.ca).toBe(false);
  expect(chain.endsWith(box.certificate)).toBe(true);
  expect(key).not.toBe(box.key);
  expect([modeOf('listener'), modeOf('listener/key.pem'), modeOf('peers')]).toEqual([
    '750',
    '640',
    '700',
  ]);
});

test('the pair of the listener is kept, and made anew for another identity', async () => {
  await prepareListener(host, { folder: '/mesh', user });
  const first = readFileSync(at('listener/chain.pem'), 'utf8');
  await prepareListener(host, { folder: '/mesh', user });
  expect(readFileSync(at('listener/chain.pem'), 'utf8')).toBe(first);

  rmSync(at('identity'), { recursive: true });
  await prepareListener(host, { folder: '/mesh', user });

  expect(readFileSync(at('listener/chain.pem'), 'utf8')).not.toBe(first);
});

test('a key and a certificate that are no pair are an error, and are not replaced', async () => {
  await ensureIdentity(host, '/mesh');
  const key = readFileSync(at('identity/key.pem'), 'utf8');
  rmSync(at('identity'), { recursive: true });
  await ensureIdentity(host, '/mesh');
  writeFileSync(at('identity/key.pem'), key);

  await expect(ensureIdentity(host, '/mesh')).rejects.toMatchObject({ code: 'FILE_FAILED' });
  writeFileSync(at('identity/key.pem'), 'rubbish');
  await expect(ensureIdentity(host, '/mesh')).rejects.toMatchObject({ code: 'FILE_FAILED' });
  expect(readFileSync(at('identity/key.pem'), 'utf8')).toBe('rubbish');
});

test('a peer id is read with colons, blanks and capitals, and nothing else is one', () => {
  const plain = 'ab'.repeat(32);
  const colons = Array.from({ length: 32 }, () => 'AB').join(':');

  expect([plain, colons, ` ${plain} `].map(parsePeerId)).toEqual([plain, plain, plain]);
  expect(['', 'ab', `${plain}0`, 'xy'.repeat(32)].map(parsePeerId)).toEqual([
    null,
    null,
    null,
    null,
  ]);
});
