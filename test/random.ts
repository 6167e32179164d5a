// Random tests: other values in every run, and the same ones again with MAILSERVER_SEED=<number>. A failure prints its seed.

import { test } from 'bun:test';
import { createRandom, type Random, readSeed } from './seed.ts';

export type { Random };

/** A test whose values come from `random`; each test has a seed of its own, so it can be repeated alone. */
export function randomTest(
  title: string,
  work: (random: Random) => void | Promise<void>,
  timeout?: number,
): void {
  const run = async () => {
    const seed = readSeed();
    try {
      await work(createRandom(seed));
    } catch (error) {
      console.error(`${title}: repeat with MAILSERVER_SEED=${seed}`);
      throw error;
    }
  };
  test(title, run, timeout);
}
