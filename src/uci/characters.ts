// Characters that no UCI file may contain: other programs would drop or misread them.

import type { UciProblem } from './scan.ts';

const SHOWN = 40;

/** One problem for each line at fault; carriage returns are one problem for the whole text. */
export function checkCharacters(text: string): readonly UciProblem[] {
  const problems: UciProblem[] = [];
  if (text.startsWith('\ufeff')) {
    problems.push({ line: 1, column: 1, message: 'the file begins with a byte order mark (BOM)' });
  }
  for (const place of findLines(text, '\0')) {
    problems.push({ ...place, message: 'the line contains a NUL character' });
  }
  // A decoder puts U+FFFD where bytes are not UTF-8
  for (const place of findLines(text, '\ufffd')) {
    problems.push({ ...place, message: 'the line contains bytes that are not UTF-8' });
  }
  const [first, ...more] = findLines(text, '\r\n');
  if (first) {
    const others = more.length > 0 ? `, as do ${more.length} more` : '';
    const message = `the line ends in CR LF, as on Windows${others}; fix: sed -i 's/\\r$//' FILE`;
    problems.push({ ...first, message });
  }
  return problems;
}

/** A value for a message: one line, printable, shortened. */
export function quote(value: string): string {
  const shown = value.length > SHOWN ? `${value.slice(0, SHOWN)}…` : value;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not reach a terminal
  const printable = shown.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (character) =>
    JSON.stringify(character).slice(1, -1),
  );
  return `'${printable}'`;
}

/** The first place of `wanted` in each line that contains it. */
function findLines(text: string, wanted: string): { line: number; column: number }[] {
  const places: { line: number; column: number }[] = [];
  let line = 1;
  let lineStart = 0;
  let found = text.indexOf(wanted);
  while (found !== -1) {
    for (let end = text.indexOf('\n', lineStart); end !== -1 && end < found; ) {
      line += 1;
      lineStart = end + 1;
      end = text.indexOf('\n', lineStart);
    }
    if (places.at(-1)?.line !== line) {
      places.push({ line, column: found - lineStart + 1 });
    }
    found = text.indexOf(wanted, found + 1);
  }
  return places;
}
