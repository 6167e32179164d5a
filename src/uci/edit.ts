// Sets one option of a UCI document and returns a new document, with every other byte of the text kept. Sections are
// named as for `findSection`. Only a document without problems may be edited.

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
    ? remove(rewriteEntry(document.text, last, value), entries.slice(0, -1))
    : appendEntry(document, place, value);
  return reparse(text);
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
  value: string,
): string {
  const part = findSection({ text, ...document }, section).at(-1);
  if (!part) {
    throw new Error(`no UCI section ${section}`);
  }
  const last = part.entries.at(-1);
  const indent = last ? indentOf(text, last) : DEFAULT_INDENT;
  return insertLine(text, last ?? part, `${indent}option ${option} ${formatValue(value)}`);
}

function rewriteEntry(text: string, { start, valueSpan }: UciEntry, value: string): string {
  KEYWORD.lastIndex = start;
  const keyword = KEYWORD.exec(text)?.[0] ?? '';
  const kept = 'option'.startsWith(keyword) ? keyword : 'option';
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
