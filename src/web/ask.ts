// The questions of the pages to `mailctl serve`, a limited number at once, and the public facts, which outlive it.

import type { Ask, Of, Reply, ServerFacts } from '../front/requests.ts';
import { createTurns } from '../front/turns.ts';

export interface Desk {
  /** Null while serve does not answer. */
  ask<A extends Ask>(request: Of<A>): Promise<Reply<A> | null>;
  /** At most a few seconds old while serve answers; the last known ones while it does not, null before the first. */
  facts(): Promise<ServerFacts | null>;
}

interface Surroundings {
  /** Sends one line to serve and returns its answer; throws without one. */
  send(line: string): Promise<string>;
  /** Milliseconds since 1970. */
  now(): number;
}

const LIMIT = { atOnce: 24, waiting: 1000 };
const FACTS_MS = 10_000;
/** How long serve is not asked again for facts after it did not answer. */
const AWAY_MS = 1000;

export function createDesk({ send, now }: Surroundings): Desk {
  const turns = createTurns(LIMIT);
  const ask = async <A extends Ask>(request: Of<A>): Promise<Reply<A> | null> => {
    try {
      const turn = await turns.take(() => send(JSON.stringify(request)));
      if (turn === null) return { ok: false, refusal: 'busy' };
      return JSON.parse(turn.value) as Reply<A>;
    } catch {
      // the reason is the same for all: serve is away, and the pages say so
      return null;
    }
  };
  let known: ServerFacts | null = null;
  let freshUntil = 0;
  let asking: Promise<void> | null = null;
  const renew = async () => {
    const reply = await ask({ ask: 'server' });
    if (reply?.ok) known = reply.answer;
    freshUntil = now() + (reply?.ok ? FACTS_MS : AWAY_MS);
  };
  return {
    ask,
    facts: async () => {
      if (Math.abs(freshUntil - now()) > FACTS_MS || now() >= freshUntil) {
        asking ??= renew().finally(() => {
          asking = null;
        });
        await asking;
      }
      return known;
    },
  };
}
