// The clock of this host, and limits of time.

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

/** Set by scripts/build.ts: the build time of this program. */
declare const BUILD_TIME: string | undefined;

// run from source, the program has no build time
const SOURCE_TIME = '2026-01-01T00:00:00.000Z';
const EARLIEST = Date.parse(typeof BUILD_TIME === 'string' ? BUILD_TIME : SOURCE_TIME);
// longer than the use of any build, and the validity of any certificate
const LATEST = EARLIEST + 20 * 365 * 86_400_000;

/**
 * False before the build time of this program (a board without a battery starts in 1970) or far after it. Then
 * nothing may be renewed, removed or judged by its age.
 */
export function isPlausible(now: Date): boolean {
  const time = now.getTime();
  return time >= EARLIEST && time < LATEST;
}

/** Throws CLOCK_UNSET: without the time, ages are unknown and new certificates would get wrong dates. */
export function requireClock(clock: Clock): void {
  const now = clock.now();
  if (isPlausible(now)) return;
  const message = `the clock of this host shows ${now.toISOString().slice(0, 10)}, which cannot be right`;
  throw new MailctlError('CLOCK_UNSET', message, {
    hint: 'set the time (NTP or date), then repeat the command',
  });
}

/** The result of `work`. Throws TIMED_OUT after `limit` milliseconds; `work` itself continues. */
export async function withinTime<T>(clock: Clock, limit: number, work: Promise<T>): Promise<T> {
  const done = new AbortController();
  const late = clock.sleep(limit, done.signal).then((): never => {
    throw new MailctlError('TIMED_OUT', `timed out after ${limit / 1000} s`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    late.catch(() => undefined);
    done.abort();
  }
}

/** Repeats `attempt` until it returns something other than null or the time (milliseconds) is over. */
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
