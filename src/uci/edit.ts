// Edits options of a UCI document and returns a new document, with every other byte of the text kept. Sections are
// named as for `findSection`. Only a document without syntax problems may be edited.

import {
  findEntries,
  findSection,
  formatValue,
  type Span,
  type UciDocument,
  type UciEntry,
} from './document.ts';
import { parseUci } from './parse.ts';

interface Place {
  readonly section: string;
  readonly option: string;
}

const DEFAULT_INDENT = '\t';
const KEYWORD = /[a-z]+/y;
const REST_OF_LINE = /[ \t\r\v\f]*(?:#[^\n]*)?(?:\n|$)/y;

/** The document with the section appended, unless it has one of this name. */
export function ensureSection(
  document: UciDocument,
  { name, type }: { readonly name: string; readonly type: string },
): UciDocument {
  if (findSection(document, name).length > 0) return document;
  const before = document.text === '' ? '' : `${endLine(document.text)}\n`;
  return reparse(`${before}config ${type} '${name}'\n`);
}

/** Replaces the option, also when it is a list. Throws for an unknown section. */
export function setOption(document: UciDocument, place: Place, value: string): UciDocument {
  const entries = findEntries(document, place.section, place.option);
  const last = entries.at(-1);
  const text = last
    ? remove(rewriteEntry(document.text, last, { kind: 'option', value }), entries.slice(0, -1))
    : appendEntry(document, place, { kind: 'option', value });
  return reparse(text);
}

/**
 * Writes the option as `list` lines. Lines of items that stay keep their place and comments, as long as the order
 * of the items is that of the lines. Throws for an unknown section.
 */
export function setList(
  document: UciDocument,
  place: Place,
  items: readonly string[],
): UciDocument {
  const entries = findEntries(document, place.section, place.option);
  const kept = entries.filter(({ kind, value }) => kind === 'list' && items.includes(value));
  const last = entries.at(-1);
  const inOrder = kept.every(({ value }, index) => value === items[index]);
  if (last && inOrder && entries.every(({ kind }) => kind === 'list')) {
    const dropped = entries.filter((entry) => !kept.includes(entry));
    const more = insertItems(document.text, last, { place, items: items.slice(kept.length) });
    return reparse(remove(more, dropped));
  }
  const [first, ...others] = items;
  if (first === undefined) return setOption(document, place, '');
  const entry = { kind: 'list', value: first } as const;
  const begun = reparse(
    last
      ? remove(rewriteEntry(document.text, last, entry), entries.slice(0, -1))
      : appendEntry(document, place, entry),
  );
  return others.length === 0 ? begun : setList(begun, place, items);
}

/** Throws when libuci would reject the edited text. */
function reparse(text: string): UciDocument {
  const { document, problems } = parseUci(text);
  const [problem] = problems;
  if (problem) {
    throw new Error(`the edited UCI text is wrong on line ${problem.line}: ${problem.message}`);
  }
  return document;
}

/** Adds an option after the last one of its section, with the same indentation. */
function appendEntry(
  { text, ...document }: UciDocument,
  { section, option }: Place,
  { kind, value }: Pick<UciEntry, 'kind' | 'value'>,
): string {
  const part = findSection({ text, ...document }, section).at(-1);
  if (!part) {
    throw new Error(`no UCI section ${section}`);
  }
  const last = part.entries.at(-1);
  const indent = last ? indentOf(text, last) : DEFAULT_INDENT;
  return insertLine(text, last ?? part, `${indent}${kind} ${option} ${formatValue(value)}`);
}

/** Inserts `list` lines after a statement, with its indentation. */
function insertItems(
  text: string,
  after: UciEntry,
  { place, items }: { place: Place; items: readonly string[] },
): string {
  const indent = indentOf(text, after);
  const lines = items.map((item) => `${indent}list ${place.option} ${formatValue(item)}`);
  return lines.length === 0 ? text : insertLine(text, after, lines.join('\n'));
}

function rewriteEntry(
  text: string,
  { start, valueSpan }: UciEntry,
  { kind, value }: Pick<UciEntry, 'kind' | 'value'>,
): string {
  KEYWORD.lastIndex = start;
  const keyword = KEYWORD.exec(text)?.[0] ?? '';
  const kept = kind.startsWith(keyword) ? keyword : kind;
  const blank = valueSpan.start === valueSpan.end ? ' ' : '';
  return [
    text.slice(0, start),
    kept,
    text.slice(start + keyword.length, valueSpan.start),
    blank,
    formatValue(value),
    text.slice(valueSpan.end),
  ].join('');
}

/** Inserts a line after the line of a statement. */
function insertLine(text: string, { end }: Span, line: string): string {
  const position = endOfLine(text, end);
  return `${endLine(text.slice(0, position))}${line}\n${text.slice(position)}`;
}

/** Removes statements, given in the order of the text. Each must be alone on its line. */
function remove(text: string, spans: readonly Span[]): string {
  return spans.reduceRight((rest, { start, end }) => {
    const lineStart = rest.lastIndexOf('\n', start - 1) + 1;
    return rest.slice(0, lineStart) + rest.slice(endOfLine(rest, end));
  }, text);
}

/** The position after the end of the statement's line, its comment included. */
function endOfLine(text: string, position: number): number {
  REST_OF_LINE.lastIndex = position;
  return REST_OF_LINE.test(text) ? REST_OF_LINE.lastIndex : position;
}

function indentOf(text: string, { start }: Span): string {
  const indent = text.slice(text.lastIndexOf('\n', start - 1) + 1, start);
  return /^[ \t]*$/.test(indent) ? indent : DEFAULT_INDENT;
}

function endLine(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}
