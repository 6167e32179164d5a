import { describe, expect, test } from 'bun:test';
import { formatUci, formatValue, getOption } from '../../src/uci/document.ts';
import {
  addListItem,
  addSection,
  removeListItem,
  removeOption,
  removeSection,
  setOption,
} from '../../src/uci/edit.ts';
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

describe('an edit keeps every line but its own:', () => {
  test('setOption replaces the value alone', () => {
    expect(changedLines(formatUci(setOption(document, ENABLED, '1')))).toEqual([
      '-\toption enabled   "0"\t# not yet',
      "+\toption enabled   '1'\t# not yet",
    ]);
  });

  test('setOption adds a missing option behind the last one, indented like it', () => {
    const edited = setOption(document, { section: 'main', option: 'domain' }, 'example.com');

    expect(formatUci(edited)).toBe(
      FILE.replace('hostname mail\n', "hostname mail\n    option domain 'example.com'\n"),
    );
  });

  test('setOption adds to an empty anonymous section', () => {
    const edited = setOption(document, { section: '@anonymous[0]', option: 'o' }, 'v');

    expect(formatUci(edited)).toBe(`${FILE}\toption o 'v'\n`);
  });

  test('setOption makes one option of a list', () => {
    const edited = setOption(document, PEER, 'c');

    expect(changedLines(formatUci(edited))).toEqual([
      "-  list peer 'a'",
      '-\tlist peer b # second',
      "+\toption peer 'c' # second",
    ]);
  });

  test('addListItem adds behind the last item', () => {
    const edited = addListItem(document, PEER, 'c');

    expect(formatUci(edited)).toBe(FILE.replace('second\n', "second\n\tlist peer 'c'\n"));
  });

  test('addListItem makes a list of an option', () => {
    const edited = addListItem(document, ENABLED, '1');

    expect(getOption(edited, 'main', 'enabled')).toEqual(['0', '1']);
    expect(formatUci(edited)).toContain("\tlist enabled   '0'\t# not yet\n\tlist enabled '1'\n");
  });

  test('removeListItem removes the line of the item', () => {
    expect(formatUci(removeListItem(document, PEER, 'a'))).toBe(
      FILE.replace("  list peer 'a'\n", ''),
    );
  });

  test('removeOption removes a whole list', () => {
    expect(changedLines(formatUci(removeOption(document, PEER)))).toEqual([
      "-  list peer 'a'",
      '-\tlist peer b # second',
    ]);
  });

  test('addSection appends', () => {
    expect(formatUci(addSection(document, 'ssl', 'ssl'))).toBe(`${FILE}\nconfig ssl 'ssl'\n`);
    expect(formatUci(addSection(document, 'peer'))).toBe(`${FILE}\nconfig peer\n`);
  });

  test('removeSection keeps the comments', () => {
    expect(formatUci(removeSection(document, 'main'))).toBe(
      FILE.replace(/config mailserver[\s\S]*hostname mail\n/, ''),
    );
  });

  test('a file without an end of line at its end can be added to', () => {
    const { document: unended } = parseUci("config s 's'");

    expect(formatUci(setOption(unended, { section: 's', option: 'o' }, 'v'))).toBe(
      "config s 's'\n\toption o 'v'\n",
    );
    expect(formatUci(addSection(unended, 't'))).toBe("config s 's'\n\nconfig t\n");
  });
});

describe('several statements on one line:', () => {
  const line = "config s 's'; option a '1'; option b '2'; config t 't'; option a '3'";
  const { document: dense } = parseUci(line);

  test('a new option stays in its section', () => {
    const edited = setOption(dense, { section: 's', option: 'c' }, '4');

    expect(getOption(edited, 's', 'c')).toBe('4');
    expect(getOption(edited, 't', 'c')).toBeUndefined();
    expect(getOption(edited, 't', 'a')).toBe('3');
  });

  test('removing statements leaves the others', () => {
    expect(formatUci(removeOption(dense, { section: 's', option: 'a' }))).toBe(
      "config s 's'; option b '2'; config t 't'; option a '3'",
    );
    expect(formatUci(removeSection(dense, 's'))).toBe("config t 't'; option a '3'");
    expect(formatUci(removeSection(dense, 't'))).toBe("config s 's'; option a '1'; option b '2'");
  });

  test('a comment that ends in a semicolon is not taken for a statement', () => {
    const text = "config s 's'\n# note;\n\toption a '1'\n";
    const edited = removeOption(parseUci(text).document, { section: 's', option: 'a' });

    expect(formatUci(edited)).toBe("config s 's'\n# note;\n");
  });
});

test('setting an option of a section that does not exist is refused', () => {
  expect(() => setOption(document, { section: 'none', option: 'o' }, 'v')).toThrow(
    'no UCI section',
  );
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

  randomTest('formatting what was parsed is the identity, without problems', (random) => {
    for (const text of files(random)) {
      const { document, problems } = parseUci(text);
      expect(problems).toEqual([]);
      expect(formatUci(document)).toBe(text);
    }
  });

  randomTest('what was set is what is read, and every other option stays', (random) => {
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

  randomTest(
    'what was added to a list is its last item, and removing the list leaves none',
    (random) => {
      for (const text of files(random)) {
        const place = { section: 'first', option: 'l1' };
        const { document } = parseUci(text);
        const value = randomValue(random);
        const edited = addListItem(document, place, value);

        const present = getOption(document, 'first', 'l1') ?? [];
        expect(getOption(edited, 'first', 'l1')).toEqual([...[present].flat(), value]);
        expect(getOption(removeOption(edited, place), 'first', 'l1')).toBeUndefined();
        expect(parseUci(formatUci(removeSection(edited, 'first'))).problems).toEqual([]);
      }
    },
  );
});
