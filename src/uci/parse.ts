// Reads the UCI file format as libuci in strict mode, but continues after a problem, to report all problems
// at once. A document with problems must not be edited.

import { checkCharacters, quote } from './characters.ts';
import type { UciDocument, UciEntry, UciSection, UciWord } from './document.ts';
import { type Statement, scanUci, type UciProblem } from './scan.ts';

interface OpenSection extends UciSection {
  readonly entries: UciEntry[];
}

interface Reading {
  readonly sections: OpenSection[];
  /** The first section of each name. */
  readonly named: Map<string, UciSection>;
  readonly problems: UciProblem[];
}

type Reader = (reading: Reading, statement: Statement) => void;

const readOption: Reader = (reading, statement) => readEntry(reading, statement, 'option');
const readListItem: Reader = (reading, statement) => readEntry(reading, statement, 'list');

/** libuci also accepts each keyword by its first letter. */
const READERS = new Map<string, Reader>([
  ['package', readPackage],
  ['p', readPackage],
  ['config', readSection],
  ['c', readSection],
  ['option', readOption],
  ['o', readOption],
  ['list', readListItem],
  ['l', readListItem],
]);
const NAME = /^[A-Za-z0-9_]+$/;
const TYPE = /^[\x21-\x7e]+$/;
const PACKAGE = /^[A-Za-z0-9_-]+$/;

interface ParseOptions {
  /** Values of this file have one line, so a value with several misses its closing quote. */
  readonly singleLineValues?: boolean;
}

/**
 * Pure, and linear in the length of the text. Problems come in the order of the text.
 *
 * A missing quote inverts every later quote. To report its own line and not the last one, a text with
 * problems is read again with each quote that swallows a statement closed.
 */
export function parseUci(
  text: string,
  { singleLineValues = false }: ParseOptions = {},
): { document: UciDocument; problems: readonly UciProblem[] } {
  const asWritten = scanUci(text);
  let scan = asWritten;
  let reading = readStatements(asWritten.statements);
  const isDoubtful = singleLineValues || scan.problems.length + reading.problems.length > 0;
  if (asWritten.swallowsStatements && isDoubtful) {
    scan = scanUci(text, { cutsQuotes: true });
    reading = readStatements(scan.statements);
  }
  const problems = [...checkCharacters(text), ...scan.problems, ...reading.problems];
  problems.sort((a, b) => a.line - b.line || a.column - b.column);
  return { document: { text, lineCount: scan.lineCount, sections: reading.sections }, problems };
}

function readStatements(statements: readonly Statement[]): Reading {
  const reading: Reading = { sections: [], named: new Map(), problems: [] };
  for (const statement of statements) {
    readStatement(reading, statement);
  }
  return reading;
}

function readStatement(reading: Reading, statement: Statement): void {
  const { keyword } = statement;
  const read = READERS.get(keyword.value);
  if (read) {
    read(reading, statement);
  } else {
    report(reading, keyword, `${quote(keyword.value)} is not config, option, list or package`);
  }
}

/** A file is one package, named after the file: libuci checks this line, then ignores it. */
function readPackage(reading: Reading, { keyword, words }: Statement): void {
  const [name] = words;
  if (!name?.value) {
    report(reading, keyword, 'missing package name: package NAME');
    return;
  }
  if (!PACKAGE.test(name.value)) {
    report(reading, name, `${quote(name.value)} is not a package name (letters, digits, _ and -)`);
  }
  reportExtra(reading, words, 1);
}

function readSection(reading: Reading, { keyword, words }: Statement): void {
  const [type, name] = words;
  if (!type?.value) {
    report(reading, keyword, 'missing section type: config TYPE [NAME]');
    return;
  }
  if (!TYPE.test(type.value)) {
    report(reading, type, `${quote(type.value)} is not a section type (visible ASCII, no blanks)`);
  }
  if (name?.value && !NAME.test(name.value)) {
    report(reading, name, `${quote(name.value)} is not a section name (letters, digits and _)`);
  }
  reportExtra(reading, words, 2);
  const { line, column, start } = keyword;
  const section: OpenSection = {
    type: type.value,
    name: name?.value || null,
    line,
    column,
    start,
    end: (words.at(-1) ?? type).end,
    entries: [],
  };
  reading.sections.push(section);
  rememberName(reading, section);
}

function rememberName(reading: Reading, section: UciSection): void {
  if (section.name === null) {
    return;
  }
  const first = reading.named.get(section.name);
  if (first === undefined) {
    reading.named.set(section.name, section);
  } else if (first.type !== section.type) {
    const message = `section '${section.name}' has the type '${first.type}' on line ${first.line} and '${section.type}' here`;
    report(reading, section, message);
  }
}

function readEntry(reading: Reading, { keyword, words }: Statement, kind: UciEntry['kind']): void {
  const [name, value] = words;
  const section = reading.sections.at(-1);
  if (!name?.value) {
    report(reading, keyword, `missing name: ${kind} NAME VALUE`);
    return;
  }
  if (!NAME.test(name.value)) {
    report(reading, name, `${quote(name.value)} is not an option name (letters, digits and _)`);
  }
  reportExtra(reading, words, 2);
  if (!section) {
    report(reading, keyword, `'${name.value}' precedes the first section`);
    return;
  }
  const { line, column, start } = keyword;
  section.entries.push({
    kind,
    name: name.value,
    value: value?.value ?? '',
    line,
    column,
    start,
    end: (words.at(-1) ?? name).end,
    valueSpan: value ?? { start: name.end, end: name.end },
  });
}

function reportExtra(reading: Reading, words: readonly UciWord[], allowed: number): void {
  const extra = words.slice(allowed).find(({ value }) => value !== '');
  if (extra) {
    report(reading, extra, 'unexpected word: is a quote missing?');
  }
}

function report(
  reading: Reading,
  at: { readonly line: number; readonly column: number },
  message: string,
): void {
  reading.problems.push({ line: at.line, column: at.column, message });
}
