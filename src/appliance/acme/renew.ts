// `ssl-setup` obtains the first certificate, `ssl-renew` renews it when due.

import { MailctlError } from '../../errors.ts';
import { requireClock } from '../../host/clock.ts';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import { readInstalledPair } from '../tls/store.ts';
import { reloadTls } from '../tls/swap.ts';
import { ensureCertificate, isCertificateBehind } from '../tls/tls.ts';
import { removeChallenges } from './challenges.ts';
import { openMemory } from './memory.ts';
import { type Obtained, obtain, refreshAdvice } from './obtain.ts';
import { type ExpiryWarning, expiryWarning, type Schedule, waitsUntil } from './policy.ts';
import { nextRenewal, type Outlook, outlookWith, readOutlook } from './renewal.ts';
import { finishRoll } from './roll.ts';

export type Renewal =
  | { readonly outcome: 'unchanged'; readonly at: Date | null; readonly why: string }
  | { readonly outcome: 'taken-up' }
  | Obtained;

export interface RenewOptions {
  /** Renew regardless of the certificate's age. */
  readonly now: boolean;
  readonly newKey: boolean;
  /** True when an operator runs the command, false for the scheduler. */
  readonly byHand: boolean;
}

/** Throws ACME_LIMITED before the next allowed attempt. */
function requireTurn(host: Host, { state }: Outlook, byHand: boolean): void {
  const wait = waitsUntil(state, host.clock.now(), byHand);
  if (wait === null) return;
  const at = wait.toISOString().replace(/\.\d+Z$/, 'Z');
  const message = `no retry before ${at}: ${state.failures.length} attempts failed, the last with: ${state.lastError}`;
  throw new MailctlError('ACME_LIMITED', message, { hint: 'mailctl ssl-status', retryAt: wait });
}

/** Throws NOT_INSTALLED before the first `ssl-setup`. */
function requireAgreed({ state }: Outlook): void {
  if (state.agreed) return;
  throw new MailctlError('NOT_INSTALLED', 'ssl-setup has not run yet', {
    hint: 'mailctl ssl-setup',
  });
}

/** What `renew` would do now (`due`), and its next time with the reason. Throws NOT_INSTALLED. */
export async function planRenewal(
  host: Host,
  target: Appliance,
  { now }: Pick<RenewOptions, 'now'>,
): Promise<{ readonly due: string | null; readonly next: Schedule | null }> {
  const next = await nextRenewal(host, target);
  if (target.settings.ssl.type !== 'letsencrypt') {
    const behind = await isCertificateBehind(host, target);
    const given = target.settings.ssl.type === 'manual';
    const what = given ? 'install the given certificate' : 'make a new self-signed certificate';
    return { due: behind ? what : null, next };
  }
  requireAgreed(await readOutlook(host, target));
  if (now) return { due: 'renew the certificate regardless of its age', next };
  const due = next !== null && next.at <= host.clock.now();
  return { due: due ? `renew the certificate: ${next.why}` : null, next };
}

/** For `ssl.type` manual and selfsigned. */
async function renewGiven(host: Host, target: Appliance): Promise<Renewal> {
  const { changed } = await ensureCertificate(host, target);
  if (changed) {
    await reloadTls(host, target);
    return { outcome: 'taken-up' };
  }
  const next = await nextRenewal(host, target);
  return { outcome: 'unchanged', at: next?.at ?? null, why: next?.why ?? '' };
}

/** Throws NOT_INSTALLED before the first `ssl-setup`; what `obtain` throws. */
export async function renew(
  host: Host,
  target: Appliance,
  options: RenewOptions,
): Promise<Renewal> {
  requireClock(host.clock);
  if (target.settings.ssl.type !== 'letsencrypt') return renewGiven(host, target);
  const memory = await openMemory(host, target.paths);
  const { acme } = memory;
  let outlook = await readOutlook(host, target, acme.current);
  // the certificate and names are the same, the state may have changed
  const again = () => outlookWith(host, target, { ...outlook, state: acme.current });
  requireAgreed(outlook);
  await removeChallenges(host, target, memory.dns);
  await finishRoll(host, target, memory);
  if (options.newKey && !acme.current.newKeyWanted) {
    await acme.write({ ...acme.current, newKeyWanted: true });
  }
  outlook = again();
  if (!options.now && outlook.plan.at > host.clock.now()) {
    await refreshAdvice(host, target, { outlook, memory });
    outlook = again();
  }
  if (!options.now && outlook.plan.at > host.clock.now()) {
    return { outcome: 'unchanged', ...outlook.plan };
  }
  requireTurn(host, outlook, options.byHand);
  return obtain(host, target, { outlook, memory });
}

/** Obtains the first certificate; no-op when the installed one fits. */
export async function setUp(host: Host, target: Appliance): Promise<Renewal> {
  requireClock(host.clock);
  const memory = await openMemory(host, target.paths);
  const { acme } = memory;
  if (!acme.current.agreed) await acme.write({ ...acme.current, agreed: true });
  const outlook = await readOutlook(host, target, acme.current);
  if (outlook.plan.at > host.clock.now()) return { outcome: 'unchanged', ...outlook.plan };
  requireTurn(host, outlook, true);
  return obtain(host, target, { outlook, memory });
}

/** The expiry warning for the served certificate; null with 14 days left or without one. */
export async function servedExpiry(host: Host, target: Appliance): Promise<ExpiryWarning | null> {
  const pair = await readInstalledPair(host, target.paths);
  return pair === null ? null : expiryWarning(pair.chain[0], host.clock.now());
}
