// Desired − present for records. Foreign records stay: where a wanted record conflicts with one, the plan has
// an obstacle instead of a change. Pure.

import type { Obstacle, SetChange } from './publish/change.ts';
import { formatSteps } from './publish/change.ts';
import { type PresentSet, type SetName, setKey } from './publish/present.ts';
import type { WantedRecord } from './records.ts';
import { isSpf, mergeSpf, parseSpf } from './spf.ts';

export interface RecordPlan {
  readonly changes: readonly SetChange[];
  readonly obstacles: readonly Obstacle[];
  /** Foreign records that were found and are left unchanged. */
  readonly notes: readonly string[];
}

export interface Knowledge {
  /** True for a value that mailctl published, or found published exactly as wanted. */
  isOurs(set: SetName, value: string): boolean;
  /** The SPF record at the name before an interrupted setup, or null. */
  lostSpf(name: string): string | null;
  readonly ttl: number;
}

interface Decision {
  readonly add: readonly string[];
  readonly remove: readonly string[];
  readonly obstacle?: Omit<Obstacle, keyof SetName>;
  readonly note?: string;
}

const NOTHING: Decision = { add: [], remove: [] };

/** True if the two values at one name conflict. */
function competes(wanted: WantedRecord, value: string): boolean {
  if (wanted.type !== 'TXT') return true;
  if (wanted.purpose === 'DKIM') return /^v=DKIM1|(?:^|;)\s*p=/i.test(value);
  const tag = wanted.value.split(';')[0] ?? '';
  return value.replace(/\s/g, '').toLowerCase().startsWith(tag.toLowerCase());
}

function decideSole(wanted: readonly WantedRecord[], set: PresentSet, known: Knowledge): Decision {
  const [first] = wanted;
  if (first === undefined) return NOTHING;
  const values = wanted.map(({ value }) => value);
  const present = set.values.map(({ value }) => value);
  const rivals = present.filter((value) => competes(first, value) && !values.includes(value));
  const foreign = rivals.filter((value) => !known.isOurs(set, value));
  if (foreign.length === 0) {
    return { add: values.filter((value) => !present.includes(value)), remove: rivals };
  }
  const found = `${setKey(set)} is ${foreign.join(' | ')}`;
  if (first.rule === 'kept' && foreign.length === 1 && rivals.length === 1) {
    return { ...NOTHING, note: `${found}: left unchanged` };
  }
  if (set.type === 'CNAME' || set.type === 'SRV') {
    return { ...NOTHING, note: `${found} (foreign): left unchanged` };
  }
  const ttl = set.values[0]?.ttl ?? known.ttl;
  const reason = `${found}: this foreign record conflicts with the wanted ${first.purpose} record`;
  const byHand = formatSteps(set, { remove: foreign, publish: values }, ttl);
  return { ...NOTHING, obstacle: { reason, byHand } };
}

function decideSpf(wanted: WantedRecord, set: PresentSet, known: Knowledge): Decision {
  const records = set.values.map(({ value }) => value).filter(isSpf);
  const [present, second] = records;
  const ttl = set.values[0]?.ttl ?? known.ttl;
  if (present === undefined) {
    const lost = known.lostSpf(set.name);
    return { add: [lost === null ? wanted.value : mergeSpf(lost, wanted.value)], remove: [] };
  }
  if (second !== undefined) {
    const all = records.reduce((merged, value) => mergeSpf(merged, withoutEnd(value)));
    const reason = `${set.name} has ${records.length} SPF records: more than one is a permanent error (RFC 7208 4.5)`;
    const publish = [mergeSpf(all, wanted.value)];
    const byHand = formatSteps(set, { remove: records, publish }, ttl);
    return { ...NOTHING, obstacle: { reason, byHand } };
  }
  const target = known.isOurs(set, present) ? wanted.value : mergeSpf(present, wanted.value);
  return target === present ? NOTHING : { add: [target], remove: [present] };
}

function withoutEnd(spf: string): string {
  const terms = parseSpf(spf).filter(({ name }) => name !== 'all');
  return ['v=spf1', ...terms.map(({ text }) => text)].join(' ');
}

function decideShared(
  wanted: readonly WantedRecord[],
  set: PresentSet,
  known: Knowledge,
): Decision {
  const values = wanted.map(({ value }) => value);
  const present = set.values.map(({ value }) => value);
  const add = values.filter((value) => !present.includes(value));
  const stale = present.filter((value) => !values.includes(value) && known.isOurs(set, value));
  const foreign = present.filter((value) => !values.includes(value) && !stale.includes(value));
  if (set.type === 'MX' && foreign.some((value) => value.endsWith(' .'))) {
    const ttl = set.values[0]?.ttl ?? known.ttl;
    const reason = `${set.name} has a null MX: it accepts no mail (RFC 7505)`;
    const byHand = formatSteps(set, { remove: ['0 .'] }, ttl);
    return { ...NOTHING, obstacle: { reason, byHand } };
  }
  const beside = `${setKey(set)} also has ${foreign.join(' | ')}`;
  const note =
    set.type === 'MX' && foreign.length > 0 ? `${beside}: senders deliver mail there too` : null;
  return { add, remove: stale, ...(note === null ? {} : { note }) };
}

function decide(wanted: readonly WantedRecord[], set: PresentSet, known: Knowledge): Decision {
  const [first] = wanted;
  if (first === undefined) return NOTHING;
  if (set.alias !== null) {
    const reason = `${set.name} is a CNAME of ${set.alias}, which excludes other records at the name (RFC 1034 3.6.2)`;
    const byHand = [`replace the CNAME of ${set.name} by A and AAAA records`];
    return { ...NOTHING, obstacle: { reason, byHand } };
  }
  if (first.rule === 'merged') return decideSpf(first, set, known);
  return first.rule === 'shared'
    ? decideShared(wanted, set, known)
    : decideSole(wanted, set, known);
}

/** A CNAME cannot be added beside A or AAAA records: those foreign records are left unchanged. */
function takenName(set: PresentSet, present: ReadonlyMap<string, PresentSet>): string | null {
  if (set.type !== 'CNAME' || set.values.length > 0) return null;
  const others = (['A', 'AAAA'] as const).flatMap(
    (type) => present.get(setKey({ name: set.name, type }))?.values ?? [],
  );
  if (others.length === 0) return null;
  return `${set.name} has address records (${others.map(({ value }) => value).join(', ')}): left unchanged`;
}

export function groupBySet(wanted: readonly WantedRecord[]): Map<string, WantedRecord[]> {
  const groups = new Map<string, WantedRecord[]>();
  for (const record of wanted) {
    const group = groups.get(setKey(record));
    if (group === undefined) groups.set(setKey(record), [record]);
    else group.push(record);
  }
  return groups;
}

/** @param present every record set of `wanted`, and A and AAAA at the name of each wanted CNAME */
export function planRecords(
  wanted: readonly WantedRecord[],
  present: ReadonlyMap<string, PresentSet>,
  known: Knowledge,
): RecordPlan {
  const changes: SetChange[] = [];
  const obstacles: Obstacle[] = [];
  const notes: string[] = [];
  for (const [key, group] of groupBySet(wanted)) {
    const set = present.get(key);
    if (set === undefined) throw new Error(`${key} was not looked up`);
    const { name, type } = set;
    const taken = takenName(set, present);
    const { add, remove, obstacle, note } =
      taken === null ? decide(group, set, known) : { ...NOTHING, note: taken };
    if (note !== undefined) notes.push(note);
    if (obstacle !== undefined) obstacles.push({ name, type, ...obstacle });
    if (add.length + remove.length === 0) continue;
    const ttl = set.values[0]?.ttl ?? known.ttl;
    const purpose = [...new Set(group.map((record) => record.purpose))].join(', ');
    const before = set.values.map(({ value }) => value);
    changes.push({ name, type, purpose, before, add, remove, ttl });
  }
  return { changes, obstacles, notes };
}
