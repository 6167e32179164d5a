// The results of ssl-setup and ssl-renew as text.

import { type Renewal, servedExpiry } from '../appliance/acme/renew.ts';
import { type ExitStatus, MailctlError, STATUS } from '../errors.ts';
import type { App } from './app.ts';
import type { Ending } from './statuses.ts';

/** The endings of a command that asks a CA. */
export const RENEWAL_ENDS: readonly Ending[] = [
  ...(['NOT_SERVED', 'DNS_BY_HAND', 'CERTIFICATE_INVALID', 'DNS_ZONE_UNFIT'] as const),
  ...(['ACME_REFUSED', 'DNS_PROVIDER_UNFIT', 'ACME_UNREACHABLE', 'ACME_LIMITED'] as const),
  ...([
    'DNS_NOT_VISIBLE',
    'DNS_DENIED',
    'DNS_REFUSED',
    'CERTIFICATE_WAITS',
    'CLOCK_UNSET',
  ] as const),
];

/** To the second, in UTC. */
export function moment(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}

function describe(renewal: Exclude<Renewal, { outcome: 'waiting' }>): string[] {
  if (renewal.outcome === 'taken-up')
    return ['the new files of ssl.cert_path and ssl.key_path are in use'];
  if (renewal.outcome === 'unchanged') {
    if (renewal.at === null) return ['nothing to renew'];
    return [`nothing to do before ${moment(renewal.at)}: ${renewal.why}`];
  }
  return [
    `a certificate for ${renewal.names.join(', ')} is ${renewal.running ? 'served on every port' : 'installed'}`,
    ...renewal.leftOut,
  ];
}

/** Prints the result. Throws CERTIFICATE_WAITS while a new key waits for its TLSA record. */
export function reportRenewal(app: App, renewal: Renewal): ExitStatus {
  if (renewal.outcome === 'waiting') {
    const at = renewal.readyAt === null ? 'later' : moment(renewal.readyAt);
    throw new MailctlError(
      'CERTIFICATE_WAITS',
      `the new key serves from ${at} on: its TLSA record must have been visible for two TTLs first`,
      {
        hint: 'mailctl ssl-renew   (then; mailctl serve does it by itself)',
        ...(renewal.readyAt === null ? {} : { retryAt: renewal.readyAt }),
      },
    );
  }
  const data =
    renewal.outcome === 'unchanged'
      ? { outcome: renewal.outcome, next: renewal.at, why: renewal.why }
      : renewal.outcome === 'taken-up'
        ? { outcome: renewal.outcome }
        : { outcome: renewal.outcome, names: renewal.names, left_out: renewal.leftOut };
  app.output.result(describe(renewal), data);
  return STATUS.OK;
}

/** Warns when the certificate expires soon. */
export async function warnOfExpiry(app: App): Promise<void> {
  const warning = await servedExpiry(app.host, await app.appliance());
  if (warning !== null) app.output.warn(warning.message);
}
