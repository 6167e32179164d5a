// Reads what is published: each record set, from all authoritative servers of its zone. If the servers disagree,
// no change is planned.

import { MailctlError } from '../../../errors.ts';
import {
  type Authorities,
  type AuthorityAnswer,
  type DnsServer,
  findAuthorities,
  queryAuthorities,
  type RecordType,
} from '../../../host/dns.ts';
import { isAtOrBelow, wildcardsOf } from './names.ts';

export interface PresentValue {
  readonly value: string;
  readonly ttl: number;
}

export interface PresentSet {
  readonly name: string;
  readonly type: RecordType;
  /** Without the values of a wildcard. */
  readonly values: readonly PresentValue[];
  /** Target of a CNAME at the name, with the final dot; `values` is empty then. */
  readonly alias: string | null;
}

export interface SetName {
  readonly name: string;
  readonly type: RecordType;
}

export interface Reading {
  readonly set: PresentSet;
  /** Servers that did not answer; the others agree. */
  readonly problems: readonly string[];
}

export function setKey({ name, type }: SetName): string {
  return `${name} ${type}`;
}

export function hasValue(set: PresentSet | undefined, value: string): boolean {
  return set?.values.some((present) => present.value === value) ?? false;
}

/** The record set in the answer of one server; null without an answer. */
export function setOf(question: SetName, answer: AuthorityAnswer): PresentSet | null {
  if (answer.answer === null) return null;
  const own = answer.answer.answers.filter(({ name }) => name === question.name);
  const alias = own.find(({ type }) => type === 'CNAME');
  const isAlias = alias !== undefined && question.type !== 'CNAME';
  const values = own
    .filter(({ type }) => type === question.type)
    .map(({ value, ttl }) => ({ value, ttl }))
    .sort((a, b) => (a.value < b.value ? -1 : 1));
  return { ...question, values: isAlias ? [] : values, alias: isAlias ? alias.value : null };
}

function describe(set: PresentSet): string {
  if (set.alias !== null) return `a CNAME of ${set.alias}`;
  return set.values.map(({ value }) => value).join(' | ') || 'nothing';
}

function sameSet(a: PresentSet, b: PresentSet): boolean {
  return describe(a) === describe(b);
}

/** Throws DNS_UNREACHABLE when no server answers, DNS_DISAGREES when they differ. */
export async function readSet(authorities: Authorities, question: SetName): Promise<Reading> {
  const answers = await queryAuthorities(authorities, question);
  const sets = answers.flatMap((answer) => {
    const set = setOf(question, answer);
    return set === null ? [] : [{ server: answer.server, set }];
  });
  const problems = answers.flatMap(({ problem }) => problem ?? []);
  const [first] = sets;
  if (first === undefined) {
    const message = `no name server of ${authorities.zone} answers: ${problems.join('; ')}`;
    throw new MailctlError('DNS_UNREACHABLE', message);
  }
  const other = sets.find(({ set }) => !sameSet(set, first.set));
  if (other !== undefined) {
    const views = sets.map(({ server, set }) => `${server} has ${describe(set)}`);
    throw new MailctlError(
      'DNS_DISAGREES',
      `the servers of ${authorities.zone} do not agree on ${setKey(question)}: ${views.join('; ')}`,
      { hint: 'wait until a change has reached all of them, then repeat the command' },
    );
  }
  return { set: first.set, problems };
}

/** As `readSet`, without the values of a wildcard. Throws as `readSet` does. */
export async function readOwnSet(authorities: Authorities, question: SetName): Promise<Reading> {
  return withoutWildcard(authorities, await readSet(authorities, question));
}

/**
 * The values at a name, from its authoritative servers: a query to a resolver would make it cache the negative
 * answer, just before the record is published. Throws DNS_UNREACHABLE, DNS_DISAGREES.
 */
export async function readValues(
  resolvers: readonly DnsServer[],
  question: SetName,
): Promise<{ values: readonly string[]; alias: string | null }> {
  const authorities = await findAuthorities(resolvers, question.name);
  const { set } = await readSet(authorities, question);
  return { values: set.values.map(({ value }) => value), alias: set.alias };
}

/** Empties a set that equals a wildcard's: the server synthesized it (RFC 4592). */
async function withoutWildcard(authorities: Authorities, reading: Reading): Promise<Reading> {
  const { set } = reading;
  if (set.values.length === 0 && set.alias === null) return reading;
  for (const name of wildcardsOf(set.name, authorities.zone)) {
    const wildcard = await readSet(authorities, { name, type: set.type });
    if (describe(wildcard.set) !== 'nothing' && sameSet(wildcard.set, set)) {
      return { ...reading, set: { ...set, values: [], alias: null } };
    }
  }
  return reading;
}

/** Reads several sets of one zone. Throws DNS_UNREACHABLE, DNS_DISAGREES. */
export async function readSets(
  authorities: Authorities,
  questions: readonly SetName[],
): Promise<{ sets: Map<string, PresentSet>; problems: string[] }> {
  const sets = new Map<string, PresentSet>();
  const problems = new Set<string>();
  const waiting = [...questions];
  const work = async () => {
    for (let question = waiting.pop(); question !== undefined; question = waiting.pop()) {
      if (!isAtOrBelow(question.name, authorities.zone)) continue;
      const reading = await readOwnSet(authorities, question);
      sets.set(setKey(question), reading.set);
      for (const problem of reading.problems) problems.add(problem);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return { sets, problems: [...problems].sort() };
}

const PARALLEL = 6;
