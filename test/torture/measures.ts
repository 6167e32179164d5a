// What legitimate users were answered, and how long it took: the table, and whether it is good enough.

import type { Phase } from './plan.ts';

export interface Answer {
  operation: string;
  phase: string;
  milliseconds: number;
  /** what came in place of what was asked for; null when it was granted */
  refused: string | null;
}

export interface Summary {
  count: number;
  refused: number;
  median: number;
  p95: number;
  slowest: number;
}

export const BOUND_MS = 5000;

/** The smallest value that `share` of all do not exceed. */
const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;

export function summarize(answers: readonly Answer[]): Summary {
  const times = answers.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b);
  return {
    count: answers.length,
    refused: answers.filter(({ refused }) => refused !== null).length,
    median: quantile(times, 0.5),
    p95: quantile(times, 0.95),
    slowest: times.at(-1) ?? 0,
  };
}

export function summarizeBy(
  answers: readonly Answer[],
  key: 'operation' | 'phase',
): Record<string, Summary> {
  const groups = Object.groupBy(answers, (answer) => answer[key]);
  return Object.fromEntries(
    Object.entries(groups).map(([name, group]) => [name, summarize(group ?? [])]),
  );
}

export function formatTable(title: string, rows: Readonly<Record<string, Summary>>): string {
  const head = ['count', 'refused', 'median', '95 %', 'slowest'];
  const cells = Object.entries(rows).map(([name, row]) => [
    name,
    ...[row.count, row.refused].map(String),
    ...[row.median, row.p95, row.slowest].map((time) => `${Math.round(time)} ms`),
  ]);
  const all = [[title, ...head], ...cells];
  const width = Math.max(...all.map(([name = '']) => name.length));
  return all
    .map(
      ([name = '', ...row]) => name.padEnd(width) + row.map((cell) => cell.padStart(10)).join(''),
    )
    .join('\n');
}

/** What is wrong with the run; empty when it passed. */
export function problemsOf(answers: readonly Answer[], phases: readonly Phase[]): string[] {
  const problems = phases
    .filter(({ name }) => !answers.some(({ phase }) => phase === name))
    .map(({ name }) => `${name}: no legitimate answer at all`);
  const refused = answers.filter((answer) => answer.refused !== null);
  if (refused.length > 0) problems.push(`${refused.length} legitimate requests were refused`);
  const slow = answers.filter(({ milliseconds }) => milliseconds >= BOUND_MS);
  if (slow.length > 0) {
    problems.push(`${slow.length} of ${answers.length} answers took ${BOUND_MS / 1000} s or more`);
  }
  return problems;
}
