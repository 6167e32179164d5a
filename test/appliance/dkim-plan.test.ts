import { describe, expect, test } from 'bun:test';
import {
  expired,
  newSelector,
  nextStep,
  switched,
  withWaiting,
} from '../../src/appliance/dkim-plan.ts';
import type { DomainKey } from '../../src/appliance/dkim-state.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const WEEK = 7 * 86_400;
const ONLY: DomainKey[] = [{ selector: 'mail', use: 'signing', since: null, removeAt: null }];

describe('the keys of a domain', () => {
  test('a new selector is the configured one with the day, and never one that is taken', () => {
    expect(newSelector('mail', ONLY, NOW)).toBe('mail20261121');
    const taken = withWaiting(ONLY, 'mail20261121', NOW);
    expect(newSelector('mail', taken, NOW)).toBe('mail20261121-2');
    expect(newSelector('x'.repeat(63), ONLY, NOW).length).toBeLessThanOrEqual(63);
  });

  test('the waiting key takes over, and the one before is removed a grace later', () => {
    const after = switched(withWaiting(ONLY, 'k2', NOW), { now: NOW, grace: WEEK });
    expect(after.map(({ selector, use }) => `${selector} ${use}`)).toEqual([
      'mail retired',
      'k2 signing',
    ]);
    expect(after[0]?.removeAt).toBe('2026-11-28T12:00:00.000Z');
    expect(after[1]?.removeAt).toBeNull();
  });

  test('what waits is due at once, what is retired when its grace is over', () => {
    expect(nextStep(ONLY, NOW)).toBeNull();
    const waiting = withWaiting(ONLY, 'k2', NOW);
    expect(nextStep(waiting, NOW)).toEqual(NOW);
    const after = switched(waiting, { now: NOW, grace: WEEK });
    expect(nextStep(after, NOW)?.toISOString()).toBe('2026-11-28T12:00:00.000Z');
  });

  test('nothing is over before its time, nor while the clock is wrong', () => {
    const after = switched(withWaiting(ONLY, 'k2', NOW), { now: NOW, grace: WEEK });
    const at = (time: string) => expired(after, new Date(time)).map(({ selector }) => selector);
    expect(at('2026-11-28T11:59:59Z')).toEqual([]);
    expect(at('2026-11-28T12:00:00Z')).toEqual(['mail']);
    expect(at('2150-01-01T00:00:00Z')).toEqual([]);
    expect(at('1970-01-01T00:00:00Z')).toEqual([]);
  });
});
