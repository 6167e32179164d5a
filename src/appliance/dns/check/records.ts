// Compares each wanted record with the answers of the authoritative servers and of a resolver.

import { MailctlError } from '../../../errors.ts';
import {
  type Authorities,
  type DnsAnswer,
  type DnsServer,
  negativeTtl,
  queryResolver,
  serverLabel,
} from '../../../host/dns.ts';
import { groupBySet, type Knowledge, planRecords } from '../plan.ts';
import { hasValue, type PresentSet, readOwnSet, type SetName, setKey } from '../publish/present.ts';
import type { WantedRecord } from '../records.ts';
import { type DnsFinding, finding } from './finding.ts';

export interface CheckedZone {
  readonly authorities: Authorities;
  readonly wanted: readonly WantedRecord[];
}

interface ReadResult {
  readonly present: ReadonlyMap<string, PresentSet>;
  readonly problems: readonly string[];
  /** Why a set could not be read, by its key. */
  readonly failures: ReadonlyMap<string, MailctlError>;
}

async function readEach(zone: CheckedZone): Promise<ReadResult> {
  const beside = zone.wanted
    .filter(({ type }) => type === 'CNAME')
    .flatMap(({ name }): SetName[] => [
      { name, type: 'A' },
      { name, type: 'AAAA' },
    ]);
  const questions = [...zone.wanted, ...beside].map(({ name, type }) => ({ name, type }));
  const present = new Map<string, PresentSet>();
  const failures = new Map<string, MailctlError>();
  const problems = new Set<string>();
  const waiting = [...new Map(questions.map((one) => [setKey(one), one])).values()];
  const work = async () => {
    for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
      try {
        const reading = await readOwnSet(zone.authorities, one);
        present.set(setKey(one), reading.set);
        for (const problem of reading.problems) problems.add(problem);
      } catch (error) {
        if (!(error instanceof MailctlError)) throw error;
        failures.set(setKey(one), error);
      }
    }
  };
  await Promise.all(Array.from({ length: 6 }, work));
  return { present, failures, problems: [...problems].sort() };
}

function idOf(record: WantedRecord): string {
  const kind = record.type === 'TXT' || record.purpose === 'DANE' ? record.purpose : record.type;
  return `record.${kind.toLowerCase().replaceAll(' ', '-')}`;
}

const FIX = 'mailctl dns-setup';

function judge(
  group: readonly WantedRecord[],
  { present }: ReadResult,
  { known, measured }: { known: Knowledge; measured: string },
): DnsFinding | null {
  const [first] = group;
  if (first === undefined) return null;
  const { changes, obstacles, notes } = planRecords(group, present, known);
  const set = present.get(setKey(first));
  const published = set?.values.map(({ value }) => value) ?? [];
  const wanted = group.map(({ value }) => value);
  const base = { id: idOf(first), subject: setKey(first), measured };
  const details = { published, wanted };
  const [obstacle] = obstacles;
  if (obstacle !== undefined) {
    const fix = obstacle.byHand.join('; ');
    return finding({ ...base, verdict: 'wrong', message: obstacle.reason }, { ...details, fix });
  }
  const [change] = changes;
  if (change !== undefined) {
    const isWrong = change.remove.length > 0;
    const message = isWrong
      ? `published: ${change.remove.join(' | ')}; wanted: ${change.add.join(' | ') || 'nothing'}`
      : `${change.add.join(' | ')} is not published`;
    const verdict = isWrong ? 'wrong' : 'missing';
    return finding({ ...base, verdict, message }, { ...details, wanted: change.add, fix: FIX });
  }
  const isTheirs = wanted.every((value) => !hasValue(set, value));
  const message = notes[0] ?? (isTheirs ? 'merged with foreign records' : 'as wanted');
  const isElsewhere = isTheirs && ['CNAME', 'SRV'].includes(first.type);
  return finding({ ...base, verdict: isElsewhere ? 'advice' : 'right', message }, details);
}

/** Finds records that a resolver still answers from its cache: an old value, or a negative answer. */
async function checkResolver(
  resolvers: readonly DnsServer[],
  right: readonly DnsFinding[],
  zones: readonly CheckedZone[],
): Promise<DnsFinding[]> {
  const sets = zones.flatMap(({ wanted }) => [...groupBySet(wanted).values()]);
  const label = resolvers.map(serverLabel).join(', ');
  const found = await Promise.all(
    sets.map(async ([record]): Promise<DnsFinding[]> => {
      const judged = right.find(({ subject }) => record && subject === setKey(record));
      if (record === undefined || judged?.verdict !== 'right') return [];
      const { name, type } = record;
      const answer = await queryResolver(resolvers, { name, type });
      const seen = answer.answers.filter((one) => one.type === type).map(({ value }) => value);
      if (judged.published.every((value) => seen.includes(value))) return [];
      const base = { id: 'resolver', subject: setKey(record), measured: `resolver ${label}` };
      const message = `inconclusive: ${whyOld(answer, seen)}`;
      const details = { published: seen, wanted: judged.published };
      return [finding({ ...base, verdict: 'unknown', message }, details)];
    }),
  );
  return found.flat();
}

function whyOld(answer: DnsAnswer, seen: readonly string[]): string {
  const { rcode, answers, authorities } = answer;
  if (rcode !== 'NOERROR' && rcode !== 'NXDOMAIN') return `the resolver answers ${rcode}`;
  const soa = authorities.find(({ type }) => type === 'SOA');
  if (seen.length === 0 && soa !== undefined) {
    return `the resolver still caches that the record does not exist, for at most ${negativeTtl(soa)} s`;
  }
  const ttl = Math.max(0, ...answers.map((record) => record.ttl));
  return `the resolver still caches an older answer, for at most ${ttl} s`;
}

async function checkZone(zone: CheckedZone, known: Knowledge): Promise<DnsFinding[]> {
  const reading = await readEach(zone);
  const { servers, zone: name } = zone.authorities;
  const asked = servers.map((server) => server.name).join(', ');
  const measured = `queried the ${servers.length} authoritative servers of ${name} (${asked})`;
  const records = [...groupBySet(zone.wanted)].flatMap(([key, group]): DnsFinding[] => {
    const [first] = group;
    if (first === undefined) return [];
    const failed = reading.failures.get(key);
    if (failed === undefined) return [judge(group, reading, { known, measured }) ?? []].flat();
    const base = { id: idOf(first), subject: key, measured };
    const isWrong = failed.code === 'DNS_DISAGREES';
    const message = isWrong ? failed.message : `inconclusive: ${failed.message}`;
    const wanted = group.map(({ value }) => value);
    return [finding({ ...base, verdict: isWrong ? 'wrong' : 'unknown', message }, { wanted })];
  });
  const silent = reading.problems.map((problem) =>
    finding(
      { id: 'servers', subject: name, verdict: 'wrong', message: problem, measured },
      { fix: `ask the operator of the name servers of ${name}` },
    ),
  );
  return [...silent, ...records];
}

export async function checkRecords(
  resolvers: readonly DnsServer[],
  zones: readonly CheckedZone[],
  known: Knowledge,
): Promise<DnsFinding[]> {
  const records = (await Promise.all(zones.map((zone) => checkZone(zone, known)))).flat();
  return [...records, ...(await checkResolver(resolvers, records, zones))];
}
