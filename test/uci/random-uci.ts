// Random UCI texts.

import type { Random } from '../random.ts';

const PIECES = [
  'a',
  'Z9',
  ' ',
  "'",
  '"',
  '\\',
  '\n',
  '\t',
  '#',
  ';',
  '=',
  'é',
  '📮',
  'option x',
  '',
];
const FILLERS = ['\n', '# comment; \'"\n', '   \n', '\t# indented\n', ''];

function pick<T>(random: Random, choices: readonly T[]): T {
  const chosen = choices[Math.floor(random() * choices.length)];
  if (chosen === undefined) throw new Error('nothing to choose from');
  return chosen;
}

export function randomValue(random: Random): string {
  return Array.from({ length: Math.floor(random() * 6) }, () => pick(random, PIECES)).join('');
}

/** The value in a random valid spelling. */
function writeValue(random: Random, value: string): string {
  const single = `'${value.replaceAll("'", "'\\''")}'`;
  const double = `"${value.replace(/["\\]/g, '\\$&')}"`;
  const escaped =
    value.includes('\n') || value === '' ? single : value.replace(/[^a-zA-Z0-9]/gu, '\\$&');
  return pick(random, [single, double, escaped, `${double}''`, `""${single}`]);
}

function randomEntry(random: Random): string {
  const name = pick(random, ['o1', 'o2', 'o3', 'l1', 'l2']);
  const keyword = name.startsWith('o')
    ? pick(random, ['option', 'o'])
    : pick(random, ['list', 'l']);
  const value = writeValue(random, randomValue(random));
  const end = pick(random, ['\n', ' # why\n', '#\n', '  \n']);
  return (
    pick(random, ['', '\t', '    ']) +
    `${keyword} ${name}${pick(random, [' ', '\t '])}${value}${end}`
  );
}

/** A text without problems: a section `first`, more sections, and comments and blanks anywhere. */
export function randomUci(random: Random): string {
  const titles = ["config a 'first'", 'c second', 'config second other', 'config a "first"'];
  const sections = [titles[0], ...titles.filter(() => random() < 0.5)].map((title) => {
    const entries = Array.from(
      { length: Math.floor(random() * 5) },
      () => pick(random, FILLERS) + randomEntry(random),
    );
    return `${title}${pick(random, ['\n', ' # x\n'])}${entries.join('')}`;
  });
  return pick(random, ['', 'package p\n', '# head\n\n']) + sections.join(pick(random, FILLERS));
}
