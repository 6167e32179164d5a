// When a peer that keeps backups is reported.

import { expect, test } from 'bun:test';
import { emptyRecord, type PeerRecord } from '../../../src/appliance/backup/state.ts';
import { peerProblem } from '../../../src/appliance/doctor/checks-backup.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const HOUR = 3_600_000;
const ago = (hours: number) => new Date(NOW.getTime() - hours * HOUR);
const text = (hours: number) => ago(hours).toISOString();

const HEALTHY: PeerRecord = {
  ...emptyRecord(ago(500)),
  pushed: { sequence: 9, time: text(1) },
  ...{ lastPush: text(1), lastProof: text(20), usedBytes: 50, quotaBytes: 100 },
};

const problem = (peer: Partial<PeerRecord>, interval = HOUR) =>
  peerProblem({ name: 'attic', peer: { ...HEALTHY, ...peer }, now: NOW, interval });

test.each([
  ['a peer that is up to date', {}],
  ['one that failed once since the last push', { problem: 'attic does not answer' }],
  ['one that was away for a few hours', { lastPush: text(2.5) }],
  ['one that was added just now', { ...emptyRecord(ago(0.5)) }],
  ['a folder, which has no quota', { quotaBytes: null, usedBytes: 1e15 }],
])('%s is no problem', (_, peer) => {
  expect(problem(peer)).toBeNull();
});

test.each([
  [
    'no push for four intervals',
    { lastPush: text(4), problem: 'it is away' },
    'attic got its last backup 4 hours ago: it is away',
  ],
  ['no push ever', { ...emptyRecord(ago(10)) }, 'attic got its last backup never'],
  [
    'no proof for days',
    { lastProof: text(100) },
    'attic proved that it has its backups 100 hours ago',
  ],
  ['a quota that is nearly used up', { usedBytes: 95 }, 'the space at attic is 95 % full'],
])('%s is reported', (_, peer, said) => {
  expect(problem(peer)).toContain(said);
});

test('with a long interval a push may be days old', () => {
  expect(problem({ lastPush: text(60) }, 24 * HOUR)).toBeNull();
  expect(problem({ lastPush: text(80) }, 24 * HOUR)).not.toBeNull();
});
