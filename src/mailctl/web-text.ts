// What a command of the mail server says of webmail.

import type { Followed } from '../appliance/webmail/follow.ts';
import type { App } from './app.ts';

/** Webmail that does not work fails no command of the mail server. */
export function warnOfWeb({ output }: App, { problem }: Followed): void {
  if (problem === null) return;
  output.warn(`${problem.message}; next: ${problem.hint ?? 'mailctl webmail status'}`);
}
