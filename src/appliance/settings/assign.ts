// Sets options in the text of a UCI file: every value is checked against the option table first, and an edit that
// makes the file worse is refused. Pure.

import { isDeepStrictEqual } from 'node:util';
import { MailctlError } from '../../errors.ts';
import { quote } from '../../uci/characters.ts';
import { findEntries, mergeEntries, type UciDocument } from '../../uci/document.ts';
import { ensureSection, setList, setOption } from '../../uci/edit.ts';
import { parseUci } from '../../uci/parse.ts';
import { checkSettings, formatProblems, type Problem } from './check-settings.ts';
import { findNearest } from './nearest.ts';
import { type Option, type OptionTable, splitItems } from './option.ts';
import { OPTIONS } from './options.ts';

export interface Assignment {
  /** As `section.option`. */
  readonly option: string;
  /** `add` and `remove` change the items of a list. */
  readonly how: 'set' | 'add' | 'remove';
  readonly values: readonly string[];
}

export interface AssignedOption {
  readonly option: string;
  readonly isSecret: boolean;
  /** As written; empty for an option that is not set. */
  readonly before: readonly string[];
  readonly after: readonly string[];
}

export interface Assigned {
  readonly text: string;
  /** Options whose value has changed. */
  readonly changes: readonly AssignedOption[];
  /** Problems that the file had before, too. */
  readonly problems: readonly Problem[];
}

interface Row {
  readonly section: string;
  readonly name: string;
  readonly type: string;
  readonly row: Option<unknown>;
}

function usage(message: string, hint: string): never {
  throw new MailctlError('USAGE', message, { hint });
}

/** Throws USAGE for an unknown option, with the nearest known one. */
function findRow(option: string): Row {
  const table: OptionTable = OPTIONS;
  const [section = '', name = '', ...rest] = option.replace(/^mailserver\./, '').split('.');
  const part = Object.hasOwn(table, section) ? table[section] : undefined;
  const row = part && Object.hasOwn(part.options, name) ? part.options[name] : undefined;
  if (part && row && rest.length === 0) return { section, name, type: part.type, row };
  const known = Object.entries(table).flatMap(([of, { options }]) =>
    Object.keys(options).map((one) => `${of}.${one}`),
  );
  const elsewhere = known.find((one) => one.endsWith(`.${name || section}`));
  const nearest = elsewhere ?? findNearest(option, known);
  return usage(
    `unknown option ${quote(option)}`,
    nearest === undefined
      ? 'docs/options.md lists the options, as section.option'
      : `did you mean ${nearest}?`,
  );
}

/** True for an option whose value must not be an argument. Throws USAGE for an unknown option. */
export function isSecretOption(option: string): boolean {
  return findRow(option).row.isSecret;
}

function itemsIn(document: UciDocument, { section, name, row }: Row): readonly string[] {
  const value = mergeEntries(findEntries(document, section, name)) ?? [];
  if (typeof value !== 'string') return value;
  return row.isList ? splitItems(value) : [value];
}

function wantedItems(present: readonly string[], { how, values }: Assignment): readonly string[] {
  if (how === 'add') return [...present, ...values.filter((value) => !present.includes(value))];
  if (how === 'remove') return present.filter((item) => !values.includes(item));
  return [...new Set(values.filter((value) => value !== ''))];
}

/** Throws USAGE with the kind of value that the option takes; a secret is not shown. */
function checkValue(option: string, row: Option<unknown>, items: readonly string[]): void {
  const reading = items.length === 0 ? null : row.read(items);
  if (reading === null || !('refused' in reading)) return;
  const shown = row.isSecret ? 'this value' : quote(reading.refused);
  usage(`${option}: ${shown} is not ${row.expected}`, 'docs/options.md describes each option');
}

function checkForm({ option, how, values }: Assignment, { isList }: Option<unknown>): void {
  if (isList) return;
  if (how !== 'set') usage(`${option} is not a list`, `mailctl set ${option} <value>`);
  if (values.length > 1) {
    usage(
      `${option} takes one value, not ${values.length}`,
      `put a value with blanks in quotes: mailctl set ${option} '<value>'`,
    );
  }
}

function assign(
  document: UciDocument,
  assignment: Assignment,
): { document: UciDocument; change: AssignedOption | null } {
  const found = findRow(assignment.option);
  const { section, name, type, row } = found;
  const option = `${section}.${name}`;
  checkForm({ ...assignment, option }, row);
  const before = itemsIn(document, found);
  const after = wantedItems(before, assignment);
  if (isDeepStrictEqual(before, after)) return { document, change: null };
  checkValue(option, row, after);
  const prepared = ensureSection(document, { name: section, type });
  const edited = row.isList
    ? setList(prepared, { section, option: name }, after)
    : setOption(prepared, { section, option: name }, after[0] ?? '');
  return { document: edited, change: { option, isSecret: row.isSecret, before, after } };
}

/** A problem without its place: an edit moves lines. */
const subjectOf = ({ section, option, message }: Problem) => `${section}.${option}: ${message}`;

/** Throws CONFIG_INVALID when the edit has added a problem or left one in an option that it has set. */
function checkWhole(
  { before, after, file }: { before: string; after: string; file: string },
  changes: readonly AssignedOption[],
): readonly Problem[] {
  const known = new Set(checkSettings(before, file).problems.map(subjectOf));
  const { problems } = checkSettings(after, file);
  const ours = new Set(changes.map(({ option }) => option));
  const worse = problems.filter(
    (problem) => !known.has(subjectOf(problem)) || ours.has(`${problem.section}.${problem.option}`),
  );
  if (worse.length === 0) return problems;
  throw new MailctlError('CONFIG_INVALID', `nothing was written: ${formatProblems(worse)}`, {
    hint: 'options that depend on each other are set together: mailctl set <option>=<value> <option>=<value>',
  });
}

/**
 * Makes all assignments or none. Throws USAGE (unknown option, wrong value) and CONFIG_INVALID.
 * @param file name of the file, shown in problems
 */
export function assignOptions(
  text: string,
  file: string,
  assignments: readonly Assignment[],
): Assigned {
  const { document, problems } = parseUci(text, { singleLineValues: true });
  if (problems.length > 0) {
    const all = problems.map((problem) => ({ file, section: null, option: null, ...problem }));
    throw new MailctlError('CONFIG_INVALID', `nothing was written: ${formatProblems(all)}`, {
      hint: 'mailctl config check',
    });
  }
  let edited = document;
  const changes: AssignedOption[] = [];
  for (const assignment of assignments) {
    const step = assign(edited, assignment);
    edited = step.document;
    if (step.change !== null) changes.push(step.change);
  }
  const left = checkWhole({ before: text, after: edited.text, file }, changes);
  return { text: edited.text, changes, problems: left };
}
