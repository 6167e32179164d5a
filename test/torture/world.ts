// What the attacks have in common: connections from the attackers' addresses, a count of what was done, and an end.

import type { Random } from '../seed.ts';
import type { Connect } from '../system/lab/agent.ts';
import type { Addresses } from './plan.ts';

export interface World {
  random: Random;
  addresses: Addresses;
  /** the mail server as the outside world knows it */
  server: string;
  connect: Connect;
  /** Counts what was done, for the report. */
  count(what: string, times?: number): void;
}

/** One attack while it is on. */
export interface Turn {
  isOn(): boolean;
  /** Registers what ends a pending request when the turn is over; answers with its opposite. */
  atEnd(end: () => void): () => void;
  /** Sleeps, at most until the turn is over. */
  pause(milliseconds: number): Promise<void>;
}

export type Attack = (world: World, turn: Turn) => Promise<void>;

const PATIENCE_MS = 8000;

/** Fails when there is no answer: to a banned address the kernel may say nothing at all. */
export async function inTime<T>(work: Promise<T>, limit = PATIENCE_MS): Promise<T> {
  let timer: Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${limit} ms`)), limit);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

export interface StartedTurn extends Turn {
  stop(): void;
}

export function startTurn(): StartedTurn {
  const ends = new Set<() => void>();
  let on = true;
  const atEnd = (end: () => void) => {
    if (on) ends.add(end);
    else end();
    return () => void ends.delete(end);
  };
  return {
    isOn: () => on,
    atEnd,
    pause: (milliseconds) =>
      new Promise((resolve) => {
        let forget: () => void = () => undefined;
        const timer = setTimeout(() => wake(), milliseconds);
        const wake = () => {
          clearTimeout(timer);
          forget();
          resolve();
        };
        forget = atEnd(wake);
      }),
    stop: () => {
      on = false;
      for (const end of [...ends]) end();
      ends.clear();
    },
  };
}

export const pick = <T>(random: Random, all: readonly T[]): T =>
  all[Math.floor(random() * all.length)] as T;

export const times = <T>(count: number, act: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => act(n));
