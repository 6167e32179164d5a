import { expect, test } from 'bun:test';
import {
  checkPassword,
  generatePassword,
  hashPassword,
  parseHash,
  passwordFromText,
} from '../../../src/appliance/accounts/password.ts';

const crypt = (length: number) => 'a./Z9'.repeat(20).slice(0, length);

test('a password is hashed with Argon2id at a cost that a router can verify', async () => {
  const hash = hashPassword('correct horse');

  expect(hash).toMatch(/^\{ARGON2ID\}\$argon2id\$v=19\$m=9216,t=4,p=1\$/);
  expect(parseHash(hash)).toEqual({ hash });
  expect(await Bun.password.verify('correct horse', hash.slice('{ARGON2ID}'.length))).toBe(true);
  expect(hashPassword('correct horse')).not.toBe(hash);
});

test.each([
  ['secret-1\n', 'secret-1'],
  ['secret-1\r\n', 'secret-1'],
  ['secret-1', 'secret-1'],
  ['secret-1\n\n', 'secret-1\n'],
  [' secret-1 ', ' secret-1 '],
])('passwordFromText(%p) is %p', (text, password) => {
  expect(passwordFromText(text)).toBe(password);
});

test.each([
  ['', 'is empty'],
  ['seven77', 'shorter than 8 characters'],
  ['🔑🔑🔑🔑', 'shorter than 8 characters'],
  ['line\nbreak', 'a line break or a NUL'],
  ['carriage\rreturn', 'a line break or a NUL'],
  ['zero\0zero', 'a line break or a NUL'],
  ['bad \ufffd utf-8', 'not valid UTF-8'],
  ['a'.repeat(513), 'longer than 512 bytes'],
  ['sunshine', 'in the list of common passwords'],
  ['12345678', 'in the list of common passwords'],
  ['P@ssw0rd', 'in the list of common passwords'],
  ['iloveyou!', 'in the list of common passwords'],
])('the password %p is refused, and the error does not contain it', (password, reason) => {
  expect(() => checkPassword(password)).toThrow(reason);
  try {
    checkPassword(password);
  } catch (error) {
    if (password !== '') expect((error as Error).message).not.toContain(password);
  }
});

test.each([
  'pass:word',
  'my password',
  'password password',
  'with spaces inside',
  'пароль на русском',
  '"\'\\{}$(id)%u',
  'a'.repeat(512),
])('the password %p is accepted', (password) => {
  expect(() => checkPassword(password)).not.toThrow();
});

test('a generated password has 100 random bits, readable characters and no repetition', () => {
  const passwords = Array.from({ length: 200 }, generatePassword);

  for (const password of passwords) {
    expect(password).toMatch(
      /^[abcdefghijkmnpqrstuvwxyz2-9]{5}(-[abcdefghijkmnpqrstuvwxyz2-9]{5}){3}$/,
    );
    expect(() => checkPassword(password)).not.toThrow();
  }
  expect(new Set(passwords).size).toBe(200);
});

test.each([
  [`$6$salt$${crypt(86)}`, `{SHA512-CRYPT}$6$salt$${crypt(86)}`],
  [
    `{sha512-crypt}$6$rounds=5000$salt$${crypt(86)}`,
    `{SHA512-CRYPT}$6$rounds=5000$salt$${crypt(86)}`,
  ],
  [`{CRYPT}$6$salt$${crypt(86)}`, `{SHA512-CRYPT}$6$salt$${crypt(86)}`],
  [`$5$salt$${crypt(43)}`, `{SHA256-CRYPT}$5$salt$${crypt(43)}`],
  [`$2y$10$${crypt(53)}`, `{BLF-CRYPT}$2y$10$${crypt(53)}`],
  [`{BLF-CRYPT}$2b$12$${crypt(53)}`, `{BLF-CRYPT}$2b$12$${crypt(53)}`],
  [`{PBKDF2}$1$salt$5000$${'0f'.repeat(20)}`, `{PBKDF2}$1$salt$5000$${'0f'.repeat(20)}`],
  [
    '$argon2i$v=19$m=4096,t=3,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaA',
    '{ARGON2I}$argon2i$v=19$m=4096,t=3,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaA',
  ],
])('the hash %p is accepted', (text, hash) => {
  expect(parseHash(text)).toEqual({ hash });
});

test('an MD5-CRYPT hash is accepted with a warning', () => {
  const { hash, warning } = parseHash(`$1$salt$${crypt(22)}`);

  expect(hash).toBe(`{MD5-CRYPT}$1$salt$${crypt(22)}`);
  expect(warning).toContain('weak hash');
});

const salted = (digest: number, salt: number) =>
  Buffer.alloc(digest + salt, 0xa5).toString('base64');

test.each([
  ['SSHA512', salted(64, 8)],
  ['SSHA512', salted(64, 4)],
  ['SSHA256', salted(32, 8)],
  ['SSHA256', salted(32, 16)],
])('the salted hash {%s}%s is accepted with a warning', (scheme, body) => {
  const { hash, warning } = parseHash(`{${scheme.toLowerCase()}}${body}`);

  expect(hash).toBe(`{${scheme}}${body}`);
  expect(warning).toStartWith(`${scheme} is a fast hash`);
});

test.each([
  '{PLAIN}secret99',
  `{SSHA512}${salted(64, 0)}`,
  `{SSHA512}${salted(32, 8)}`,
  `{SSHA256}${salted(32, 65)}`,
  `{SSHA256}${salted(32, 8)}=`,
  `{SSHA256}${salted(32, 8)}:secret99`,
  '{CLEARTEXT}secret99',
  '{CRYPT}secret99ab',
  '{SSHA}secret99',
  '{NTLM}secret99',
  '{}secret99',
  '{constructor}secret99',
  '{secret99',
  'secret99',
  '',
  '$6$secret99',
  `$6$secret99$${crypt(85)}`,
  `$6$salt$${crypt(86)}:0:0:secret99`,
  `$6$salt$${crypt(86)}\nroot:{PLAIN}secret99`,
  `$6$salt$${crypt(86)}\n`,
  `{ARGON2ID}$argon2id$v=19$m=9999999,t=4,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNo`,
  `$2y$31$${crypt(53)}`,
])('the hash %p is refused, and the error does not contain it', (text) => {
  expect(() => parseHash(text)).toThrow(/hash/);
  try {
    parseHash(text);
  } catch (error) {
    expect((error as Error).message).not.toContain('secret99');
  }
});
