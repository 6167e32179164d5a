// Work that costs much, a few at once: others wait in a short queue, and those beyond it are refused at once.

export interface Turns {
  /** Null without doing the work: too many wait already. */
  take<T>(work: () => Promise<T>): Promise<{ readonly value: T } | null>;
}

export function createTurns({ atOnce, waiting }: { atOnce: number; waiting: number }): Turns {
  const queue: (() => void)[] = [];
  let busy = 0;
  return {
    take: async (work) => {
      if (busy >= atOnce) {
        if (queue.length >= waiting) return null;
        await new Promise<void>((resolve) => queue.push(resolve));
      } else busy += 1;
      try {
        return { value: await work() };
      } finally {
        const next = queue.shift();
        // the next one takes over this place
        if (next === undefined) busy -= 1;
        else next();
      }
    },
  };
}
