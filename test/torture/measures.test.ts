import { expect, test } from 'bun:test';
import { type Answer, BOUND_MS, formatTable, problemsOf, summarize } from './measures.ts';
import { attackAddresses, planPhases } from './plan.ts';

const phases = [{ name: 'logins', attacks: ['logins' as const], seconds: 1 }];
const answer = (milliseconds: number, refused: string | null = null): Answer => {
  return { operation: '993: login', phase: 'logins', milliseconds, refused };
};

test('the summary has median, 95th percentile and slowest', () => {
  const answers = Array.from({ length: 100 }, (_, n) => answer(n + 1));
  expect(summarize(answers)).toEqual({ count: 100, refused: 0, median: 50, p95: 95, slowest: 100 });
  expect(formatTable('operation', { a: summarize(answers) })).toContain('100 ms');
});

test('a run passes when every answer was granted in time', () => {
  expect(problemsOf([answer(BOUND_MS - 1)], phases)).toEqual([]);
});

test('a run fails with one refusal, one slow answer, or a phase without answers', () => {
  expect(problemsOf([answer(1, '451 try later')], phases)).toHaveLength(1);
  expect(problemsOf([answer(BOUND_MS)], phases)).toHaveLength(1);
  expect(problemsOf([], phases)).toHaveLength(1);
});

test('the phases take the whole time, half of it all attacks at once', () => {
  const planned = planPhases(10);
  expect(planned.reduce((sum, { seconds }) => sum + seconds, 0)).toBe(600);
  expect(planned.at(-1)).toMatchObject({ name: 'all at once', seconds: 300 });
});

test('an address that was exchanged is not used again', () => {
  const addresses = attackAddresses(1, () => 0);
  const first = addresses.take();
  addresses.exchange(first);
  expect(addresses.take()).not.toBe(first);
  expect(addresses.exchanged()).toBe(1);
});
