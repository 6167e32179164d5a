// Signatures under manifests.

import { expect, test } from 'bun:test';
import { generateRsaKey, randomHex } from '../../src/host/keys.ts';
import { makeIdentity, peerIdOf } from '../../src/mesh/identity.ts';
import { createSigner, verifySignature } from '../../src/mesh/signature.ts';

const identity = async () =>
  makeIdentity({ name: 'box', key: await generateRsaKey(), serial: randomHex(8) });
const [mine, other] = await Promise.all([identity(), identity()]);
const text = new TextEncoder().encode('a manifest');
const { box, sign } = createSigner(mine);

test('a signature of a box is verified with its peer id alone', () => {
  expect(box).toBe(peerIdOf(mine.certificate));
  expect(verifySignature(box, text, sign(text))).toBe(true);
});

test.each([
  ['another text', new TextEncoder().encode('a manifesT'), sign(text)],
  ['no signature', text, ''],
  ['a certificate alone', text, sign(text).split('.')[0] ?? ''],
  ['the signature of another box', text, createSigner(other).sign(text)],
  [
    'its signature with our certificate',
    text,
    `${sign(text).split('.')[0]}.${createSigner(other).sign(text).split('.')[1]}`,
  ],
  ['no base64', text, '%%%.%%%'],
])('%s is refused', (_, bytes, signature) => {
  expect(verifySignature(box, bytes, signature)).toBe(false);
});
