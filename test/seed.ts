// Numbers that are others in every run, and the same ones again with MAILSERVER_SEED=<number>.

export type Random = () => number;

/** Numbers from 0 up to 1, by a linear congruential generator (Numerical Recipes). */
export function createRandom(seed: number): Random {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export function readSeed(): number {
  const given = process.env.MAILSERVER_SEED;
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given);
  if (!Number.isInteger(seed)) throw new Error(`MAILSERVER_SEED=${given} is not a whole number`);
  return seed;
}
