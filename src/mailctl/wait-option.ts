// The options with which commands wait: --wait for records, --wait-for-signatures for the virus scanner.

import { MailctlError } from '../errors.ts';

/** Milliseconds. Throws USAGE with `hint` for anything but whole seconds. */
export function parseWait(text: string, hint: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text) * 1000;
  throw new MailctlError('USAGE', `--wait takes whole seconds, not ${JSON.stringify(text)}`, {
    hint,
  });
}

/** Flag and description. */
export const WAIT_FOR_SIGNATURES = [
  '--wait-for-signatures',
  'with features.virus_scan: wait until the first signatures are downloaded; mail is deferred meanwhile',
] as const;
