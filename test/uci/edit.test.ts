import { describe, expect, test } from 'bun:test';
import { formatUci, formatValue, getOption } from '../../src/uci/document.ts';
import { ensureSection, setList, setOption } from '../../src/uci/edit.ts';
import { parseUci } from '../../src/uci/parse.ts';
import { type Random, randomTest } from '../random.ts';
import { randomUci, randomValue } from './random-uci.ts';

const FILE = `# our mail server

config mailserver 'main'   # the section
	option enabled   "0"	# not yet
    option hostname mail

# who we listen to
config ports 'ports'
  list peer 'a'

	list peer b # second
config anonymous
`;
const { document } = parseUci(FILE);
const ENABLED = { section: 'main', option: 'enabled' };
const PEER = { section: 'ports', option: 'peer' };

/** The lines in which the two texts differ: `-old` and `+new`. */
function changedLines(changed: string, original = FILE): string[] {
  const before = original.split('\n');
  const after = changed.split('\n');
  return [
    ...before.filter((line) => !after.includes(line)).map((line) => `-${line}`),
    ...after.filter((line) => !before.includes(line)).map((line) => `+${line}`),
  ];
}

describe('an edit keeps every other line:', () => {
  test('setOption replaces only the value', () => {
    expect(changedLines(formatUci(setOption(document, ENABLED, '1')))).toEqual([
      '-\toption enabled   "0"\t# not yet',
      "+\toption enabled   '1'\t# not yet",
    ]);
  });

  test('setOption adds a missing option after the last one, with its indentation', () => {
    const edited = setOption(document, { section: 'main', option: 'domain' }, 'example.com');

    expect(formatUci(edited)).toBe(
      FILE.replace('hostname mail\n', "hostname mail\n    option domain 'example.com'\n"),
    );
  });

  test('setList keeps the lines of items that stay, with their comments', () => {
    expect(changedLines(formatUci(setList(document, PEER, ['b', 'c'])))).toEqual([
      "-  list peer 'a'",
      "+\tlist peer 'c'",
    ]);
  });

  test('setList writes a missing list after the last option', () => {
    const edited = setList(document, { section: 'main', option: 'l' }, ['a', 'b']);

    expect(formatUci(edited)).toBe(
      FILE.replace('hostname mail\n', "hostname mail\n    list l 'a'\n    list l 'b'\n"),
    );
  });

  test('setList without items removes the list, or empties the option', () => {
    expect(getOption(setList(document, PEER, []), 'ports', 'peer')).toBeUndefined();
    expect(changedLines(formatUci(setList(document, ENABLED, [])))).toEqual([
      '-\toption enabled   "0"\t# not yet',
      "+\toption enabled   ''\t# not yet",
    ]);
  });

  test('setOption adds to an empty anonymous section', () => {
    const edited = setOption(document, { section: '@anonymous[0]', option: 'o' }, 'v');

    expect(formatUci(edited)).toBe(`${FILE}\toption o 'v'\n`);
  });

  test('setOption replaces a list by one option', () => {
    const edited = setOption(document, PEER, 'c');

    expect(changedLines(formatUci(edited))).toEqual([
      "-  list peer 'a'",
      '-\tlist peer b # second',
      "+\toption peer 'c' # second",
    ]);
  });

  test('an option is added to a file without a final newline', () => {
    const { document: unended } = parseUci("config s 's'");

    expect(formatUci(setOption(unended, { section: 's', option: 'o' }, 'v'))).toBe(
      "config s 's'\n\toption o 'v'\n",
    );
  });
});

test('a file with several statements on one line is not edited', () => {
  const { document: dense } = parseUci("config s 's'; option a '1'; option b '2'");

  expect(() => setOption(dense, { section: 's', option: 'a' }, '4')).toThrow('outside quotes');
});

test('a comment that ends in a semicolon is not a statement', () => {
  const text = "config s 's'\n# note;\n\tlist a '1'\n\tlist a '2'\n";
  const edited = setOption(parseUci(text).document, { section: 's', option: 'a' }, '3');

  expect(formatUci(edited)).toBe("config s 's'\n# note;\n\toption a '3'\n");
});

test('setting an option of a section that does not exist is refused', () => {
  expect(() => setOption(document, { section: 'none', option: 'o' }, 'v')).toThrow(
    'no UCI section',
  );
});

describe('ensureSection', () => {
  test('appends a missing section below a blank line', () => {
    const edited = ensureSection(document, { name: 'report', type: 'report' });

    expect(formatUci(edited)).toBe(`${FILE}\nconfig report 'report'\n`);
  });

  test('ends the last line of the file first', () => {
    const unended = parseUci("config s 's'\n\toption o '1'").document;

    expect(formatUci(ensureSection(unended, { name: 'r', type: 't' }))).toBe(
      "config s 's'\n\toption o '1'\n\nconfig t 'r'\n",
    );
  });

  test('keeps a section of this name', () => {
    expect(ensureSection(document, { name: 'ports', type: 'ports' })).toBe(document);
  });
});

test('a value that a UCI file cannot hold is refused', () => {
  expect(() => setOption(document, ENABLED, 'a\0b')).toThrow('NUL');
});

test.each([
  ["it's", "'it'\\''s'"],
  ['', "''"],
  ['a"\\\n', "'a\"\\\n'"],
])('the value %j is written as libuci writes it', (value, expected) => {
  expect(formatValue(value)).toBe(expected);
});

describe('for 300 random files', () => {
  const files = (random: Random) => Array.from({ length: 300 }, () => randomUci(random));

  randomTest('formatting a parsed file returns the same text, without problems', (random) => {
    for (const text of files(random)) {
      const { document, problems } = parseUci(text);
      expect(problems).toEqual([]);
      expect(formatUci(document)).toBe(text);
    }
  });

  randomTest('a set option is read back, and every other option stays', (random) => {
    for (const text of files(random)) {
      const { document } = parseUci(text);
      const value = randomValue(random);
      const edited = setOption(document, { section: 'first', option: 'o1' }, value);

      expect(getOption(edited, 'first', 'o1')).toBe(value === '' ? undefined : value);
      for (const name of ['o2', 'o3', 'l1', 'l2']) {
        expect(getOption(edited, 'first', name)).toEqual(getOption(document, 'first', name));
      }
      expect(getOption(edited, '@second[0]', 'o1')).toEqual(
        getOption(document, '@second[0]', 'o1'),
      );
    }
  });

  randomTest('a written list is read back, and every other option stays', (random) => {
    for (const text of files(random)) {
      const { document } = parseUci(text);
      const before = [getOption(document, 'first', 'l1') ?? []].flat();
      const kept = before.filter((_, index) => index % 2 === 0);
      const items = [...new Set([...kept, 'one more', randomValue(random)])].filter(Boolean);
      const edited = setList(document, { section: 'first', option: 'l1' }, items);

      expect(getOption(edited, 'first', 'l1')).toEqual(items);
      for (const name of ['o1', 'o2', 'o3', 'l2']) {
        expect(getOption(edited, 'first', name)).toEqual(getOption(document, 'first', name));
      }
    }
  });

  randomTest('a list becomes one option, and every other option stays', (random) => {
    for (const text of files(random)) {
      const { document } = parseUci(text);
      const value = `x${randomValue(random)}`;
      const edited = setOption(document, { section: 'first', option: 'l1' }, value);

      expect(getOption(edited, 'first', 'l1')).toBe(value);
      for (const name of ['o1', 'o2', 'o3', 'l2']) {
        expect(getOption(edited, 'first', name)).toEqual(getOption(document, 'first', name));
      }
    }
  });
});
