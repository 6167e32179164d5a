import { expect, test } from 'bun:test';
import { runInLanes } from '../../scripts/lanes.ts';

/** Runs the lists with a simulated clock; each item is its own duration. */
async function runAll(lists: readonly (readonly number[])[]) {
  const waiting: { at: number; end(): void }[] = [];
  const log: [item: number, lane: number, from: number][] = [];
  let now = 0;
  const all = runInLanes(lists, (item, lane) => {
    log.push([item, lane, now]);
    return new Promise<number>((resolve) =>
      waiting.push({ at: now + item, end: () => resolve(item) }),
    );
  });
  for (; waiting.length > 0; await Bun.sleep(0)) {
    const next = waiting.reduce((first, one) => (one.at < first.at ? one : first));
    waiting.splice(waiting.indexOf(next), 1);
    now = next.at;
    next.end();
  }
  return { log, now, outcomes: await all };
}

test('each lane runs its own list first and then takes the last item of the other', async () => {
  const { log, now, outcomes } = await runAll([[10, 11, 12, 13], [5]]);

  expect(log).toEqual([
    [10, 0, 0],
    [5, 1, 0],
    [13, 1, 5],
    [11, 0, 10],
    [12, 1, 18],
  ]);
  expect(now).toBe(30);
  expect(outcomes.toSorted()).toEqual([10, 11, 12, 13, 5]);
});

test('every item runs once, for any distribution over the lists', async () => {
  const { outcomes } = await runAll([[], [1, 2, 3], []]);

  expect(outcomes.toSorted()).toEqual([1, 2, 3]);
});
