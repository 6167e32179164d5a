// Splits text into statements by the rules of libuci: words are separated by white space, end at an unquoted `#`,
// and consist of plain, 'single' and "double" quoted parts in any order. An unquoted `;` is always a problem:
// libuci rejects the whole file, or silently drops the rest of the line.

import type { UciWord } from './document.ts';

export interface UciProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** One line, or the part of it on either side of a `;`. */
export interface Statement {
  readonly keyword: UciWord;
  readonly words: readonly UciWord[];
}

interface Cursor {
  readonly text: string;
  readonly problems: UciProblem[];
  /** Ends a quote at the end of its line when the next line looks like a statement. */
  readonly cutsQuotes: boolean;
  swallowsStatements: boolean;
  position: number;
  line: number;
  lineStart: number;
}

interface Scan {
  readonly statements: readonly Statement[];
  readonly problems: readonly UciProblem[];
  /** A quoted value spans a line that looks like a statement. */
  readonly swallowsStatements: boolean;
  readonly lineCount: number;
}

const STATEMENT_LINE = /[ \t]*(?:package|config|option|list)[ \t]/y;
// White space as in C's isspace(), which is not \s of JavaScript
const PLAIN = /[^ \t\r\n\v\f'"\\;#]+/y;
const SINGLE_QUOTED = /[^'\n]+/y;
const DOUBLE_QUOTED = /[^"\\\n]+/y;
const BLANK = /[ \t\r\v\f]+/y;
const KEYWORD = /[^ \t\r\n\v\f;]+/y;
const COMMENT = /[^\n]*/y;

export function scanUci(text: string, { cutsQuotes = false } = {}): Scan {
  const cursor: Cursor = {
    text,
    problems: [],
    cutsQuotes,
    swallowsStatements: false,
    position: text.startsWith('\ufeff') ? 1 : 0,
    line: 1,
    lineStart: 0,
  };
  const statements: Statement[] = [];
  while (cursor.position < text.length) {
    const statement = scanStatement(cursor);
    if (statement) {
      statements.push(statement);
    }
  }
  const { problems, swallowsStatements, line, lineStart } = cursor;
  const lineCount = lineStart < text.length ? line : line - 1;
  return { statements, problems, swallowsStatements, lineCount };
}

/** Reads up to and including the next separator; undefined for an empty line. */
function scanStatement(cursor: Cursor): Statement | undefined {
  take(cursor, BLANK);
  if (takeSeparator(cursor)) {
    return undefined;
  }
  if (takeSemicolon(cursor)) {
    return undefined;
  }
  const start = cursor.position;
  const keyword = wordAt(cursor, start, take(cursor, KEYWORD));
  const words: UciWord[] = [];
  for (;;) {
    take(cursor, BLANK);
    if (takeSeparator(cursor)) {
      break;
    }
    if (takeSemicolon(cursor)) {
      break;
    }
    words.push(scanWord(cursor));
  }
  return { keyword, words };
}

/** Skips a comment and the end of the line. True there and at the end of the text. */
function takeSeparator(cursor: Cursor): boolean {
  if (cursor.text[cursor.position] === '#') {
    take(cursor, COMMENT);
  }
  if (cursor.text[cursor.position] === '\n') {
    takeLineEnd(cursor);
    return true;
  }
  return cursor.position >= cursor.text.length;
}

function takeSemicolon(cursor: Cursor): boolean {
  if (cursor.text[cursor.position] !== ';') {
    return false;
  }
  report(cursor, cursor.position, "';' outside quotes: uci rejects the file or drops the rest");
  cursor.position += 1;
  return true;
}

function scanWord(cursor: Cursor): UciWord {
  const { position: start, line, lineStart } = cursor;
  let value = '';
  for (;;) {
    switch (cursor.text[cursor.position]) {
      case "'":
        value += scanQuoted(cursor, "'", SINGLE_QUOTED);
        break;
      case '"':
        value += scanQuoted(cursor, '"', DOUBLE_QUOTED);
        break;
      case '\\':
        value += takeEscape(cursor);
        break;
      default: {
        const plain = take(cursor, PLAIN);
        if (plain === '') {
          const end = cursor.position;
          return { value, start, end, line, column: start - lineStart + 1 };
        }
        value += plain;
      }
    }
  }
}

function scanQuoted(cursor: Cursor, quote: '"' | "'", inside: RegExp): string {
  const opened = cursor.position;
  const { line, lineStart } = cursor;
  cursor.position += 1;
  let value = '';
  for (;;) {
    value += take(cursor, inside);
    const next = cursor.text[cursor.position];
    if (next === quote) {
      cursor.position += 1;
      return value;
    }
    if (next === '\\') {
      value += takeEscape(cursor);
      continue;
    }
    const swallows = isStatementAt(cursor, cursor.position + 1);
    cursor.swallowsStatements ||= swallows;
    if (next === undefined || (cursor.cutsQuotes && swallows)) {
      const column = opened - lineStart + 1;
      cursor.problems.push({
        line,
        column,
        message: `unterminated quote: ${quote} is never closed`,
      });
      return value;
    }
    takeLineEnd(cursor);
    value += '\n';
  }
}

/** A character after a backslash is literal; a line end after it is dropped. */
function takeEscape(cursor: Cursor): string {
  const isCrlf = cursor.text.startsWith('\r\n', cursor.position + 1);
  cursor.position += isCrlf ? 2 : 1;
  const escaped = cursor.text[cursor.position] ?? '';
  if (escaped === '\n') {
    takeLineEnd(cursor);
    return '';
  }
  cursor.position += escaped.length;
  return escaped;
}

function takeLineEnd(cursor: Cursor): void {
  cursor.position += 1;
  cursor.line += 1;
  cursor.lineStart = cursor.position;
}

function take(cursor: Cursor, pattern: RegExp): string {
  const start = cursor.position;
  pattern.lastIndex = start;
  if (!pattern.test(cursor.text)) {
    return '';
  }
  cursor.position = pattern.lastIndex;
  return cursor.text.slice(start, cursor.position);
}

function isStatementAt(cursor: Cursor, position: number): boolean {
  STATEMENT_LINE.lastIndex = position;
  return STATEMENT_LINE.test(cursor.text);
}

function wordAt(cursor: Cursor, start: number, value: string): UciWord {
  const column = start - cursor.lineStart + 1;
  return { value, start, end: cursor.position, line: cursor.line, column };
}

function report(cursor: Cursor, position: number, message: string): void {
  cursor.problems.push({ line: cursor.line, column: position - cursor.lineStart + 1, message });
}
