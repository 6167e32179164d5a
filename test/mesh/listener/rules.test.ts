import { expect, test } from 'bun:test';
import {
  isProtected,
  planPartRemoval,
  refuseBytes,
  usedBytes,
} from '../../../src/mesh/listener/rules.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const DAY_MS = 86_400_000;
const ago = (days: number) => new Date(NOW.getTime() - days * DAY_MS);
const file = (size: number) => ({ name: 'a', size, modified: NOW });
const part = (name: string, size: number, days = 0) => ({
  ...{ name, size, sha256: 'c'.repeat(64), modified: ago(days) },
});
const disk = { free: 1e12, total: 2e12 };

test('files, parts and bytes that are expected count; a small file counts as a block', () => {
  const holding = { files: [file(10_000), file(1)], parts: [part('b', 20_000)], expected: 300 };

  expect(usedBytes(holding)).toBe(10_000 + 4096 + 20_000 + 300);
});

test.each([
  [89_999, 100_000, null],
  [90_000, 100_000, null],
  [90_001, 100_000, 'quota'],
  [0, 10_000, 'quota'],
  [0, 14_096, null],
] as const)('%p more bytes with a quota of %p: %p', (size, quota, expected) => {
  const holding = { files: [file(10_000)], parts: [], expected: 0, disk };

  expect(refuseBytes(holding, { quota }, size)).toBe(expected);
});

test('a peer has at most 20,000 files, however small', () => {
  const holding = (count: number) => ({
    ...{ files: Array.from({ length: count }, () => file(1)), parts: [], expected: 0, disk },
  });

  expect(refuseBytes(holding(19_999), { quota: 1e12 }, 1)).toBeNull();
  expect(refuseBytes(holding(20_000), { quota: 1e12 }, 1)).toBe('quota');
});

test('a twentieth of the disk stays free for the mail of the host', () => {
  const holding = { files: [], parts: [], expected: 100_000, disk: { free: 1e6, total: 1e7 } };

  expect(refuseBytes(holding, { quota: 1e9 }, 400_000)).toBeNull();
  expect(refuseBytes(holding, { quota: 1e9 }, 400_001)).toBe('space');
});

test('parts of a week ago, and all but the newest eight, are removed', () => {
  const parts = Array.from({ length: 10 }, (_, n) => part(`p${n}`, 1, n / 2));

  const removed = planPartRemoval([...parts, part('old', 1, 8)], NOW).map(({ name }) => name);

  expect(removed).toEqual(['p8', 'p9', 'old']);
});

test.each([
  [0, true],
  [13.99, true],
  [14, false],
  [-400, true],
])('a file of %p days ago is protected by a window of 14 days: %p', (days, expected) => {
  const grant = { protectedSeconds: (14 * DAY_MS) / 1000 };

  expect(isProtected({ modified: ago(days) }, grant, NOW)).toBe(expected);
});
