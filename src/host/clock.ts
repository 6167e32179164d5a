// Time, as the rest of the program is allowed to see it.

export interface Clock {
  now(): Date;
  sleep(milliseconds: number): Promise<void>;
}

export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

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
