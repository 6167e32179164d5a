// One login as the internal probe account, from the host: tests that logins are answered. Cheap enough for `status`.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { bareAddress } from '../../host/ip.ts';
import { presentable } from '../../host/programs.ts';
import type { Appliance } from '../appliance.ts';
import { readHostPart } from '../container/host-part.ts';
import { firstOf, probeLogin } from './mail.ts';
import { readProbePassword } from './secret.ts';

export interface LoginTrial {
  /** `silent`: no answer within the limit; `refused`: the login failed. */
  readonly outcome: 'works' | 'silent' | 'refused';
  /** The port that was tried, by its option of UCI's section `ports`. */
  readonly service: string;
  /** The error; empty if the login works. */
  readonly said: string;
}

/** Milliseconds that a user waits for a login. */
export const LOGIN_LIMIT_MS = 5000;

/**
 * Milliseconds after which a login that is still unanswered never will be: Dovecot delays an address after failures
 * for 15 s at most, and a burst of guesses is worked off before.
 */
export const HANGING_LIMIT_MS = 30_000;

const SERVICES = ['imaps', 'imap', 'pop3s', 'pop3', 'smtps', 'submission'] as const;

/**
 * Null where there is nothing to try: not installed, or no port with logins is on.
 * @param limit milliseconds to wait for the answer
 */
export async function tryLogin(
  host: Host,
  target: Appliance,
  limit: number,
): Promise<LoginTrial | null> {
  const { settings, paths } = target;
  const service = firstOf(settings, SERVICES);
  const part = await readHostPart(host, paths, 'current');
  if (service === null || part === null) return null;
  const password = await readProbePassword(host, paths);
  const deadline = host.clock.now().getTime() + limit;
  const address = bareAddress(part.network.address);
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

/** The message about a failed trial. */
export function describeTrial({ outcome, service, said }: LoginTrial, limit: number): string {
  if (outcome === 'silent') return `a login on ${service} had no answer for ${limit / 1000} s`;
  return `a login on ${service} failed: ${said}`;
}
