// The first UCI file of a server: the shipped file with a few values. A file that is already configured is changed
// only when that is asked for. Pure.

import { isDeepStrictEqual } from 'node:util';
import { MailctlError } from '../../errors.ts';
import { assignOptions } from './assign.ts';
import { checkSettings, defaultSettings } from './check-settings.ts';
import { formatShippedFile } from './documents.ts';
import { OPTIONS } from './options.ts';

/** By option; undefined keeps the present value. */
export type FirstValues = Readonly<Record<string, string | undefined>>;

export interface FirstFile {
  readonly text: string;
  /** The text of a configured file that is replaced, to be kept. */
  readonly replaced: string | null;
}

/** True when an option has another value than by default, or when the file has problems. */
function isConfigured(text: string, file: string): boolean {
  return !isDeepStrictEqual(checkSettings(text, file).settings, defaultSettings());
}

/**
 * Throws USAGE for a configured file that has other values, unless `force`.
 * @param present the text of the file; null when it is missing
 */
export function firstFile(
  present: string | null,
  file: string,
  { values, force }: { values: FirstValues; force: boolean },
): FirstFile {
  const assignments = Object.entries(values).flatMap(([option, value]) =>
    value === undefined ? [] : [{ option, how: 'set' as const, values: [value] }],
  );
  const shipped = formatShippedFile(OPTIONS);
  if (present === null || !isConfigured(present, file)) {
    return { text: assignOptions(present ?? shipped, file, assignments).text, replaced: null };
  }
  if (!force) {
    const isSame = assignOptions(present, file, assignments).changes.length === 0;
    if (isSame) return { text: present, replaced: null };
    throw new MailctlError('USAGE', `${file} is already configured; nothing was written`, {
      hint: 'mailctl set <option> <value>   (changes one option; --force writes a new file)',
    });
  }
  return { text: assignOptions(shipped, file, assignments).text, replaced: present };
}
