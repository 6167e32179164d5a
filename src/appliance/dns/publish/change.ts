// A change of one record set, as data: what is added, what goes, and what only a person can do. Pure but for the error.

import { MailctlError } from '../../../errors.ts';
import { formatRdata } from '../../../host/dns-api/rdata.ts';
import type { SetName } from './present.ts';

export interface SetChange extends SetName {
  readonly purpose: string;
  /** Everything at the name, of this type, before the change. */
  readonly before: readonly string[];
  readonly add: readonly string[];
  readonly remove: readonly string[];
  /** Seconds, for what is added. */
  readonly ttl: number;
}

export interface Obstacle extends SetName {
  readonly reason: string;
  /** What a person has to do, a line for each step. */
  readonly byHand: readonly string[];
}

/** The record as a line of a zone file. */
export function formatRecord(set: SetName, value: string, ttl: number): string {
  return `${set.name}. ${ttl} IN ${set.type} ${formatRdata(set.type, value)}`;
}

/** Each reason once, with all that it is the reason for. */
export function formatObstacles(obstacles: readonly Obstacle[]): string[] {
  const reasons = new Set(obstacles.map(({ reason }) => reason));
  return [...reasons].flatMap((reason) => [
    `${reason}; by hand:`,
    ...obstacles
      .filter((one) => one.reason === reason)
      .flatMap(({ byHand }) => byHand.map((line) => `  ${line}`)),
  ]);
}

/** Throws DNS_BY_HAND with what a person has to do; nothing has been touched. */
export function requireNoObstacle(
  plan: { readonly obstacles: readonly Obstacle[] },
  hint: string,
): void {
  if (plan.obstacles.length === 0) return;
  const lines = formatObstacles(plan.obstacles);
  throw new MailctlError(
    'DNS_BY_HAND',
    `nothing was changed, because this must be done by hand first:\n${lines.join('\n')}`,
    { hint },
  );
}
