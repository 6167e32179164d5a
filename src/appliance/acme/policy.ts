// When a certificate is renewed, and when a failed attempt is repeated. Pure.

import type { X509Certificate } from 'node:crypto';
import { isPlausible } from '../../host/clock.ts';
import { fingerprintOf, validFrom, validUntil } from '../tls/certificate.ts';
import type { AcmeState, RenewalAdvice } from './state.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** Let's Encrypt takes five failed validations of a name in an hour; an operator may need some of them. */
const REFUSALS_AN_HOUR = 3;
const FIRST_PAUSE_MS = 20 * MINUTE_MS;
const LONGEST_PAUSE_MS = 6 * HOUR_MS;
/** However long a CA wants to be left alone: an operator who has mended something is not locked out. */
const LONGEST_CA_PAUSE_MS = 7 * DAY_MS;

export interface Schedule {
  readonly at: Date;
  readonly why: string;
}

/** Always the same for one certificate, and different for two: no moment has to be remembered. */
function fractionOf(certificate: X509Certificate): number {
  return Number.parseInt(fingerprintOf(certificate).slice(0, 8), 16) / 2 ** 32;
}

/** A third of the lifetime before its end, and up to a sixtieth earlier, or when the CA says. */
export function renewalTime(leaf: X509Certificate, advice: RenewalAdvice | null): Schedule {
  const until = validUntil(leaf).getTime();
  const lifetime = until - validFrom(leaf).getTime();
  const share = fractionOf(leaf);
  const own = until - lifetime / 3 - share * (lifetime / 60);
  const plan = { at: new Date(own), why: 'a third of its lifetime is left then' };
  if (advice === null) return plan;
  const start = Date.parse(advice.start);
  const end = Date.parse(advice.end);
  // RFC 9773 4.2: a window that ends before it begins says nothing
  if (!(end > start)) return plan;
  const at = start + share * (end - start);
  // a CA that would have it renewed when it is over is not followed
  return at < until ? { at: new Date(at), why: "the CA's renewal information says so" } : plan;
}

/** Failures that still count at `now`. */
export function recentFailures(failures: readonly string[], now: Date): string[] {
  const since = now.getTime() - DAY_MS;
  return failures.filter((at) => Date.parse(at) > since && Date.parse(at) <= now.getTime());
}

export interface Failure {
  readonly now: Date;
  readonly message: string;
  /** Seconds that the CA wants to be left alone; null when it did not say. */
  readonly retryAfter: number | null;
  /** The CA has looked and did not like what it saw, or its certificate could not be used. */
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
 * The moment before which nothing is tried; null when it may be tried now.
 * @param byHand an operator asks: only the CA's own word and the hourly limit count
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
  // a moment that a wrong clock has put into the far future binds nobody
  const longest = now.getTime() + LONGEST_CA_PAUSE_MS + DAY_MS;
  const latest = Math.max(...limits.filter((at) => at > now.getTime() && at <= longest));
  return Number.isFinite(latest) ? new Date(latest) : null;
}

export interface ExpiryWarning {
  readonly severity: 'note' | 'warning' | 'error';
  readonly daysLeft: number;
  readonly message: string;
}

/** Louder at 14, 7 and 3 days; null before, and while the clock is wrong. */
export function expiryWarning(leaf: X509Certificate, now: Date): ExpiryWarning | null {
  if (!isPlausible(now)) return null;
  const until = validUntil(leaf);
  const left = until.getTime() - now.getTime();
  const daysLeft = Math.floor(left / DAY_MS);
  const date = until.toISOString().slice(0, 10);
  if (left <= 0) {
    const message = `THE CERTIFICATE EXPIRED ON ${date}: mail programs refuse to connect`;
    return { severity: 'error', daysLeft, message };
  }
  const ends = daysLeft === 0 ? 'today' : `in ${daysLeft} days`;
  if (left < 3 * DAY_MS) {
    return {
      ...{ severity: 'error', daysLeft },
      message: `THE CERTIFICATE EXPIRES ${ends.toUpperCase()}, on ${date}`,
    };
  }
  if (left < 7 * DAY_MS) {
    const message = `the certificate expires ${ends}, on ${date}, and was not renewed in time`;
    return { severity: 'warning', daysLeft, message };
  }
  if (left >= 14 * DAY_MS) return null;
  return { severity: 'note', daysLeft, message: `the certificate expires ${ends}, on ${date}` };
}
