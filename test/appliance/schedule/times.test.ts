// Times of retries.

import { expect, test } from 'bun:test';
import { allowedAt, dailyDue, pauseAfter } from '../../../src/appliance/schedule/times.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NOW = new Date(2026, 10, 21, 12, 0);

const after = (milliseconds: number, from = NOW) => new Date(from.getTime() + milliseconds);

test('a failed job is retried at growing intervals of at most six hours', () => {
  const pauses = [1, 2, 3, 4, 5, 6, 7, 8, 50].map((count) => pauseAfter('failed', count, 0));

  expect(pauses.map((pause) => pause / MINUTE)).toEqual([5, 10, 20, 40, 80, 160, 320, 360, 360]);
});

test('a job that has to wait is retried at least every hour', () => {
  const pauses = [1, 2, 3, 4, 5, 50].map((count) => pauseAfter('later', count, 0) / MINUTE);

  expect(pauses).toEqual([5, 10, 20, 40, 60, 60]);
});

test('two jobs that fail together are not retried together', () => {
  expect(pauseAfter('failed', 1, 0.2)).not.toBe(pauseAfter('failed', 1, 0.8));
  expect(pauseAfter('failed', 9, 1)).toBeLessThanOrEqual(7.5 * HOUR);
});

test('a successful job is not repeated at once, whatever its due function returns', () => {
  expect(pauseAfter('done', 0, 0)).toBe(10 * MINUTE);
});

test.each([
  ['nothing forbids it', null, 0],
  ['a failure was long ago', after(-HOUR), 0],
  ['a failure was a moment ago', after(5 * MINUTE), 5 * MINUTE],
  ['the limit was written by a clock 70 years ahead', after(70 * 365 * 24 * HOUR), 0],
])('something due is done after the allowed pause: %s', (_, notBefore, wait) => {
  expect(allowedAt(NOW, notBefore, NOW)).toEqual(after(wait));
});

test('an old failure does not make a job due earlier', () => {
  const tomorrow = after(24 * HOUR);

  expect(allowedAt(tomorrow, after(5 * MINUTE), NOW)).toEqual(tomorrow);
});

test.each([
  ['it has never been done', null, new Date(2026, 10, 21, 6, 30)],
  ['it was done this morning', new Date(2026, 10, 21, 6, 31), new Date(2026, 10, 22, 6, 30)],
  ['it was missed this morning', new Date(2026, 10, 20, 6, 31), new Date(2026, 10, 21, 6, 30)],
  ['it was missed for a year', new Date(2025, 10, 20, 6, 31), new Date(2026, 10, 21, 6, 30)],
  ['it was done by a clock ahead', new Date(2082, 10, 20, 6, 31), new Date(2026, 10, 21, 6, 30)],
])('what is done daily at 06:30 is due, now that %s', (_, last, due) => {
  expect(dailyDue('06:30', last, NOW)).toEqual(due);
});

test.each([
  ['yesterday', new Date(2026, 10, 20, 18, 1), new Date(2026, 10, 21, 18, 0)],
  ['two days ago', new Date(2026, 10, 19, 18, 1), new Date(2026, 10, 20, 18, 0)],
])('what is done daily at 18:00 and was done %s', (_, last, due) => {
  expect(dailyDue('18:00', last, NOW)).toEqual(due);
});
