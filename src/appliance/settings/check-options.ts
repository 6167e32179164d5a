// Checks a UCI document against the option table: returns its values and every problem.

import { quote } from '../../uci/characters.ts';
import {
  mergeEntries,
  type UciDocument,
  type UciEntry,
  type UciValue,
} from '../../uci/document.ts';
import { type Checking, type Finding, report, suggest } from './findings.ts';
import { camelCase, type Option, type OptionTable, splitItems } from './option.ts';
import { checkSections } from './sections.ts';

export interface Check {
  /** Every option of the table, by section and camelCase name; an invalid option has its default. */
  readonly values: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly findings: readonly Finding[];
  /** The entry that sets an option in the file, by `section.option`. */
  readonly places: ReadonlyMap<string, UciEntry>;
  /** Invalid options, as `section.option`. */
  readonly faulty: ReadonlySet<string>;
}

interface Subject {
  readonly section: string;
  readonly name: string;
  readonly entries: readonly UciEntry[];
}

export function checkOptions(document: UciDocument, table: OptionTable): Check {
  const findings: Finding[] = [];
  const checking: Checking = {
    table,
    findings,
    places: new Map(),
    faulty: new Set(),
    nearest: new Map(),
  };
  const known = checkSections(checking, document.sections);
  const values = Object.fromEntries(
    Object.entries(table).map(([section, { options }]) => {
      const given = groupByName(known.get(section) ?? []);
      checkNames(checking, section, given);
      const read = Object.entries(options).map(([name, option]) => {
        const entries = given.get(name) ?? [];
        return [camelCase(name), readOption(checking, option, { section, name, entries })];
      });
      return [section, Object.fromEntries(read)];
    }),
  );
  return { values, findings, places: checking.places, faulty: checking.faulty };
}

function checkNames(
  checking: Checking,
  section: string,
  given: ReadonlyMap<string, readonly UciEntry[]>,
): void {
  const known = Object.keys(checking.table[section]?.options ?? {});
  for (const [name, entries] of given) {
    if (known.includes(name)) continue;
    const hint = suggestOption(checking, section, name);
    for (const entry of entries) {
      report(checking, { ...entry, section, name }, 'unknown option', hint);
    }
  }
}

function suggestOption(checking: Checking, section: string, name: string): string | undefined {
  const home = Object.entries(checking.table).find(([, { options }]) =>
    Object.hasOwn(options, name),
  );
  if (home) {
    return `it belongs to section '${home[0]}'`;
  }
  const options = Object.keys(checking.table[section]?.options ?? {});
  const nearest = suggest(checking, name, options);
  return nearest && `did you mean '${nearest}'?`;
}

/** The value; the default if the option is not set or invalid. */
function readOption(checking: Checking, option: Option<unknown>, subject: Subject): unknown {
  const path = `${subject.section}.${subject.name}`;
  const place = subject.entries.at(-1);
  if (place) {
    checking.places.set(path, place);
  }
  const areValid = checkForm(checking, option, subject) && checkCharacters(checking, subject);
  const items = readItems(option, mergeEntries(subject.entries) ?? []);
  const reading = areValid && items.length > 0 ? option.read(items) : undefined;
  if (reading && 'value' in reading) {
    return reading.value;
  }
  if (reading) {
    reportRefused(checking, option, subject, reading.refused);
  }
  if (reading || !areValid) {
    checking.faulty.add(path);
  }
  return readDefault(option);
}

function readItems({ isList }: Option<unknown>, value: UciValue): readonly string[] {
  if (typeof value !== 'string') {
    return value;
  }
  return isList ? splitItems(value) : [value];
}

function reportRefused(
  checking: Checking,
  option: Option<unknown>,
  { section, name, entries }: Subject,
  refused: string,
): void {
  const last = entries.at(-1);
  const at = entries.find(({ value }) => readItems(option, value).includes(refused)) ?? last;
  const shown = option.isSecret ? 'this' : quote(refused);
  if (at) {
    report(checking, { ...at, section, name }, `${shown} is not ${option.expected}`);
  }
}

/** Reports a duplicate option: libuci and this program could read different values. */
function checkForm(checking: Checking, option: Option<unknown>, subject: Subject): boolean {
  const { section, name, entries } = subject;
  const start = entries.findIndex(({ kind, value }) => kind === 'list' || value !== '');
  // libuci ignores an empty value, whether it comes first or later: an earlier value stays in effect
  const [first, ...more] = start < 0 ? [] : entries.slice(start);
  if (first?.kind === 'list' && !option.isList) {
    const hint = `write: option ${name} VALUE`;
    report(checking, { ...first, section, name }, 'not a list option', hint);
    return false;
  }
  for (const entry of more) {
    if (first && (entry.kind === 'option' || !option.isList)) {
      const message = `duplicate of line ${first.line}`;
      report(checking, { ...entry, section, name }, message);
    }
  }
  return true;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern refuses these characters
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

function checkCharacters(checking: Checking, { section, name, entries }: Subject): boolean {
  const wrong = entries.filter(({ value }) => CONTROL.test(value));
  for (const entry of wrong) {
    const message = 'the value contains a newline or another control character';
    report(checking, { ...entry, section, name }, message, 'is a closing quote missing?');
  }
  return wrong.length === 0;
}

function readDefault(option: Option<unknown>): unknown {
  const reading = option.read(option.isList ? splitItems(option.default) : [option.default]);
  if ('refused' in reading) {
    throw new Error(`the default '${option.default}' is not ${option.expected}`);
  }
  return reading.value;
}

function groupByName(entries: readonly UciEntry[]): ReadonlyMap<string, UciEntry[]> {
  return Map.groupBy(entries, ({ name }) => name);
}
