// What becomes of a domain's keys, step by step. Pure.

import { isPlausible } from '../host/clock.ts';
import type { Selector } from './dkim-record.ts';
import type { DomainKey } from './dkim-state.ts';

/** A name that the domain has not: the configured one and the day. RFC 1035: at most 63 characters. */
export function newSelector(configured: Selector, keys: readonly DomainKey[], now: Date): Selector {
  const day = now.toISOString().slice(0, 10).replaceAll('-', '');
  const stem = `${configured.slice(0, 50)}${day}`;
  const taken = new Set(keys.map(({ selector }) => selector));
  for (let count = 1; ; count += 1) {
    const name = count === 1 ? stem : `${stem}-${count}`;
    if (!taken.has(name)) return name;
  }
}

export function withWaiting(
  keys: readonly DomainKey[],
  selector: Selector,
  now: Date,
): DomainKey[] {
  return [...keys, { selector, use: 'waiting', since: now.toISOString(), removeAt: null }];
}

/**
 * The waiting key signs from now on; the one before stays published for `grace` seconds, so that
 * messages which it has signed can be checked wherever they still wait.
 */
export function switched(
  keys: readonly DomainKey[],
  { now, grace }: { now: Date; grace: number },
): DomainKey[] {
  const since = now.toISOString();
  const removeAt = new Date(now.getTime() + grace * 1000).toISOString();
  return keys.map((key): DomainKey => {
    if (key.use === 'waiting') return { ...key, use: 'signing', since };
    return key.use === 'signing' ? { ...key, use: 'retired', since, removeAt } : key;
  });
}

/** Retired keys whose time is over; none while the clock is wrong. */
export function expired(keys: readonly DomainKey[], now: Date): DomainKey[] {
  if (!isPlausible(now)) return [];
  return keys.filter(({ removeAt }) => removeAt !== null && Date.parse(removeAt) <= now.getTime());
}

/** When something is to be done with these keys next; null when never. */
export function nextStep(keys: readonly DomainKey[], now: Date): Date | null {
  if (!isPlausible(now)) return null;
  const moments = keys.flatMap(({ use, removeAt }) => {
    if (use === 'waiting') return [now.getTime()];
    return removeAt === null ? [] : [Date.parse(removeAt)];
  });
  return moments.length === 0 ? null : new Date(Math.min(...moments));
}
