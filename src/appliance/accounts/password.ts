// Passwords and their hashes. A password is hashed in-process and never stored or put into an error; only
// a generated one is printed, once.

import { randomBytes } from 'node:crypto';
import { MailctlError } from '../../errors.ts';
import { readCommonPasswords } from './common-passwords.macro.ts' with { type: 'macro' };

const MIN_LENGTH = 8;
// guessing starts with these, and fail2ban does not stop guesses from many addresses
const COMMON: string = readCommonPasswords();
// Dovecot reads a whole IMAP LOGIN line into memory; clients do not send longer passwords
const MAX_BYTES = 512;

// OWASP's smallest memory setting for Argon2id: about 28 ms on a 2-core x86-64 machine, 160 ms on a
// Cortex-A53, and 9 MB of memory for each concurrent login (the router has 1 GB)
const ARGON2 = { algorithm: 'argon2id', memoryCost: 9216, timeCost: 4 } as const;

// 32 letters and digits without the look-alikes 0/o and 1/l: 5 bits each
const READABLE = 'abcdefghijkmnpqrstuvwxyz23456789';

function refuse(reason: string): never {
  throw new MailctlError('PASSWORD_INVALID', reason, {
    hint: 'choose another password, or repeat with --generate',
  });
}

/** Strips the one line ending that editors and echo add to a file or a pipe. */
export function passwordFromText(text: string): string {
  return text.replace(/\r?\n$/, '');
}

/** Throws PASSWORD_INVALID. */
export function checkPassword(password: string): void {
  if (password === '') refuse('the password is empty');
  if (/[\r\n\0]/.test(password)) refuse('the password contains a line break or a NUL character');
  if (password.includes('\ufffd')) refuse('the password is not valid UTF-8');
  if ([...password].length < MIN_LENGTH) {
    refuse(`the password is shorter than ${MIN_LENGTH} characters`);
  }
  if (Buffer.byteLength(password) > MAX_BYTES) {
    refuse(`the password is longer than ${MAX_BYTES} bytes`);
  }
  if (COMMON.includes(`\n${password.toLowerCase()}\n`)) {
    refuse('the password is in the list of common passwords, which are guessed first');
  }
}

/** A new password of 100 random bits in four readable groups of five: `k7mzp-…`. */
export function generatePassword(): string {
  const letters = [...randomBytes(20)].map((byte) => READABLE.charAt(byte & 31));
  return [0, 5, 10, 15].map((start) => letters.slice(start, start + 5).join('')).join('-');
}

/** Dovecot's form of a new hash, `{ARGON2ID}$argon2id$…`. Throws PASSWORD_INVALID. */
export function hashPassword(password: string): string {
  checkPassword(password);
  return `{ARGON2ID}${Bun.password.hashSync(password, ARGON2)}`;
}

interface Scheme {
  readonly form: RegExp;
  readonly warning?: string;
}

const ARGON2_FORM = (kind: string) =>
  new RegExp(
    `^\\$argon2${kind}\\$v=19\\$m=(\\d{1,7}),t=\\d{1,3},p=1\\$[A-Za-z0-9+/]{11,86}\\$[A-Za-z0-9+/]{22,86}$`,
  );

/** Base64 of a digest of `bytes` bytes and a salt of 3 to 64 bytes. */
const SALTED_FORM = (bytes: number) => {
  const length = (size: number) => 4 * Math.ceil(size / 3);
  const within = `(?=.{${length(bytes + 3)},${length(bytes + 64)}}$)`;
  return new RegExp(`^${within}(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$`);
};

const fastHash = (name: string) =>
  `${name} is a fast hash, easy to guess from once stolen: set a new password soon`;

const SCHEMES: Readonly<Record<string, Scheme>> = {
  ARGON2ID: { form: ARGON2_FORM('id') },
  ARGON2I: { form: ARGON2_FORM('i') },
  'SHA512-CRYPT': { form: /^\$6\$(?:rounds=\d{4,9}\$)?[./0-9A-Za-z]{1,16}\$[./0-9A-Za-z]{86}$/ },
  'SHA256-CRYPT': { form: /^\$5\$(?:rounds=\d{4,9}\$)?[./0-9A-Za-z]{1,16}\$[./0-9A-Za-z]{43}$/ },
  'BLF-CRYPT': { form: /^\$2[aby]\$(?:0[4-9]|1[0-5])\$[./0-9A-Za-z]{53}$/ },
  PBKDF2: { form: /^\$1\$[./0-9A-Za-z]{1,64}\$\d{1,7}\$[0-9a-f]{40}$/ },
  SSHA512: { form: SALTED_FORM(64), warning: fastHash('SSHA512') },
  SSHA256: { form: SALTED_FORM(32), warning: fastHash('SSHA256') },
  'MD5-CRYPT': {
    form: /^\$1\$[./0-9A-Za-z]{0,8}\$[./0-9A-Za-z]{22}$/,
    warning: 'MD5-CRYPT is a weak hash: set a new password soon',
  },
};

const BARE_PREFIXES: readonly (readonly [string, string])[] = [
  ['$argon2id$', 'ARGON2ID'],
  ['$argon2i$', 'ARGON2I'],
  ['$6$', 'SHA512-CRYPT'],
  ['$5$', 'SHA256-CRYPT'],
  ['$2a$', 'BLF-CRYPT'],
  ['$2b$', 'BLF-CRYPT'],
  ['$2y$', 'BLF-CRYPT'],
  ['$1$', 'MD5-CRYPT'],
];

export const ACCEPTED_SCHEMES = Object.keys(SCHEMES).join(', ');
const SCHEME_NAME = /^[A-Z0-9.-]{1,32}$/;
// several concurrent logins must fit into the default main.memory
const MAX_ARGON2_KIB = 65_536;

function schemeOfBare(hash: string): string | undefined {
  return BARE_PREFIXES.find(([prefix]) => hash.startsWith(prefix))?.[1];
}

export interface PasswordHash {
  /** `{SCHEME}hash`, as Dovecot reads it. */
  readonly hash: string;
  readonly warning?: string;
}

/**
 * A hash from another mail server, with or without `{SCHEME}`; `{CRYPT}` is resolved by its prefix.
 * Throws PASSWORD_INVALID without the hash in its message.
 */
export function parseHash(text: string): PasswordHash {
  const brace = text.startsWith('{') ? text.indexOf('}') : 0;
  const named = brace > 0 ? text.slice(1, brace).toUpperCase() : undefined;
  const asked = named === undefined || SCHEME_NAME.test(named) ? named : undefined;
  const body = brace > 0 ? text.slice(brace + 1) : text;
  const name = asked === undefined || asked === 'CRYPT' ? schemeOfBare(body) : asked;
  const scheme = name === undefined || !Object.hasOwn(SCHEMES, name) ? undefined : SCHEMES[name];
  if (name === undefined || scheme === undefined) {
    return refuse(
      asked === undefined
        ? `not a password hash; accepted schemes: ${ACCEPTED_SCHEMES}`
        : `the hash scheme ${asked} is not accepted; accepted schemes: ${ACCEPTED_SCHEMES}`,
    );
  }
  const match = scheme.form.exec(body);
  if (match === null) return refuse(`malformed ${name} hash`);
  if (name.startsWith('ARGON2') && Number(match[1]) > MAX_ARGON2_KIB) {
    refuse(`verifying this ${name} hash needs more than ${MAX_ARGON2_KIB / 1024} MB of memory`);
  }
  const hash = `{${name}}${body}`;
  return scheme.warning === undefined ? { hash } : { hash, warning: scheme.warning };
}
