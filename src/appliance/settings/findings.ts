// Collects the problems that the checks of a settings file find.

import type { UciEntry } from '../../uci/document.ts';
import { findNearest } from './nearest.ts';
import type { OptionTable } from './option.ts';
import type { Problem } from './problems.ts';

export type Finding = Omit<Problem, 'file'>;

export interface Checking {
  readonly table: OptionTable;
  readonly findings: Finding[];
  readonly places: Map<string, UciEntry>;
  readonly faulty: Set<string>;
  readonly nearest: Map<string, string | undefined>;
}

/** Adds a problem: of an option if `section` is given, else of a section. */
export function report(
  checking: Checking,
  at: { line: number; column: number; name: string | null; section?: string },
  message: string,
  hint?: string,
): void {
  checking.findings.push({
    line: at.line,
    column: at.column,
    section: at.section ?? at.name,
    option: at.section === undefined ? null : at.name,
    message,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** The name that was probably meant; results are cached. */
export function suggest(
  { nearest }: Checking,
  typed: string,
  candidates: readonly string[],
): string | undefined {
  const key = `${candidates[0]} ${typed}`;
  if (!nearest.has(key)) {
    nearest.set(key, findNearest(typed, candidates));
  }
  return nearest.get(key);
}
