// Times of retries. Pure; every function tolerates a clock that was set forwards or backwards in between.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Minimum pause after a success, whatever the due function returns. */
const AFTER_SUCCESS = 10 * MINUTE;
const FIRST_RETRY = 5 * MINUTE;
/** A job that has to wait (`later`) is retried more often than a failed one. */
const LONGEST_RETRY = { later: HOUR, failed: 6 * HOUR };
const JITTER = 0.25;

export type Outcome = 'done' | 'later' | 'failed';

/**
 * Milliseconds until the next attempt is allowed.
 * @param failures consecutive attempts without success, including this one
 * @param random 0 to 1: spreads the retries of many routers that fail for the same reason
 */
export function pauseAfter(outcome: Outcome, failures: number, random: number): number {
  if (outcome === 'done') return AFTER_SUCCESS;
  const doubled = FIRST_RETRY * 2 ** Math.min(Math.max(failures, 1) - 1, 20);
  return Math.min(doubled, LONGEST_RETRY[outcome]) * (1 + JITTER * random);
}

const LONGEST_PAUSE = LONGEST_RETRY.failed * (1 + JITTER);

/**
 * The later of the due time and the end of the pause. A pause longer than any that is ever set was written with a
 * clock that was ahead, and is ignored.
 */
export function allowedAt(due: Date, notBefore: Date | null, now: Date): Date {
  if (notBefore === null || notBefore.getTime() - now.getTime() > LONGEST_PAUSE) return due;
  return notBefore > due ? notBefore : due;
}

/**
 * When a daily job at `time` (HH:MM, local) is due: the last such moment if it was missed, else the next one.
 * @param last the last run; ignored if it is after `now`
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

/**
 * When a job that runs every `interval` milliseconds is due.
 * @param last the last run; ignored if it is after `now`
 */
export function periodicDue(interval: number, last: Date | null, now: Date): Date {
  return last === null || last > now ? now : new Date(last.getTime() + interval);
}
