// What ssl-setup and ssl-renew have to say of what they did.

import type { Renewal } from '../appliance/acme/renew.ts';
import { MailctlError } from '../errors.ts';
import type { App } from './app.ts';

/** To the second, in UTC. */
export function moment(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}

function describe(renewal: Exclude<Renewal, { outcome: 'waiting' }>): string[] {
  if (renewal.outcome === 'taken-up') return ['the certificate was taken up'];
  if (renewal.outcome === 'unchanged') {
    if (renewal.at === null) return ['nothing to renew'];
    return [`nothing to do before ${moment(renewal.at)}: ${renewal.why}`];
  }
  return [
    `a certificate for ${renewal.names.join(', ')} is ${renewal.running ? 'served on every port' : 'installed'}`,
    ...renewal.leftOut,
  ];
}

/** Prints the result. Throws CERTIFICATE_WAITS where it is not done yet. */
export async function reportRenewal(app: App, renewal: Renewal): Promise<void> {
  if (renewal.outcome === 'waiting') {
    const at = renewal.readyAt === null ? 'later' : moment(renewal.readyAt);
    throw new MailctlError(
      'CERTIFICATE_WAITS',
      `the new key serves from ${at} on: its TLSA record must have been visible for two TTLs first`,
      { hint: `mailctl ssl-renew   (then; where mailctl serve runs, it does that by itself)` },
    );
  }
  const data =
    renewal.outcome === 'unchanged'
      ? { outcome: renewal.outcome, next: renewal.at, why: renewal.why }
      : renewal.outcome === 'taken-up'
        ? { outcome: renewal.outcome }
        : { outcome: renewal.outcome, names: renewal.names, left_out: renewal.leftOut };
  app.output.result(describe(renewal), data);
}

/** Says how long the certificate still lives where that is short. */
export async function warnOfExpiry(app: App): Promise<void> {
  const { servedExpiry } = await import('../appliance/acme/renew.ts');
  const warning = await servedExpiry(app.host, await app.appliance());
  if (warning !== null) app.output.warn(warning.message);
}
