// The option --wait of commands that publish records.

import { MailctlError } from '../errors.ts';

/** Milliseconds. Throws USAGE with `hint` for anything but whole seconds. */
export function parseWait(text: string, hint: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text) * 1000;
  throw new MailctlError('USAGE', `--wait takes whole seconds, not ${JSON.stringify(text)}`, {
    hint,
  });
}
