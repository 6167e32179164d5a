// Whether a clock can be believed.

import { expect, test } from 'bun:test';
import { isPlausible } from '../../src/host/clock.ts';

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

test('no time at all is not plausible', () => {
  expect(isPlausible(new Date(Number.NaN))).toBe(false);
});
