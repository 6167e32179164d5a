// A change of one record set, as data: values to add, values to remove, and steps by hand. Pure but for the error.

import { MailctlError } from '../../../errors.ts';
import { formatRdata } from '../../../host/dns-api/rdata.ts';
import type { SetName } from './present.ts';

export interface SetChange extends SetName {
  readonly purpose: string;
  /** All values of the record set before the change. */
  readonly before: readonly string[];
  readonly add: readonly string[];
  readonly remove: readonly string[];
  /** Seconds, for the added values. */
  readonly ttl: number;
}

export interface Obstacle extends SetName {
  readonly reason: string;
  /** What the operator has to do, one line for each step. */
  readonly byHand: readonly string[];
}

/** The record as a line of a zone file. */
export function formatRecord(set: SetName, value: string, ttl: number): string {
  return `${set.name}. ${ttl} IN ${set.type} ${formatRdata(set.type, value)}`;
}

/** The steps for the operator, as lines. */
export function formatSteps(
  set: SetName,
  {
    remove = [],
    publish = [],
    keep = [],
  }: Partial<Record<'remove' | 'publish' | 'keep', readonly string[]>>,
  ttl: number,
): string[] {
  const line = (value: string) => formatRecord(set, value, ttl);
  return [
    ...remove.map((value) => `remove   ${line(value)}`),
    ...publish.map((value) => `publish  ${line(value)}`),
    ...keep.map((value) => `keep     ${line(value)}`),
  ];
}

/** Groups the steps by reason. */
export function formatObstacles(obstacles: readonly Obstacle[]): string[] {
  const reasons = new Set(obstacles.map(({ reason }) => reason));
  return [...reasons].flatMap((reason) => [
    `${reason}; by hand:`,
    ...obstacles
      .filter((one) => one.reason === reason)
      .flatMap(({ byHand }) => byHand.map((line) => `  ${line}`)),
  ]);
}

/** Throws DNS_BY_HAND with the steps for the operator; nothing has been changed. */
export function requireNoObstacle(
  plan: { readonly obstacles: readonly Obstacle[] },
  hint: string,
): void {
  if (plan.obstacles.length === 0) return;
  const lines = formatObstacles(plan.obstacles);
  throw new MailctlError(
    'DNS_BY_HAND',
    `nothing was changed; do this by hand first:\n${lines.join('\n')}`,
    { hint },
  );
}
