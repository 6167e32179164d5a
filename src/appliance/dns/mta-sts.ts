// The MTA-STS policy (RFC 8461): its text, and the id by which senders detect a change. Pure.

import { digestText } from '../../host/digest.ts';
import type { Settings } from '../settings/settings.ts';

/** Seconds for which senders cache a policy: a day in testing mode, a week in enforce mode. */
const MAX_AGE = { testing: 86_400, enforce: 604_800 } as const;

/** What https://mta-sts.<domain>/.well-known/mta-sts.txt must serve; null when there is no policy. */
export function mtaStsPolicy({ dns, main }: Settings): string | null {
  if (dns.mtaSts === 'none') return null;
  const lines = [
    'version: STSv1',
    `mode: ${dns.mtaSts}`,
    `mx: ${main.hostname}`,
    `max_age: ${MAX_AGE[dns.mtaSts]}`,
  ];
  return `${lines.join('\r\n')}\r\n`;
}

/** Depends on the policy text only; up to 32 letters and digits (RFC 8461 3.1). */
export function mtaStsId(settings: Settings): string {
  return digestText(mtaStsPolicy(settings) ?? '').slice(0, 20);
}
