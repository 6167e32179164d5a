// Counts failed attempts by name (a client, an account) and refuses further ones for a while. Pure but for its memory,
// which is bounded. Times are milliseconds since 1970.

interface Count {
  failures: number;
  /** The end of the period in which failures are counted, or of the refusal. */
  until: number;
}

export interface ThrottleRule {
  readonly failures: number;
  /** Milliseconds in which they are counted. */
  readonly within: number;
  /** Milliseconds for which further attempts are refused. */
  readonly refuse: number;
}

export interface Throttle {
  isRefused(name: string, now: number): boolean;
  /** True when this failure begins a refusal. */
  fail(name: string, now: number): boolean;
}

const MAX_NAMES = 10_000;

export function createThrottle({ failures, within, refuse }: ThrottleRule): Throttle {
  const counts = new Map<string, Count>();
  const current = (name: string, now: number): Count | undefined => {
    const count = counts.get(name);
    // a clock that was ahead must not refuse for longer than the rule says
    const isOver = count === undefined || count.until <= now;
    if (isOver || count.until > now + Math.max(within, refuse)) counts.delete(name);
    return counts.get(name);
  };
  return {
    isRefused: (name, now) => (current(name, now)?.failures ?? 0) >= failures,
    fail: (name, now) => {
      const count = current(name, now) ?? { failures: 0, until: now + within };
      count.failures += 1;
      const begins = count.failures === failures;
      if (begins) count.until = now + refuse;
      counts.delete(name);
      counts.set(name, count);
      const [oldest] = counts.keys();
      if (counts.size > MAX_NAMES && oldest !== undefined) counts.delete(oldest);
      return begins;
    },
  };
}
