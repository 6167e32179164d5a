// Verifies that a change is published: queries every authoritative server of the zone until all show it.

import type { Authorities } from '../../../host/dns.ts';
import { queryAuthorities } from '../../../host/dns.ts';
import type { Host } from '../../../host/host.ts';
import { type SetName, setKey, setOf } from './present.ts';

export interface Expectation extends SetName {
  readonly authorities: Authorities;
  readonly has: readonly string[];
  readonly hasNot: readonly string[];
  /** Foreign records that must still be published. */
  readonly keeps: readonly string[];
}

export interface Sight {
  readonly expectation: Expectation;
  /** One sentence for each server without the change: `ns1.example.com does not have it yet`. */
  readonly lacks: readonly string[];
  /** Servers that were queried, and how many of them show the change. */
  readonly servers: number;
  readonly showing: number;
  /** Values of `keeps` that no server has any more. */
  readonly lost: readonly string[];
  /** True if the set is empty on every server although `has` is not. */
  readonly isEmpty: boolean;
}

async function look(expectation: Expectation): Promise<Sight> {
  const { authorities, has, hasNot, keeps, name, type } = expectation;
  const question = { name, type };
  const answers = await queryAuthorities(authorities, question);
  const lacks: string[] = [];
  const views: string[][] = [];
  for (const answer of answers) {
    const set = setOf(question, answer);
    if (set === null) {
      lacks.push(answer.problem ?? `${answer.server} does not answer`);
      continue;
    }
    const values = set.values.map(({ value }) => value);
    views.push(values);
    const missing = has.filter((value) => !values.includes(value));
    const stale = hasNot.filter((value) => values.includes(value));
    if (missing.length > 0) lacks.push(`${answer.server} does not have it yet`);
    else if (stale.length > 0) lacks.push(`${answer.server} still has the old one`);
  }
  const onNone = (value: string) => views.every((values) => !values.includes(value));
  const lost = views.length === 0 ? [] : keeps.filter(onNone);
  const isEmpty =
    views.length > 0 && has.length > 0 && views.every((values) => values.length === 0);
  return {
    expectation,
    lacks,
    servers: answers.length,
    showing: answers.length - lacks.length,
    lost,
    isEmpty,
  };
}

export interface Waiting {
  /** Milliseconds. */
  readonly timeout: number;
  /** Called after each round with the changes that are not visible at every server yet. */
  readonly onRound?: (pending: readonly Sight[]) => Promise<void>;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/** Waits until every server shows every expectation, at most `timeout`. Returns those still pending. */
export async function waitVisible(
  host: Host,
  expectations: readonly Expectation[],
  { timeout, onRound }: Waiting,
): Promise<{ pending: readonly Sight[]; lost: readonly Sight[] }> {
  const deadline = host.clock.now().getTime() + timeout;
  const lost: Sight[] = [];
  let left = expectations;
  let said = '';
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(1.5 * pause, LONGEST_PAUSE_MS)) {
    const sights = await Promise.all(left.map(look));
    lost.push(...sights.filter((sight) => sight.lost.length > 0 && sight.lacks.length === 0));
    const pending = sights.filter(({ lacks }) => lacks.length > 0);
    const remaining = deadline - host.clock.now().getTime();
    if (pending.length === 0 || remaining <= 0) {
      lost.push(...pending.filter((sight) => sight.lost.length > 0));
      return { pending, lost };
    }
    const progress = describeProgress(expectations.length, pending);
    if (progress !== said) host.say(progress);
    said = progress;
    await onRound?.(pending);
    left = pending.map(({ expectation }) => expectation);
    await host.clock.sleep(Math.min(pause, remaining));
  }
}

function describeProgress(all: number, pending: readonly Sight[]): string {
  const [first] = pending;
  if (first === undefined) return '';
  const { expectation, showing, servers } = first;
  return `${all - pending.length} of ${all} record sets are visible at every server; ${setKey(expectation)} at ${showing} of ${servers}`;
}
