// The recovery key as people and programs write it.

import { expect, test } from 'bun:test';
import { generateAgeKey, recipientOf } from '../../src/host/age-key.ts';
import { formatRecoveryKey, isTypedBack, parseRecoveryKey } from '../../src/mesh/recovery-key.ts';

const { identity, recipient } = await generateAgeKey();

test.each([
  ['as it is', identity],
  ['in groups', formatRecoveryKey(identity)],
  [
    'in lower case, with a line break',
    `${identity.slice(0, 30).toLowerCase()}\n ${identity.slice(30)}\n`,
  ],
  ['as age-keygen writes it', `# created: 2026-11-21\n# public key: ${recipient}\n${identity}\n`],
])('a key is read %s', (_, text) => {
  expect(parseRecoveryKey(text)).toBe(identity);
});

test.each([
  ['', 'does not begin with'],
  ['sesame', 'does not begin with'],
  [identity.slice(0, -1), '57 characters'],
  [`${identity.slice(0, -1)}B`, 'or one that no key has'],
])('%p is refused without being repeated', (text, reason) => {
  const refuse = () => parseRecoveryKey(text);

  expect(refuse).toThrow(reason);
  if (text.length > 20) expect(refuse).not.toThrow(text.slice(20, 40));
});

test('a typing error is found by the checksum, and the key is not repeated', async () => {
  const other = identity.at(-1) === 'Q' ? 'P' : 'Q';
  const wrong = identity.slice(0, -1) + other;
  const error = await recipientOf(wrong).catch((one: Error) => one);

  expect(String(error)).toContain('typing error');
  expect(JSON.stringify(error) + String(error)).not.toContain(wrong.slice(20, 40));
});

test('the last characters prove that the key was saved', () => {
  expect(isTypedBack(identity, identity.slice(-8))).toBe(true);
  expect(
    isTypedBack(identity, ` ${identity.slice(-8, -4).toLowerCase()} ${identity.slice(-4)}`),
  ).toBe(true);
  expect(isTypedBack(identity, identity.slice(-7))).toBe(false);
  expect(isTypedBack(identity, '')).toBe(false);
});
