// The recovery key: an age identity, which only the operator keeps. The box keeps its recipient, which encrypts and reads
// nothing. Pure.

import { MailctlError } from '../errors.ts';

const PREFIX = 'AGE-SECRET-KEY-1';
const KEY = /^AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}$/;
const GROUP = 4;
/** Characters that are typed back. */
const PART = 8;

/**
 * The identity in a text: as shown, with blanks or line breaks, in lower case, or a key file of `age-keygen`.
 * Throws RECOVERY_KEY_WRONG without repeating the text.
 */
export function parseRecoveryKey(text: string): string {
  const lines = text.split('\n').filter((line) => !line.trimStart().startsWith('#'));
  const key = lines.join('').replace(/\s+/g, '').toUpperCase();
  if (KEY.test(key)) return key;
  const found = key.startsWith(PREFIX)
    ? `it has ${key.length - PREFIX.length} characters after ${PREFIX}, or one that no key has`
    : `it does not begin with ${PREFIX}`;
  throw new MailctlError('RECOVERY_KEY_WRONG', `not a recovery key: ${found}`, {
    hint: `a recovery key is ${PREFIX} and 58 letters and digits, never B, I or O after that`,
  });
}

/** In groups of four, as people copy it. */
export function formatRecoveryKey(identity: string): string {
  const groups = identity.slice(PREFIX.length).match(new RegExp(`.{1,${GROUP}}`, 'g')) ?? [];
  return `${PREFIX} ${groups.join(' ')}`;
}

/** The last characters, which whoever has saved the key can type. */
export const isTypedBack = (identity: string, typed: string): boolean =>
  typed.replace(/\s+/g, '').toUpperCase() === identity.slice(-PART);

export const TYPED_BACK = `the last ${PART} characters`;
