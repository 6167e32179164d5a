// Changes to a UCI document. Each keeps every other byte of the text and gives a new document; sections
// are named as for `findSection`. Only a document without problems may be edited.

import {
  findEntries,
  findSection,
  formatValue,
  type Span,
  type UciDocument,
  type UciEntry,
} from './document.ts';
import { parseUci } from './parse.ts';

export interface Place {
  readonly section: string;
  readonly option: string;
}

const DEFAULT_INDENT = '\t';
const KEYWORD = /[a-z]+/y;
const REST_OF_LINE = /[ \t\r\v\f]*(?:#[^\n]*)?(?:\n|$)/y;
const TRAILING_BLANKS = /(?<![ \t])[ \t]+$/;
const SEPARATOR = /[ \t\r\v\f]*;[ \t\r\v\f]*/y;

/** Replaces whatever the option was, a list included. Throws when there is no such section. */
export function setOption(document: UciDocument, place: Place, value: string): UciDocument {
  const entries = findEntries(document, place.section, place.option);
  const last = entries.at(-1);
  const text = last
    ? remove(rewriteEntry(document.text, last, 'option', value), entries.slice(0, -1))
    : appendEntry(document, place, 'option', value);
  return reparse(text);
}

/** Adds an item at the end of a list; an option of that name becomes its first item. */
export function addListItem(document: UciDocument, place: Place, value: string): UciDocument {
  const entries = findEntries(document, place.section, place.option);
  const last = entries.at(-1);
  if (!last) {
    return reparse(appendEntry(document, place, 'list', value));
  }
  if (last.kind === 'list') {
    return reparse(
      insertLine(document.text, last, formatEntry(document.text, last, 'list', value)),
    );
  }
  const item = formatEntry(document.text, last, 'list', value);
  const extended = last.value === '' ? document.text : insertLine(document.text, last, item);
  const text = rewriteEntry(extended, last, 'list', last.value === '' ? value : last.value);
  return reparse(remove(text, entries.slice(0, -1)));
}

/** Removes every item that equals `value`. */
export function removeListItem(document: UciDocument, place: Place, value: string): UciDocument {
  const entries = findEntries(document, place.section, place.option);
  const items = entries.filter((entry) => entry.value === value);
  return reparse(remove(document.text, items));
}

/** Removes an option, or a whole list. */
export function removeOption(document: UciDocument, place: Place): UciDocument {
  return reparse(remove(document.text, findEntries(document, place.section, place.option)));
}

/** Adds a section at the end; without a name it is anonymous. */
export function addSection(document: UciDocument, type: string, name?: string): UciDocument {
  const title = name === undefined ? `config ${type}\n` : `config ${type} '${name}'\n`;
  return reparse(document.text === '' ? title : `${endLine(document.text)}\n${title}`);
}

/** Removes a section with its options; comments between them stay. */
export function removeSection(document: UciDocument, reference: string): UciDocument {
  const parts = findSection(document, reference);
  return reparse(
    remove(
      document.text,
      parts.flatMap((part) => [part, ...part.entries]),
    ),
  );
}

/** Throws when an edit led to a text that libuci would not read. */
function reparse(text: string): UciDocument {
  const { document, problems } = parseUci(text);
  const [problem] = problems;
  if (problem) {
    throw new Error(`the edited UCI text is wrong on line ${problem.line}: ${problem.message}`);
  }
  return document;
}

/** Puts an option behind the last one of its section, indented like that one. */
function appendEntry(
  { text, ...document }: UciDocument,
  { section, option }: Place,
  kind: UciEntry['kind'],
  value: string,
): string {
  const part = findSection({ text, ...document }, section).at(-1);
  if (!part) {
    throw new Error(`there is no UCI section ${section}`);
  }
  const last = part.entries.at(-1);
  const indent = last ? indentOf(text, last) : DEFAULT_INDENT;
  return insertLine(text, last ?? part, `${indent}${kind} ${option} ${formatValue(value)}`);
}

function formatEntry(text: string, like: UciEntry, kind: UciEntry['kind'], value: string): string {
  return `${indentOf(text, like)}${kind} ${like.name} ${formatValue(value)}`;
}

function rewriteEntry(
  text: string,
  { start, valueSpan }: UciEntry,
  kind: UciEntry['kind'],
  value: string,
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

/** Puts a line behind a statement; what follows it after a `;` moves to a line of its own. */
function insertLine(text: string, { end }: Span, line: string): string {
  REST_OF_LINE.lastIndex = end;
  if (REST_OF_LINE.test(text)) {
    const position = REST_OF_LINE.lastIndex;
    return `${endLine(text.slice(0, position))}${line}\n${text.slice(position)}`;
  }
  SEPARATOR.lastIndex = end;
  const position = SEPARATOR.test(text) ? SEPARATOR.lastIndex : end;
  return `${text.slice(0, end)}\n${line}\n${text.slice(position)}`;
}

/** Removes statements, given in the order of the text, with the lines that they leave empty. */
function remove(text: string, spans: readonly Span[]): string {
  return spans.reduceRight(removeStatement, text);
}

function removeStatement(text: string, { start, end }: Span): string {
  const before = text.slice(0, start).replace(TRAILING_BLANKS, '');
  if (before.endsWith(';')) {
    return before.slice(0, -1).replace(TRAILING_BLANKS, '') + text.slice(end);
  }
  SEPARATOR.lastIndex = end;
  if (SEPARATOR.test(text)) {
    return text.slice(0, start) + text.slice(SEPARATOR.lastIndex);
  }
  REST_OF_LINE.lastIndex = end;
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  return (
    text.slice(0, lineStart) + text.slice(REST_OF_LINE.test(text) ? REST_OF_LINE.lastIndex : end)
  );
}

function indentOf(text: string, { start }: Span): string {
  const indent = text.slice(text.lastIndexOf('\n', start - 1) + 1, start);
  return /^[ \t]*$/.test(indent) ? indent : DEFAULT_INDENT;
}

function endLine(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}
