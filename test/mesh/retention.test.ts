// Which backups and archives a prune removes from a peer.

import { expect, test } from 'bun:test';
import { type Holding, type KeptBackup, planPrune } from '../../src/mesh/retention.ts';
import { randomTest } from '../random.ts';

const RULE = { hourly: 24, daily: 7, weekly: 4, monthly: 6 };
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = new Date('2026-11-21T12:30:00Z');

const nameOf = (sequence: number) => `${sequence}-1.tar.zst.age`;

/** Backups of these hours before now, the oldest with sequence 1; each needs its own archive alone. */
function madeBefore(hours: readonly number[], now = NOW): KeptBackup[] {
  return [...hours]
    .sort((a, b) => b - a)
    .map((hour, index) => ({
      sequence: index + 1,
      time: new Date(now.getTime() - hour * HOUR),
      archives: [nameOf(index + 1)],
    }));
}

function holding(backups: readonly KeptBackup[], more: Partial<Holding> = {}): Holding {
  const archives = backups.map(({ sequence }) => ({ name: nameOf(sequence), sequence }));
  return { backups, archives, verified: null, ...more };
}

const hoursUpTo = (last: number) => Array.from({ length: last + 1 }, (_, hour) => hour);

test('a year of hourly backups leaves one for each of 24 hours, 7 days, 4 weeks and 6 months', () => {
  const backups = madeBefore(hoursUpTo(365 * 24));
  const gone = new Set(planPrune(holding(backups), RULE, NOW).backups);
  const ages = backups
    .filter(({ sequence }) => !gone.has(sequence))
    .map(({ time }) => (NOW.getTime() - time.getTime()) / HOUR);

  expect(ages.filter((age) => age < 24)).toHaveLength(24);
  expect(ages.filter((age) => age < 7 * 24)).toHaveLength(24 + 5);
  // the newest of a period is kept, so that the last month begins where the fifth ends
  expect(Math.max(...ages) / 24).toBeGreaterThan(140);
  expect(Math.max(...ages) / 24).toBeLessThan(184);
  expect(ages.length).toBeLessThanOrEqual(24 + 7 + 4 + 6);
});

test('the archives of what is removed go, but for those that a kept backup needs', () => {
  const backups = madeBefore(hoursUpTo(60)).map((backup) => ({
    ...backup,
    archives: [nameOf(2), ...backup.archives],
  }));
  const { backups: gone, archives } = planPrune(holding(backups), RULE, NOW);

  expect(gone).toContain(2);
  expect(archives).not.toContain(nameOf(2));
  expect([...archives].sort()).toEqual(
    gone
      .filter((one) => one !== 2)
      .map(nameOf)
      .sort(),
  );
});

test('the last verified backup stays, however old it is', () => {
  const backups = madeBefore([900 * 24, ...hoursUpTo(500)]);

  expect(planPrune(holding(backups), RULE, NOW).backups).not.toContain(1 + 500);
  const { backups: gone } = planPrune(holding(backups, { verified: 17 }), RULE, NOW);
  expect(gone).not.toContain(17);
  expect(gone).toContain(18);
});

test('archives of a backup that is being sent stay, and those that no manifest names any more go', () => {
  const backups = madeBefore(hoursUpTo(3));
  const archives = [1, 2, 3, 4, 5].flatMap((sequence) => [
    { name: nameOf(sequence), sequence },
    { name: `${sequence}-2.tar.zst.age`, sequence },
  ]);

  expect(planPrune(holding(backups, { archives }), RULE, NOW).archives).toEqual(
    [1, 2, 3, 4].map((sequence) => `${sequence}-2.tar.zst.age`),
  );
});

test('without a manifest nothing is removed', () => {
  const archives = [{ name: nameOf(1), sequence: 1 }];

  expect(planPrune({ backups: [], archives, verified: null }, RULE, NOW)).toEqual({
    backups: [],
    archives: [],
  });
});

test('a clock that is years behind removes nothing', () => {
  const backups = madeBefore(hoursUpTo(100));

  expect(planPrune(holding(backups), RULE, new Date(0)).backups).toEqual([]);
});

test.each([
  ['1970', new Date(5 * HOUR)],
  ['2040', new Date('2040-01-01T00:00:00Z')],
])('backups that were made with the clock in %s cost no older backup', (_, wrong) => {
  const right = madeBefore(hoursUpTo(200));
  const backups = right.map((backup) =>
    backup.sequence === 190 || backup.sequence === 191 ? { ...backup, time: wrong } : backup,
  );
  const kept = (of: readonly KeptBackup[]) => {
    const gone = new Set(planPrune(holding(of), RULE, NOW).backups);
    return of.map(({ sequence }) => sequence).filter((one) => !gone.has(one) && one < 177);
  };

  expect(kept(backups).length).toBeGreaterThanOrEqual(kept(right).length);
});

test('a clock that is years ahead keeps one backup of each period, by number', () => {
  const backups = madeBefore([...hoursUpTo(30 * 24)]);
  const gone = planPrune(holding(backups), RULE, new Date(NOW.getTime() + 4000 * DAY)).backups;

  expect(backups.length - gone.length).toBeGreaterThanOrEqual(24 + 6);
});

randomTest(
  'no prune ever removes the newest backup, the verified one, or an archive in need',
  (random) => {
    const count = 1 + Math.floor(random() * 80);
    const backups = Array.from({ length: count }, (_, index) => ({
      sequence: index + 1,
      time: new Date(NOW.getTime() - Math.floor(random() * 400 * DAY)),
      archives: [
        nameOf(index + 1),
        ...Array.from({ length: 3 }, () => nameOf(1 + Math.floor(random() * (index + 1)))),
      ],
    }));
    const verified = random() < 0.5 ? null : 1 + Math.floor(random() * count);
    const { backups: gone, archives } = planPrune(holding(backups, { verified }), RULE, NOW);

    const kept = backups.filter(({ sequence }) => !gone.includes(sequence));
    expect(kept.at(-1)?.sequence).toBe(count);
    expect(gone).not.toContain(verified);
    expect(kept.flatMap((one) => one.archives).filter((name) => archives.includes(name))).toEqual(
      [],
    );
  },
);
