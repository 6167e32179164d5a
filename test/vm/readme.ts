// The command lines of the README's chapter "On a router", as an operator types them.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../../scripts/programs.ts';

const CHAPTER = 'On a router';

/** The indented lines below a heading, without comments; `heading` is the text behind the #. */
export async function commandsBelow(heading: string): Promise<string[]> {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  const chapter = readme.slice(readme.indexOf(`\n## ${CHAPTER}\n`));
  const start = new RegExp(`\n##+ ${heading}\n`).exec(chapter);
  if (start === null)
    throw new Error(`README.md has no heading ${heading} in its chapter ${CHAPTER}`);
  const [text = ''] = chapter.slice(start.index + start[0].length).split(/\n##+ /);
  const lines = text.split('\n').filter((line) => line.startsWith('    '));
  return lines.map((line) => line.replace(/ {2,}# .*$/, '').trim());
}

/** The lines from the first that begins with `first` to before the one that begins with `end`; both must be there. */
export function between(lines: readonly string[], first: string, end?: string): string[] {
  const place = (text: string) => {
    const found = lines.findIndex((line) => line.startsWith(text));
    if (found === -1) throw new Error(`README.md has no line ${text} in its chapter ${CHAPTER}`);
    return found;
  };
  return lines.slice(place(first), end === undefined ? undefined : place(end));
}
