// Time, as the rest of the program is allowed to see it.

import { MailctlError } from '../errors.ts';

export interface Clock {
  now(): Date;
  /** Ends sooner when `signal` is aborted. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (milliseconds, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const wake = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, milliseconds);
      signal?.addEventListener('abort', wake);
    }),
};

/** Put in by scripts/build.ts: the moment at which this program was built. */
declare const BUILD_TIME: string | undefined;

// run from its source the program has no time of its own
const SOURCE_TIME = '2026-01-01T00:00:00.000Z';
const EARLIEST = Date.parse(typeof BUILD_TIME === 'string' ? BUILD_TIME : SOURCE_TIME);
// longer than any program is used, and than any certificate in it is valid
const LATEST = EARLIEST + 20 * 365 * 86_400_000;

/**
 * False for a clock that was never set (a board without a battery begins in 1970) or that ran away: then
 * nothing may be renewed, removed or judged by its age. This program cannot run before it was built.
 */
export function isPlausible(now: Date): boolean {
  const time = now.getTime();
  return time >= EARLIEST && time < LATEST;
}

/** Throws CLOCK_UNSET: nothing is judged by its age, and nothing that ages is made, before the time is known. */
export function requireClock(clock: Clock): void {
  const now = clock.now();
  if (isPlausible(now)) return;
  const message = `the clock of this host shows ${now.toISOString().slice(0, 10)}, which cannot be right`;
  throw new MailctlError('CLOCK_UNSET', message, {
    hint: 'wait until the time is set (NTP), or set it with date; then repeat the command',
  });
}

/** What `work` gives, or TIMED_OUT after `limit` milliseconds; the work itself is not ended. */
export async function withinTime<T>(clock: Clock, limit: number, work: Promise<T>): Promise<T> {
  const done = new AbortController();
  const late = clock.sleep(limit, done.signal).then((): never => {
    throw new MailctlError('TIMED_OUT', `it took longer than ${limit / 1000} s`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    late.catch(() => undefined);
    done.abort();
  }
}

/** Asks again until `attempt` gives something else than null or the time (milliseconds) is over. */
export async function pollUntil<T>(
  clock: Clock,
  limit: { timeout: number; interval: number },
  attempt: () => Promise<T | null>,
): Promise<T | null> {
  const deadline = clock.now().getTime() + limit.timeout;
  for (;;) {
    const answer = await attempt();
    if (answer !== null) return answer;
    if (clock.now().getTime() >= deadline) return null;
    await clock.sleep(limit.interval);
  }
}
