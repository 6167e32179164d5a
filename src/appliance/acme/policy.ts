// The times of renewal, of a retry after a failure, and of expiry warnings. Pure.

import type { X509Certificate } from 'node:crypto';
import { isPlausible } from '../../host/clock.ts';
import { fingerprintOf, validFrom, validUntil } from '../tls/certificate.ts';
import type { AcmeState, RenewalAdvice } from './state.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** Let's Encrypt allows five failed validations of a name in an hour; two are left for manual attempts. */
const REFUSALS_AN_HOUR = 3;
const FIRST_PAUSE_MS = 20 * MINUTE_MS;
const LONGEST_PAUSE_MS = 6 * HOUR_MS;
/** Upper bound for Retry-After, so that an operator who has fixed the cause is not locked out for longer. */
const LONGEST_CA_PAUSE_MS = 7 * DAY_MS;

export interface Schedule {
  readonly at: Date;
  readonly why: string;
}

/** A constant fraction for each certificate, so that its renewal time needs no state. */
function fractionOf(certificate: X509Certificate): number {
  return Number.parseInt(fingerprintOf(certificate).slice(0, 8), 16) / 2 ** 32;
}

/** A third of the lifetime before its end and up to a sixtieth earlier, or in the CA's window. */
export function renewalTime(leaf: X509Certificate, advice: RenewalAdvice | null): Schedule {
  const until = validUntil(leaf).getTime();
  const lifetime = until - validFrom(leaf).getTime();
  const share = fractionOf(leaf);
  const own = until - lifetime / 3 - share * (lifetime / 60);
  const plan = { at: new Date(own), why: 'a third of its lifetime is left then' };
  if (advice === null) return plan;
  const start = Date.parse(advice.start);
  const end = Date.parse(advice.end);
  // RFC 9773 4.2: a window that ends before it begins is ignored
  if (!(end > start)) return plan;
  const at = start + share * (end - start);
  // a window after the expiry is ignored
  return at < until ? { at: new Date(at), why: "the CA's renewal information says so" } : plan;
}

/** Failures of the last 24 hours. */
export function recentFailures(failures: readonly string[], now: Date): string[] {
  const since = now.getTime() - DAY_MS;
  return failures.filter((at) => Date.parse(at) > since && Date.parse(at) <= now.getTime());
}

export interface Failure {
  readonly now: Date;
  readonly message: string;
  /** The CA's Retry-After in seconds; null without one. */
  readonly retryAfter: number | null;
  /** The CA refused the order or the validation, or its certificate is not usable. */
  readonly refused: boolean;
}

export function afterFailure(state: AcmeState, failure: Failure): AcmeState {
  const { now, message, retryAfter, refused } = failure;
  const refusals = recentFailures(state.refusals, now);
  const failures = [...recentFailures(state.failures, now), now.toISOString()];
  const pause = Math.min(FIRST_PAUSE_MS * 2 ** (failures.length - 1), LONGEST_PAUSE_MS);
  const asked = Math.min((retryAfter ?? 0) * 1000, LONGEST_CA_PAUSE_MS);
  return {
    ...state,
    failures: failures.slice(-20),
    refusals: (refused ? [...refusals, now.toISOString()] : refusals).slice(-20),
    lastError: message,
    notBefore: new Date(now.getTime() + Math.max(pause, asked)).toISOString(),
    limitedByCa: asked > 0,
  };
}

/**
 * The time of the next allowed attempt; null when it is allowed now.
 * @param byHand an operator asks: only the CA's Retry-After and the hourly limit count
 */
export function waitsUntil(state: AcmeState, now: Date, byHand: boolean): Date | null {
  const limits: number[] = [];
  const notBefore = state.notBefore === null ? Number.NaN : Date.parse(state.notBefore);
  if (!byHand || state.limitedByCa) limits.push(notBefore);
  const lastHour = state.refusals
    .map((at) => Date.parse(at))
    .filter((at) => at > now.getTime() - HOUR_MS && at <= now.getTime());
  const oldest = lastHour.at(-REFUSALS_AN_HOUR);
  if (oldest !== undefined) limits.push(oldest + HOUR_MS);
  // a time in the far future was stored under a wrong clock and is ignored
  const longest = now.getTime() + LONGEST_CA_PAUSE_MS + DAY_MS;
  const latest = Math.max(...limits.filter((at) => at > now.getTime() && at <= longest));
  return Number.isFinite(latest) ? new Date(latest) : null;
}

export interface ExpiryWarning {
  readonly severity: 'note' | 'warning' | 'error';
  readonly daysLeft: number;
  readonly message: string;
}

/** A note below 14 days, a warning below 7, an error below 3; null before and while the clock is wrong. */
export function expiryWarning(leaf: X509Certificate, now: Date): ExpiryWarning | null {
  if (!isPlausible(now)) return null;
  const until = validUntil(leaf);
  const left = until.getTime() - now.getTime();
  const daysLeft = Math.floor(left / DAY_MS);
  const date = until.toISOString().slice(0, 10);
  if (left <= 0) {
    const message = `the certificate expired on ${date}: mail clients refuse to connect`;
    return { severity: 'error', daysLeft, message };
  }
  const ends = daysLeft === 0 ? 'today' : `in ${daysLeft} days`;
  if (left < 3 * DAY_MS) {
    return {
      ...{ severity: 'error', daysLeft },
      message: `the certificate expires ${ends}, on ${date}`,
    };
  }
  if (left < 7 * DAY_MS) {
    const message = `the certificate expires ${ends}, on ${date}, and was not renewed in time`;
    return { severity: 'warning', daysLeft, message };
  }
  if (left >= 14 * DAY_MS) return null;
  return { severity: 'note', daysLeft, message: `the certificate expires ${ends}, on ${date}` };
}
