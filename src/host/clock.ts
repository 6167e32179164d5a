// Time, as the rest of the program is allowed to see it.

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
