// Checks a password against a stored hash on this host, for the web pages. Not through Dovecot: root in the container
// could then answer yes, and change the accounts, which the container cannot write.

import { createHash, pbkdf2Sync, timingSafeEqual } from 'node:crypto';
import { verify as verifyCrypt } from 'unixcrypt';

type Check = (body: string, password: string) => boolean | Promise<boolean>;

function equal(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

/** Base64 of the digest of password and salt, followed by the salt. */
const salted =
  (algorithm: string, size: number): Check =>
  (body, password) => {
    const bytes = Buffer.from(body, 'base64');
    if (bytes.length <= size) return false;
    const digest = createHash(algorithm).update(password).update(bytes.subarray(size)).digest();
    return equal(digest, bytes.subarray(0, size));
  };

/** Dovecot's form: `$1$salt$rounds$` and the SHA-1 key in hex. */
const pbkdf2: Check = (body, password) => {
  const [, , salt = '', rounds = '', hex = ''] = body.split('$');
  if (hex === '') return false;
  return equal(pbkdf2Sync(password, salt, Number(rounds), 20, 'sha1'), Buffer.from(hex, 'hex'));
};

const crypt: Check = (body, password) => verifyCrypt(password, body);
const native: Check = (body, password) => Bun.password.verify(password, body);
// Bun knows bcrypt by the prefix $2b$, which is the same algorithm as $2y$
const bcrypt: Check = (body, password) =>
  Bun.password.verify(password, body.replace(/^\$2[ay]\$/, '$2b$'), 'bcrypt');

const CHECKS: Readonly<Record<string, Check>> = {
  ARGON2ID: native,
  ARGON2I: native,
  'BLF-CRYPT': bcrypt,
  'SHA512-CRYPT': crypt,
  'SHA256-CRYPT': crypt,
  PBKDF2: pbkdf2,
  SSHA512: salted('sha512', 64),
  SSHA256: salted('sha256', 32),
};

/**
 * False also for a scheme that is not checked here (MD5-CRYPT), whose owner needs an invitation.
 * @param hash `{SCHEME}hash`
 */
export async function verifyPassword(hash: string, password: string): Promise<boolean> {
  const [, scheme = '', body = ''] = /^\{([^}]+)\}(.*)$/.exec(hash) ?? [];
  const check = Object.hasOwn(CHECKS, scheme) ? CHECKS[scheme] : undefined;
  return check === undefined ? false : check(body, password);
}
