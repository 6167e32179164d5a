import { describe, expect, test } from 'bun:test';
import {
  expired,
  newSelector,
  nextStep,
  switched,
  withRevoked,
  withWaiting,
} from '../../../src/appliance/dkim/plan.ts';
import type { DomainKey } from '../../../src/appliance/dkim/state.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const WEEK = 7 * 86_400;
const ONLY: DomainKey[] = [
  { selector: 'mail', use: 'signing', since: null, removeAt: null, revoked: false },
];

describe('the keys of a domain', () => {
  test('a new selector is the configured one with a timestamp, and fits into a label', () => {
    expect(newSelector('mail', NOW)).toBe('mail20261121-120000');
    expect(newSelector('x'.repeat(63), NOW)).toBe(`${'x'.repeat(40)}20261121-120000`);
  });

  test('the waiting key signs, and the former key is removed after the grace period', () => {
    const after = switched(withWaiting(ONLY, 'k2', NOW), { now: NOW, grace: WEEK });
    expect(after.map(({ selector, use }) => `${selector} ${use}`)).toEqual([
      'mail retired',
      'k2 signing',
    ]);
    expect(after[0]?.removeAt).toBe('2026-11-28T12:00:00.000Z');
    expect(after[1]?.removeAt).toBeNull();
  });

  test('a waiting key is due at once, a retired one at the end of its grace period', () => {
    const next = (keys: readonly DomainKey[], ours = true) => nextStep(keys, { now: NOW, ours });
    expect(next(ONLY)).toBeNull();
    const waiting = withWaiting(ONLY, 'k2', NOW);
    expect(next(waiting)).toEqual(NOW);
    expect(next(waiting, false)).toBeNull();
    const after = switched(waiting, { now: NOW, grace: WEEK });
    expect(next(after)?.toISOString()).toBe('2026-11-28T12:00:00.000Z');
    expect(next(after, false)?.toISOString()).toBe('2026-11-28T12:00:00.000Z');
  });

  test('a revoked key is due at once and removed as soon as another signs, even under a wrong clock', () => {
    const revoked = withRevoked(ONLY, 'mail');
    expect(nextStep(revoked, { now: NOW, ours: true })).toEqual(NOW);
    expect(expired(revoked, NOW)).toEqual([]);
    const after = switched(withWaiting(revoked, 'k2', NOW), { now: NOW, grace: WEEK });
    expect(expired(after, new Date(0)).map(({ selector }) => selector)).toEqual(['mail']);
    expect(after.map(({ selector, use }) => `${selector} ${use}`)).toEqual([
      'mail retired',
      'k2 signing',
    ]);
  });

  test('a retired key is not removed before its time or while the clock is wrong', () => {
    const after = switched(withWaiting(ONLY, 'k2', NOW), { now: NOW, grace: WEEK });
    const at = (time: string) => expired(after, new Date(time)).map(({ selector }) => selector);
    expect(at('2026-11-28T11:59:59Z')).toEqual([]);
    expect(at('2026-11-28T12:00:00Z')).toEqual(['mail']);
    expect(at('2150-01-01T00:00:00Z')).toEqual([]);
    expect(at('1970-01-01T00:00:00Z')).toEqual([]);
  });
});
