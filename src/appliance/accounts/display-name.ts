// Display names of mailboxes: one line of text that the field gecos of `users` can hold.

import { MailctlError } from '../../errors.ts';
import { quoted } from '../address.ts';

const MAX_CHARACTERS = 100;
// Control characters and invisible ones such as direction marks; the two joiners are part of words
const NOT_SHOWN = /(?![\u200c\u200d])\p{C}|[\p{Zl}\p{Zp}]/u;

function problemOf(text: string): string | null {
  if ([...text].length > MAX_CHARACTERS) return `it is longer than ${MAX_CHARACTERS} characters`;
  if (NOT_SHOWN.test(text)) return 'it has a control character or an invisible one';
  // separates the fields of `users`
  return text.includes(':') ? 'it has a colon' : null;
}

export function isDisplayName(text: string): boolean {
  return text !== '' && problemOf(text) === null;
}

/** null for an empty text. Throws NAME_INVALID. */
export function parseDisplayName(text: string): string | null {
  const name = text.trim().normalize('NFC');
  const problem = problemOf(name);
  if (problem === null) return name === '' ? null : name;
  throw new MailctlError('NAME_INVALID', `${quoted(text)} is not a display name: ${problem}`);
}
