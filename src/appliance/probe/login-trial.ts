// One login as the internal probe account, from the host: tests that the server answers logins. Cheap enough for
// `status`.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { presentable } from '../../host/programs.ts';
import type { Appliance } from '../appliance.ts';
import { addressInUse } from '../container/host-part.ts';
import { firstOf, probeLogin } from './mail.ts';
import { readProbePassword } from './secret.ts';

export interface LoginTrial {
  /** `silent`: no answer within the limit; `refused`: the login failed. */
  readonly outcome: 'works' | 'silent' | 'refused';
  /** The tried port, by its option of the UCI section `ports`. */
  readonly service: string;
  /** The error; empty if the login works. */
  readonly said: string;
}

/** Milliseconds that a mail client waits for a login. */
export const LOGIN_LIMIT_MS = 5000;

/**
 * Milliseconds after which an unanswered login counts as hanging: Dovecot delays an address after failures for at most
 * 15 s, and processes a burst of password guesses within that limit.
 */
export const HANGING_LIMIT_MS = 30_000;

const SERVICES = ['imaps', 'imap', 'pop3s', 'pop3', 'smtps', 'submission'] as const;

/**
 * Null if there is nothing to try: the server is not installed, or every port with logins is disabled.
 * @param limit milliseconds to wait for the reply
 */
export async function tryLogin(
  host: Host,
  target: Appliance,
  limit: number,
): Promise<LoginTrial | null> {
  const { settings, paths } = target;
  const service = firstOf(settings, SERVICES);
  const address = await addressInUse(host, paths);
  if (service === null || address === null) return null;
  const password = await readProbePassword(host, paths);
  const deadline = host.clock.now().getTime() + limit;
  const context = { host, settings, address, password, deadline, attempt: limit };
  try {
    await probeLogin({ ...context, fingerprint: undefined }, service);
    return { outcome: 'works', service, said: '' };
  } catch (error) {
    if (!(error instanceof MailctlError)) throw error;
    const outcome = error.code === 'TIMED_OUT' ? 'silent' : 'refused';
    return { outcome, service, said: presentable(error.message, [password]) };
  }
}

/** The message for a failed trial. */
export function describeTrial({ outcome, service, said }: LoginTrial, limit: number): string {
  if (outcome === 'silent') return `a login on ${service} timed out after ${limit / 1000} s`;
  return `a login on ${service} failed: ${said}`;
}
