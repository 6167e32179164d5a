// Wakes a sleeper. A ring before the sleep begins is not lost.

export interface Bell {
  ring(): void;
  /** Aborted by the next ring after this call. */
  listen(): AbortSignal;
}

export function createBell(): Bell {
  let current = new AbortController();
  return {
    ring: () => {
      const rung = current;
      current = new AbortController();
      rung.abort();
    },
    listen: () => current.signal,
  };
}
