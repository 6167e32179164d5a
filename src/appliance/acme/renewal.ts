// What is to be done about the certificate, and when: from what is installed, what is wanted, and what
// happened before. Looks only.

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
/** Given files are looked at this often: somebody else may have renewed them. */
const MANUAL_CHECK_MS = DAY_MS;

/** Why a certificate is needed now, whatever its age; null when the installed one is as it should be. */
function reasonToIssue(
  { settings }: Appliance,
  {
    pair,
    state,
    names,
  }: { pair: CertificatePair | null; state: AcmeState; names: readonly string[] },
): string | null {
  if (pair === null) return 'there is no certificate yet';
  if (isSelfSigned(pair.chain[0])) return 'the certificate is self-signed';
  if (state.directory !== settings.ssl.directory)
    return `it was not issued by ${settings.ssl.directory}`;
  const missing = names.filter((name) => !state.names.includes(name));
  if (missing.length > 0) return `${missing.join(', ')} should be named in it`;
  if (state.newKeyWanted) return 'a new key was asked for';
  if (pair.key.asymmetricKeyType !== settings.ssl.keyType) {
    return `ssl.key_type is ${settings.ssl.keyType}`;
  }
  return null;
}

export interface Outlook {
  readonly state: AcmeState;
  readonly pair: CertificatePair | null;
  readonly names: readonly [string, ...string[]];
  /** When it should be renewed by its age and the CA's advice; now when there is another reason. */
  readonly plan: Schedule;
}

/** The same certificate and names under another state. */
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

/** For `ssl.type letsencrypt`. @param state as the operation has read it; read here unless told */
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

/** The next moment at which `ssl-renew` has something to do, and why; null when it never has. */
export async function nextRenewal(host: Host, target: Appliance): Promise<Schedule | null> {
  const { type } = target.settings.ssl;
  const now = host.clock.now();
  if (type === 'manual') {
    const at = new Date(now.getTime() + MANUAL_CHECK_MS);
    return { at, why: 'the given files are looked at once a day' };
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
    return { at: ask, why: 'the CA is asked for its renewal information' };
  }
  return plan;
}

/** For the scheduler. */
export async function renewalDue(host: Host, target: Appliance): Promise<Date | null> {
  if (!isPlausible(host.clock.now())) return null;
  return (await nextRenewal(host, target))?.at ?? null;
}
