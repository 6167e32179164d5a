// What no UCI file may contain, wherever it stands: it would be lost or misread by other programs.

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
    const message = `the line ends in CR LF, as on Windows${others}; sed -i 's/\\r$//' FILE repairs it`;
    problems.push({ ...first, message });
  }
  return problems;
}

/** A value as it is shown in a message: on one line, printable, and not too long. */
export function quote(value: string): string {
  const shown = value.length > SHOWN ? `${value.slice(0, SHOWN)}…` : value;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
  const printable = shown.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (character) =>
    JSON.stringify(character).slice(1, -1),
  );
  return `'${printable}'`;
}

/** Where `wanted` first occurs in each line that contains it. */
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
