import { expect, test } from 'bun:test';
import { type Knowledge, planRecords } from '../../../src/appliance/dns/plan.ts';
import { formatRecord } from '../../../src/appliance/dns/publish/change.ts';
import { type PresentSet, setKey } from '../../../src/appliance/dns/publish/present.ts';
import type { Rule, WantedRecord } from '../../../src/appliance/dns/records.ts';

const NOBODY: Knowledge = { isOurs: () => false, lostSpf: () => null, ttl: 3600 };
const ourValues = (...values: string[]): Knowledge => ({
  ...NOBODY,
  isOurs: (_, value) => values.includes(value),
});

function wanted(
  type: WantedRecord['type'],
  value: string,
  rule: Rule,
  purpose = 'x',
): WantedRecord {
  return { name: 'n.example', type, value, rule, purpose };
}

function plan(record: WantedRecord, values: string[], known = NOBODY, alias: string | null = null) {
  const set: PresentSet = {
    ...{ name: record.name, type: record.type, alias },
    values: values.map((value) => ({ value, ttl: 300 })),
  };
  return planRecords([record], new Map([[setKey(set), set]]), known);
}

const DMARC = wanted('TXT', 'v=DMARC1; p=none', 'kept', 'DMARC');
const SPF = wanted('TXT', 'v=spf1 mx ~all', 'merged', 'SPF');
const DKIM = wanted('TXT', 'v=DKIM1; k=rsa; p=NEW', 'sole', 'DKIM');
const A = wanted('A', '192.0.2.1', 'sole');
const MX = wanted('MX', '10 mail.example.', 'shared');

test('a record that is already published needs no change', () => {
  for (const record of [DMARC, SPF, DKIM, A, MX]) {
    const { changes, obstacles } = plan(record, [record.value, 'v=other']);
    expect(changes).toEqual([]);
    if (record.type !== 'A') expect(obstacles).toEqual([]);
  }
});

test('a missing record is added with the TTL of the set it joins', () => {
  const [change] = plan(SPF, ['site-verification']).changes;

  expect(change).toMatchObject({ add: ['v=spf1 mx ~all'], remove: [], ttl: 300 });
});

test('a foreign DMARC policy is kept', () => {
  const { changes, notes } = plan(DMARC, ['v=DMARC1; p=reject']);

  expect(changes).toEqual([]);
  expect(notes).toEqual(['n.example TXT is v=DMARC1; p=reject: left unchanged']);
});

test('a DMARC policy published by mailctl follows UCI', () => {
  const { changes } = plan(DMARC, ['v=DMARC1; p=reject'], ourValues('v=DMARC1; p=reject'));

  expect(changes[0]).toMatchObject({ add: [DMARC.value], remove: ['v=DMARC1; p=reject'] });
});

test.each([
  ['two DMARC records', DMARC, ['v=DMARC1; p=none; fo=1', 'v=DMARC1; p=reject']],
  ['a foreign DKIM key', DKIM, ['p=OLD']],
  ['a foreign address', A, ['192.0.2.9']],
  ['two SPF records', SPF, ['v=spf1 a -all', 'v=spf1 mx -all']],
  ['a null MX', MX, ['0 .']],
])('%s is an obstacle with steps to do by hand, and no change', (_, record, present) => {
  const { changes, obstacles } = plan(record, present);

  expect(changes).toEqual([]);
  expect(obstacles).toHaveLength(1);
  expect(obstacles[0]?.byHand.length).toBeGreaterThan(0);
});

test('a CNAME at the name is an obstacle for every record', () => {
  for (const record of [DMARC, SPF, A, MX]) {
    const { obstacles } = plan(record, [], NOBODY, 'www.elsewhere.');
    expect(obstacles[0]?.reason).toContain('is a CNAME of www.elsewhere.');
  }
});

test('a foreign MX record is kept and reported', () => {
  const { changes, notes } = plan(MX, ['20 other.example.']);

  expect(changes[0]).toMatchObject({ add: [MX.value], remove: [] });
  expect(notes).toHaveLength(1);
});

test('an SPF record that an interrupted update removed is restored and merged', () => {
  const known = { ...NOBODY, lostSpf: () => 'v=spf1 include:them.example -all' };

  expect(plan(SPF, [], known).changes[0]?.add).toEqual(['v=spf1 include:them.example mx -all']);
});

test('a long text is split into strings of at most 255 bytes', () => {
  const line = formatRecord(DKIM, `v=DKIM1; p=${'A'.repeat(400)}`, 60);

  const strings = [...line.matchAll(/"([^"]*)"/g)].map(([, text = '']) => text.length);
  expect(strings).toEqual([255, 156]);
});

test('quotes and backslashes of a text are escaped', () => {
  expect(formatRecord(DKIM, 'a"b\\c', 60)).toBe('n.example. 60 IN TXT "a\\"b\\\\c"');
});
