// Checks the sections of a UCI document against the option table.

import { quote } from '../../uci/characters.ts';
import type { UciEntry, UciSection } from '../../uci/document.ts';
import { type Checking, report, suggest } from './findings.ts';

/** The entries of each known section, merged as libuci does. */
export function checkSections(
  checking: Checking,
  sections: readonly UciSection[],
): ReadonlyMap<string, readonly UciEntry[]> {
  const known = new Map<string, UciEntry[]>();
  const first = new Map<string, UciSection>();
  for (const section of sections) {
    const name = checkTitle(checking, section);
    if (name === undefined) continue;
    const earlier = first.get(name);
    if (earlier) {
      report(checking, section, `duplicate of line ${earlier.line}`);
    } else {
      first.set(name, section);
    }
    const entries = known.get(name) ?? [];
    entries.push(...section.entries);
    known.set(name, entries);
  }
  for (const [name, { type, isRequired }] of Object.entries(checking.table)) {
    if (isRequired && !first.has(name)) {
      const missing = { line: 1, column: 1, name, type };
      report(checking, missing, 'missing section', `add: config ${type} '${name}'`);
    }
  }
  return known;
}

/** The name of the section in the table; undefined if the table has no such section. */
function checkTitle(checking: Checking, section: UciSection): string | undefined {
  const { name, type } = section;
  const expected = name === null ? undefined : ownValue(checking.table, name);
  if (name !== null && expected) {
    if (expected.type !== type) {
      report(checking, section, `section type ${quote(type)} where '${expected.type}' is required`);
    }
    return name;
  }
  if (name === null) {
    const meant = Object.entries(checking.table).find(([, known]) => known.type === type);
    const hint = meant && `write: config ${type} '${meant[0]}'`;
    const message = meant ? 'section without a name' : 'unknown section';
    report(checking, { ...section, name: `@${type}` }, message, hint);
    return undefined;
  }
  const nearest = suggest(checking, name, Object.keys(checking.table));
  report(checking, section, 'unknown section', nearest && `did you mean '${nearest}'?`);
  return undefined;
}

function ownValue<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
