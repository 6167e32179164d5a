// When and why the certificate is renewed next: from the installed certificate, the wanted names and the
// stored state. Read-only.

import { isPlausible } from '../../host/clock.ts';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import { type CertificatePair, isSelfSigned, validUntil } from '../tls/certificate.ts';
import { readInstalledPair } from '../tls/store.ts';
import { SELF_SIGNED_RENEW_DAYS } from '../tls/tls.ts';
import { wantedNames } from './names.ts';
import { renewalTime, type Schedule, waitsUntil } from './policy.ts';
import { type AcmeState, readAcmeState } from './state.ts';

const DAY_MS = 86_400_000;
/** Files of `ssl.type manual` are checked this often, because another program renews them. */
const MANUAL_CHECK_MS = DAY_MS;

/** Why a new certificate is needed regardless of its age; null when the installed one fits. */
function reasonToIssue(
  { settings }: Appliance,
  {
    pair,
    state,
    names,
  }: { pair: CertificatePair | null; state: AcmeState; names: readonly string[] },
): string | null {
  if (pair === null) return 'no certificate is installed';
  if (isSelfSigned(pair.chain[0])) return 'the certificate is self-signed';
  if (state.directory !== settings.ssl.directory)
    return `it was not issued by ${settings.ssl.directory}`;
  const missing = names.filter((name) => !state.names.includes(name));
  if (missing.length > 0) return `it does not name ${missing.join(', ')}`;
  if (state.newKeyWanted) return 'a new key was requested';
  if (pair.key.asymmetricKeyType !== settings.ssl.keyType) {
    return `ssl.key_type is ${settings.ssl.keyType}`;
  }
  return null;
}

export interface Outlook {
  readonly state: AcmeState;
  readonly pair: CertificatePair | null;
  readonly names: readonly [string, ...string[]];
  /** The renewal time by age and the CA's advice; now when there is another reason. */
  readonly plan: Schedule;
}

/** The outlook of the same certificate and names for another state. */
export function outlookWith(
  host: Host,
  target: Appliance,
  { pair, names, state }: Omit<Outlook, 'plan'>,
): Outlook {
  const reason = reasonToIssue(target, { pair, state, names });
  const plan =
    reason === null && pair !== null
      ? renewalTime(pair.chain[0], state.advice)
      : { at: host.clock.now(), why: reason ?? '' };
  return { state, pair, names, plan };
}

/** For `ssl.type letsencrypt`. @param state the state that the operation has read; read here if absent */
export async function readOutlook(
  host: Host,
  target: Appliance,
  state?: AcmeState,
): Promise<Outlook> {
  const known = state ?? (await readAcmeState(host, target.paths));
  const pair = await readInstalledPair(host, target.paths);
  const names = await wantedNames(host, target);
  return outlookWith(host, target, { state: known, pair, names });
}

function later(a: Date, b: Date | null): Date {
  return b !== null && b > a ? b : a;
}

/** The next time at which `ssl-renew` acts, and why; null when it never does. */
export async function nextRenewal(host: Host, target: Appliance): Promise<Schedule | null> {
  const { type } = target.settings.ssl;
  const now = host.clock.now();
  if (type === 'manual') {
    const at = new Date(now.getTime() + MANUAL_CHECK_MS);
    return { at, why: 'the certificate files are checked once a day' };
  }
  if (type === 'selfsigned') {
    const pair = await readInstalledPair(host, target.paths);
    if (pair === null) return null;
    const at = new Date(validUntil(pair.chain[0]).getTime() - SELF_SIGNED_RENEW_DAYS * DAY_MS);
    return { at, why: `${SELF_SIGNED_RENEW_DAYS} days are left then` };
  }
  const { state, plan } = await readOutlook(host, target);
  if (!state.agreed) return null;
  const wait = isPlausible(now) ? waitsUntil(state, now, false) : null;
  if (state.keyReadyAt !== null && Date.parse(state.keyReadyAt) > now.getTime()) {
    const at = later(new Date(state.keyReadyAt), wait);
    return { at, why: "the new key's TLSA record has been visible for two TTLs then" };
  }
  if (wait !== null && plan.at < wait) {
    return { at: wait, why: `the last attempt failed: ${state.lastError}` };
  }
  const ask = state.advice === null ? null : new Date(state.advice.askAgainAt);
  if (ask !== null && ask > now && ask < plan.at) {
    return { at: ask, why: "mailctl checks the CA's renewal information" };
  }
  return plan;
}

/** The time for the scheduler; null while the clock is wrong. */
export async function renewalDue(host: Host, target: Appliance): Promise<Date | null> {
  if (!isPlausible(host.clock.now())) return null;
  return (await nextRenewal(host, target))?.at ?? null;
}
