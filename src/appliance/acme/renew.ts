// The two words: `ssl-setup` gets the first certificate, `ssl-renew` keeps it fresh.

import { MailctlError } from '../../errors.ts';
import { isPlausible } from '../../host/clock.ts';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import { readInstalledPair } from '../tls/store.ts';
import { reloadTls } from '../tls/swap.ts';
import { ensureCertificate, isCertificateBehind } from '../tls/tls.ts';
import { removeChallenges } from './challenges.ts';
import { type Obtained, obtain, refreshAdvice } from './obtain.ts';
import { type ExpiryWarning, expiryWarning, type Schedule, waitsUntil } from './policy.ts';
import { nextRenewal, type Outlook, readOutlook } from './renewal.ts';
import { finishRoll } from './roll.ts';
import { writeAcmeState } from './state.ts';

export type Renewal =
  | { readonly outcome: 'unchanged'; readonly at: Date | null; readonly why: string }
  | { readonly outcome: 'taken-up' }
  | Obtained;

export interface RenewOptions {
  /** Whatever the age of the certificate. */
  readonly now: boolean;
  readonly newKey: boolean;
  /** An operator asks, rather than the scheduler. */
  readonly byHand: boolean;
}

/** Throws CLOCK_UNSET: nothing is judged by its age before the time is known. */
export function requireClock(host: Host): void {
  const now = host.clock.now();
  if (isPlausible(now)) return;
  const message = `the clock of this host shows ${now.toISOString().slice(0, 10)}, which cannot be`;
  throw new MailctlError('CLOCK_UNSET', message, {
    hint: 'wait until the time is set (NTP), or set it with date; then repeat the command',
  });
}

/** Throws ACME_LIMITED while nothing may be tried. */
function requireTurn(host: Host, { state }: Outlook, byHand: boolean): void {
  const wait = waitsUntil(state, host.clock.now(), byHand);
  if (wait === null) return;
  const at = wait.toISOString().replace(/\.\d+Z$/, 'Z');
  const message = `not tried again before ${at}: ${state.failures.length} attempts have failed, the last because ${state.lastError}`;
  throw new MailctlError('ACME_LIMITED', message, { hint: 'mailctl ssl-status', retryAt: wait });
}

/** Throws NOT_INSTALLED before the first `ssl-setup`. */
function requireAgreed({ state }: Outlook): void {
  if (state.agreed) return;
  throw new MailctlError('NOT_INSTALLED', 'no certificate of a CA was asked for yet', {
    hint: 'mailctl ssl-setup',
  });
}

/** What `renew` would do: why it would act now, or else when and why it will. Throws NOT_INSTALLED. */
export async function planRenewal(
  host: Host,
  target: Appliance,
  { now }: Pick<RenewOptions, 'now'>,
): Promise<{ readonly due: string | null; readonly next: Schedule | null }> {
  const next = await nextRenewal(host, target);
  if (target.settings.ssl.type !== 'letsencrypt') {
    const behind = await isCertificateBehind(host, target);
    const given = target.settings.ssl.type === 'manual';
    const what = given ? 'take up the given certificate' : 'make a new self-signed certificate';
    return { due: behind ? what : null, next };
  }
  requireAgreed(await readOutlook(host, target));
  if (now) return { due: 'renew the certificate, whatever its age', next };
  const due = next !== null && next.at <= host.clock.now();
  return { due: due ? `renew the certificate: ${next.why}` : null, next };
}

/** For certificates that no CA is asked for. */
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
  requireClock(host);
  if (target.settings.ssl.type !== 'letsencrypt') return renewGiven(host, target);
  let outlook = await readOutlook(host, target);
  requireAgreed(outlook);
  await removeChallenges(host, target);
  await finishRoll(host, target);
  if (options.newKey && !outlook.state.newKeyWanted) {
    await writeAcmeState(host, target.paths, { ...outlook.state, newKeyWanted: true });
    outlook = await readOutlook(host, target);
  }
  if (!options.now && outlook.plan.at > host.clock.now()) {
    await refreshAdvice(host, target, outlook);
    outlook = await readOutlook(host, target);
  }
  if (!options.now && outlook.plan.at > host.clock.now()) {
    return { outcome: 'unchanged', ...outlook.plan };
  }
  requireTurn(host, outlook, options.byHand);
  return obtain(host, target, outlook);
}

/** The first certificate; does nothing when the installed one is as it should be. */
export async function setUp(host: Host, target: Appliance): Promise<Renewal> {
  requireClock(host);
  const outlook = await readOutlook(host, target);
  const { state, plan } = outlook;
  if (!state.agreed) await writeAcmeState(host, target.paths, { ...state, agreed: true });
  if (plan.at > host.clock.now()) return { outcome: 'unchanged', ...plan };
  requireTurn(host, outlook, true);
  return obtain(host, target, await readOutlook(host, target));
}

/** How loudly to speak of the end of what is served; null when there is time, or nothing is served. */
export async function servedExpiry(host: Host, target: Appliance): Promise<ExpiryWarning | null> {
  const pair = await readInstalledPair(host, target.paths);
  return pair === null ? null : expiryWarning(pair.chain[0], host.clock.now());
}
