// Which lists and archives a chain of backups keeps.

import { expect, test } from 'bun:test';
import { planCompaction } from '../../../src/mesh/archive/compaction.ts';
import type { ArchiveRow } from '../../../src/mesh/archive/index-file.ts';
import { planList } from '../../../src/mesh/archive/lists.ts';
import { randomTest } from '../../random.ts';

const MB = 1024 * 1024;

/** The lists after a number of backups, with their sizes. */
function listsAfter(backups: number, complete = 10 * MB, delta = 1000) {
  let lists: ArchiveRow[] = [];
  let completes = 0;
  for (let sequence = 1; sequence <= backups; sequence += 1) {
    const since = planList(lists, sequence);
    if (since === 0) completes += 1;
    lists = [
      ...lists.filter((list) => since > 0 && list.sequence <= since),
      { sequence, since, size: since === 0 ? complete : delta } as ArchiveRow,
    ];
  }
  return { lists, completes };
}

test.each([1, 2, 3, 8, 100, 1000, 5000])('after %p backups few lists are read', (backups) => {
  const { lists, completes } = listsAfter(backups);

  expect(lists.length).toBeLessThanOrEqual(Math.ceil(Math.log2(backups)) + 1);
  expect(completes).toBe(1);
});

test('each list begins where the one before it ends', () => {
  for (let backups = 1; backups < 200; backups += 1) {
    const { lists } = listsAfter(backups);
    expect(lists.map(({ since }) => since)).toEqual([
      0,
      ...lists.slice(0, -1).map((l) => l.sequence),
    ]);
    expect(lists.at(-1)?.sequence).toBe(backups);
  }
});

test('a complete list is written when the changes are half as large', () => {
  expect(listsAfter(100, 1 * MB, 1 * MB).completes).toBeGreaterThan(20);
});

randomTest('archives stay few, and each message is stored again a few times at most', (random) => {
  let archives: { id: number; stored: number; live: number }[] = [];
  let written = 0;
  let fresh = 0;
  for (let id = 1; id <= 2000; id += 1) {
    const leaving = planCompaction(archives);
    const again = archives
      .filter((one) => leaving.has(one.id))
      .reduce((sum, { live }) => sum + live, 0);
    const size = Math.ceil(random() * 2 * MB);
    fresh += size;
    written += size + again;
    archives = archives.filter((one) => !leaving.has(one.id));
    archives.push({ id, stored: size + again, live: size + again });
    // some mail is deleted
    for (const one of archives) if (random() < 0.05) one.live = Math.floor(one.live * 0.9);
    const small = archives.filter(({ live }) => live < 128 * MB);
    expect(small.length).toBeLessThanOrEqual(25);
  }
  expect(written / fresh).toBeLessThan(6);
});

test.each([
  ['mostly deleted', [{ id: 1, stored: 100 * MB, live: 40 * MB }], [1]],
  ['little to gain', [{ id: 1, stored: 3 * MB, live: 1 * MB }], []],
  ['large and in use', [{ id: 1, stored: 256 * MB, live: 200 * MB }], []],
  ['without an entry', [{ id: 1, stored: 256 * MB, live: 0 }], []],
])('an archive %s', (_, archives, leaving) => {
  expect([...planCompaction(archives)]).toEqual(leaving);
});
