// Runs while bundling: embeds the common passwords that are long enough to be accepted otherwise, one a line.

import { dictionary } from '@zxcvbn-ts/language-common';

/** In lower case; 18,000 of leaked lists, 170 KB. */
export function readCommonPasswords(): string {
  const long = dictionary['passwords-common'].filter((password) => [...password].length >= 8);
  return `\n${long.join('\n')}\n`;
}
