// When something is to be done again. Pure; every function holds for clocks that were set forwards or
// backwards in between.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** How long nothing is repeated after it went well, whatever its own part says. */
const AFTER_SUCCESS = 10 * MINUTE;
const FIRST_RETRY = 5 * MINUTE;
/** What only has to wait is tried more often than what is broken. */
const LONGEST_RETRY = { later: HOUR, failed: 6 * HOUR };
const JITTER = 0.25;

export type Outcome = 'done' | 'later' | 'failed';

/**
 * Milliseconds until the next attempt is allowed.
 * @param failures attempts in a row that did not go well, this one included
 * @param random 0 to 1: many routers that fail for one reason must not come back at one moment
 */
export function pauseAfter(outcome: Outcome, failures: number, random: number): number {
  if (outcome === 'done') return AFTER_SUCCESS;
  const doubled = FIRST_RETRY * 2 ** Math.min(Math.max(failures, 1) - 1, 20);
  return Math.min(doubled, LONGEST_RETRY[outcome]) * (1 + JITTER * random);
}

const LONGEST_PAUSE = LONGEST_RETRY.failed * (1 + JITTER);

/**
 * The later of what is due and what is allowed. A limit further away than any that is ever set was written
 * by a clock that was ahead, and does not count.
 */
export function allowedAt(due: Date, notBefore: Date | null, now: Date): Date {
  if (notBefore === null || notBefore.getTime() - now.getTime() > LONGEST_PAUSE) return due;
  return notBefore > due ? notBefore : due;
}

/**
 * When something that happens once a day is due, at `time` (HH:MM, local): the last such moment when it was
 * missed, else the next one.
 * @param last when it was done; one that lies ahead of `now` is not believed
 */
export function dailyDue(time: string, last: Date | null, now: Date): Date {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  const at = (days: number) =>
    new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, hours, minutes);
  const latest = at(0) <= now ? at(0) : at(-1);
  const done = last !== null && last <= now && last >= latest;
  if (!done) return latest;
  return at(0) <= now ? at(1) : at(0);
}
