// Plausibility of the clock, and time limits.

import { expect, test } from 'bun:test';
import { isPlausible, requireClock, systemClock, withinTime } from '../../src/host/clock.ts';

test.each([
  ['a board without a battery', '1970-01-01T00:00:37Z'],
  ['a firmware date from before this program was built', '2025-12-31T23:59:59Z'],
  ['a clock that ran away', '2099-01-01T00:00:00Z'],
])('the time of %s is not plausible', (_, now) => {
  expect(isPlausible(new Date(now))).toBe(false);
});

test.each(['2026-01-01T00:00:00Z', '2045-12-01T00:00:00Z'])('%s is plausible', (now) => {
  expect(isPlausible(new Date(now))).toBe(true);
});

test('an invalid time is not plausible', () => {
  expect(isPlausible(new Date(Number.NaN))).toBe(false);
});

test('an implausible clock is an error with the date it shows', () => {
  const at = (time: string) => ({ ...systemClock, now: () => new Date(time) });

  expect(() => requireClock(at('1970-01-02T00:00:00Z'))).toThrow(
    'the clock of this host shows 1970-01-02, which cannot be right',
  );
  expect(() => requireClock(at('2026-11-21T00:00:00Z'))).not.toThrow();
});

test('work within its limit returns its result or throws its error', async () => {
  expect(await withinTime(systemClock, 60_000, Promise.resolve('done'))).toBe('done');
  const failed = Promise.reject(new Error('of its own'));
  await expect(withinTime(systemClock, 60_000, failed)).rejects.toThrow('of its own');
});

test('work beyond its limit times out', async () => {
  const endless = new Promise<never>(() => undefined);
  await expect(withinTime(systemClock, 1, endless)).rejects.toThrow('timed out after 0.001 s');
});
