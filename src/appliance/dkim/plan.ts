// The steps of a key rotation. Pure.

import { isPlausible } from '../../host/clock.ts';
import type { Selector } from './record.ts';
import type { DomainKey } from './state.ts';

/**
 * The configured selector with a timestamp, `mail20261121-143005`: resolvers cache a removed record, so a
 * selector is never reused with another key. RFC 1035: at most 63 characters, here with `-ed25519`.
 */
export function newSelector(configured: Selector, now: Date): Selector {
  const [date = '', time = ''] = now.toISOString().slice(0, 19).split('T');
  return `${configured.slice(0, 40)}${date.replaceAll('-', '')}-${time.replaceAll(':', '')}`;
}

export function withWaiting(
  keys: readonly DomainKey[],
  selector: Selector,
  now: Date,
): DomainKey[] {
  const since = now.toISOString();
  return [...keys, { selector, use: 'waiting', since, removeAt: null, revoked: false }];
}

export function withRevoked(keys: readonly DomainKey[], selector: Selector): DomainKey[] {
  return keys.map((key) => (key.selector === selector ? { ...key, revoked: true } : key));
}

/**
 * The waiting key becomes the signing key. The former one stays published for `grace` seconds, so that
 * receivers can verify messages that it has signed; a revoked one does not.
 */
export function switched(
  keys: readonly DomainKey[],
  { now, grace }: { now: Date; grace: number },
): DomainKey[] {
  const since = now.toISOString();
  const removeAt = new Date(now.getTime() + grace * 1000).toISOString();
  return keys.map((key): DomainKey => {
    if (key.use === 'waiting') return { ...key, use: 'signing', since };
    if (key.use === 'retired') return key;
    return { ...key, use: 'retired', since, removeAt: key.revoked ? since : removeAt };
  });
}

/** Retired keys whose grace has ended; while the clock is wrong, only revoked ones. */
export function expired(keys: readonly DomainKey[], now: Date): DomainKey[] {
  return keys.filter(({ use, removeAt, revoked }) => {
    if (use === 'retired' && revoked) return true;
    return removeAt !== null && isPlausible(now) && Date.parse(removeAt) <= now.getTime();
  });
}

/**
 * The time of the next step for these keys; null when there is none.
 * @param ours false for a removed mail domain, for which nothing is published
 */
export function nextStep(
  keys: readonly DomainKey[],
  { now, ours }: { now: Date; ours: boolean },
): Date | null {
  if (!isPlausible(now)) return null;
  const moments = keys.flatMap(({ use, removeAt, revoked }) => {
    if (ours && (use === 'waiting' || revoked)) return [now.getTime()];
    return removeAt === null ? [] : [Date.parse(removeAt)];
  });
  return moments.length === 0 ? null : new Date(Math.min(...moments));
}
