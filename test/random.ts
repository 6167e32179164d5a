// Random tests: other values in every run, and the same ones again with MAILSERVER_SEED=<number>. A failure prints its seed.

import { test } from 'bun:test';

export type Random = () => number;

/** Numbers from 0 up to 1, by a linear congruential generator (Numerical Recipes). */
function createRandom(seed: number): Random {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function readSeed(): number {
  const given = process.env.MAILSERVER_SEED;
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given);
  if (!Number.isInteger(seed)) throw new Error(`MAILSERVER_SEED=${given} is not a whole number`);
  return seed;
}

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
