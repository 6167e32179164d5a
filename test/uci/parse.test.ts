import { describe, expect, test } from 'bun:test';
import { findSection, formatUci, getOption } from '../../src/uci/document.ts';
import { parseUci } from '../../src/uci/parse.ts';

/** The value of option `o` in a file with this one statement in it. */
function readValue(statement: string): unknown {
  const { document, problems } = parseUci(`config s 's'\n${statement}\n`);
  return problems.length > 0 ? problems : getOption(document, 's', 'o');
}

function problemsOf(text: string): string[] {
  return parseUci(text).problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

// Each row follows from parse_str, parse_backslash and next_arg of libuci's file.c
describe('a value is read as libuci reads it:', () => {
  test.each([
    ['option o plain', 'plain'],
    ["option o 'single quoted'", 'single quoted'],
    ['option o "double quoted"', 'double quoted'],
    [`option o a'b c'"d e"f`, 'ab cd ef'],
    [`option o 'it'\\''s'`, "it's"],
    [`option o "it's"`, "it's"],
    [String.raw`option o 'a\b'`, String.raw`a\b`],
    [String.raw`option o "a\"b\\c\d"`, String.raw`a"b\cd`],
    [String.raw`option o a\ b\#c\;d`, 'a b#c;d'],
    ['option o a\\\nb', 'ab'],
    ['option o "a\\\nb"', 'ab'],
    ["option o 'a\nb'", 'a\nb'],
    ['option o "a\n\n b"', 'a\n\n b'],
    ["option o '#;\"'", '#;"'],
    ['option o a#comment', 'a'],
    ["option o 'a'#comment", 'a'],
    ["option o 'a' # 'unbalanced", 'a'],
    ['\toption\to\t\va\f', 'a'],
    ['o o a', 'a'],
    ["option 'o' 'a'", 'a'],
    ['option "o" a', 'a'],
    ["option o 'a' ''", 'a'],
    ["option o 'a'\noption o 'b'", 'b'],
    ["option o 'a'\noption o ''", 'a'],
    ["list o 'a'\noption o ''", ['a']],
    ["option o ''", undefined],
    ['option o', undefined],
    ["list o 'a'\nlist o 'b'", ['a', 'b']],
    ["l o 'a'", ['a']],
    ["option o 'a'\nlist o 'b'", ['a', 'b']],
    ["list o 'a'\noption o 'b'", 'b'],
    ["option o 'grüße 📮'", 'grüße 📮'],
  ])('%j', (statement, expected) => {
    expect(readValue(statement)).toEqual(expected);
  });
});

describe('a problem is reported at its place:', () => {
  test.each([
    ["config s 's'\n\toptoin o 'a'", "2:2 'optoin' is not config, option, list or package"],
    ['option o a', "1:1 'o' precedes the first section"],
    ['config', '1:1 missing section type: config TYPE [NAME]'],
    ["config ''", '1:1 missing section type: config TYPE [NAME]'],
    ["config 'a b'", "1:8 'a b' is not a section type (visible ASCII, no blanks)"],
    ['config s a-b', "1:10 'a-b' is not a section name (letters, digits and _)"],
    ['config s\noption', '2:1 missing name: option NAME VALUE'],
    ['config s\nlist', '2:1 missing name: list NAME VALUE'],
    ['config s\noption a-b c', "2:8 'a-b' is not an option name (letters, digits and _)"],
    ['config s\noption o a b', '2:12 unexpected word: is a quote missing?'],
    ['config s n m', '1:12 unexpected word: is a quote missing?'],
    ['package', '1:1 missing package name: package NAME'],
    ['package a.b', "1:9 'a.b' is not a package name (letters, digits, _ and -)"],
    ["config s\noption o 'a';", "2:13 ';' outside quotes: uci rejects the file or drops the rest"],
    ['config s\noption o a ;', "2:12 ';' outside quotes: uci rejects the file or drops the rest"],
    [
      'config s\noption o a;option p b',
      "2:11 ';' outside quotes: uci rejects the file or drops the rest",
    ],
    ["config s n; option o 'a'", "1:11 ';' outside quotes: uci rejects the file or drops the rest"],
    ["config s 'n'\nconfig t 'n'", "2:1 section 'n' has the type 's' on line 1 and 't' here"],
    ["config s\noption o 'a", "2:10 unterminated quote: ' is never closed"],
    ['config s\noption o "a', '2:10 unterminated quote: " is never closed'],
    ['\ufeffconfig s', '1:1 the file begins with a byte order mark (BOM)'],
    ["config s\noption o 'a\0b'", '2:12 the line contains a NUL character'],
    ['config s # \ufffd', '1:12 the line contains bytes that are not UTF-8'],
  ])('%j', (text, expected) => {
    expect(problemsOf(text)).toEqual([expected]);
  });

  test('carriage returns on several lines are one problem', () => {
    expect(problemsOf("config s\r\n\r\n\toption o 'a'\r\n")).toEqual([
      "1:9 the line ends in CR LF, as on Windows, as do 2 more; fix: sed -i 's/\\r$//' FILE",
    ]);
  });

  test('a missing quote is reported on its own line, and later statements are kept', () => {
    const text = "config s 's'\n\toption a 'x\n\toption b 'y'\n\toption c 'z'\n";

    expect(problemsOf(text)).toEqual(["2:11 unterminated quote: ' is never closed"]);
    expect(getOption(parseUci(text).document, 's', 'c')).toBe('z');
  });

  test('two missing quotes that hide each other are found in a file of single-line values', () => {
    const text = "config s\n\toption a 'x\n\toption b 'y\n\toption c 'z'\n";

    expect(problemsOf(text)).toEqual([]);
    expect(parseUci(text, { singleLineValues: true }).problems).toEqual([
      { line: 2, column: 11, message: "unterminated quote: ' is never closed" },
      { line: 3, column: 11, message: "unterminated quote: ' is never closed" },
    ]);
  });

  test('all problems of a file are reported at once, in the order of its lines', () => {
    const text = "option a\nconfig s\n\tfoo\n\toption a-b c\n\toption o 'x\n";

    expect(parseUci(text).problems.map(({ line }) => line)).toEqual([1, 3, 4, 5]);
  });
});

describe('sections', () => {
  const text = `package p
config a 'one'
	option x 1
config b
	option x 2
config a two
	option x 3
config a 'one'
	option y 4
config b
	option x 5
`;
  const { document, problems } = parseUci(text);

  test('of the same name are merged', () => {
    expect(problems).toEqual([]);
    expect(getOption(document, 'one', 'x')).toBe('1');
    expect(getOption(document, 'one', 'y')).toBe('4');
  });

  test.each([
    ['@a[0]', '1'],
    ['@a[1]', '3'],
    ['@a[-1]', '3'],
    ['@b[0]', '2'],
    ['@b[1]', '5'],
    ['@b[-1]', '5'],
    ['@a[2]', undefined],
    ['@b[-3]', undefined],
    ['@c[0]', undefined],
    ['none', undefined],
  ])('%s names a section by type and position', (reference, expected) => {
    expect(getOption(document, reference, 'x')).toBe(expected);
  });

  test('have their line numbers', () => {
    expect(findSection(document, 'one').map(({ line }) => line)).toEqual([2, 8]);
  });
});

test.each(['', '\n', '# nothing', 'config a', "config a 'b'\n\n\n"])(
  'formatting what was parsed gives the same text: %j',
  (text) => {
    expect(formatUci(parseUci(text).document)).toBe(text);
  },
);

test.each([
  ["\toption smtp '25'  # inbound\n", 0],
  ["\toption smtp '25\n", 100_000],
  ['\toptoin smtp "25"\n', 100_000],
])('100,000 lines of %j are read within the time limit of the test', (line, expected) => {
  const text = `config ports 'ports'\n${line.repeat(100_000)}`;
  const { problems, document } = parseUci(text, { singleLineValues: true });

  expect(problems.length).toBeGreaterThanOrEqual(expected);
  expect(document.lineCount).toBe(100_001);
});
