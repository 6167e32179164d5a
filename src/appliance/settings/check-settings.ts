// The text of a UCI file → checked settings, or every problem with its line. Pure.

import { parseUci } from '../../uci/parse.ts';
import { type Check, checkOptions } from './check-options.ts';
import { type Conflict, findConflicts } from './conflicts.ts';
import type { Finding } from './findings.ts';
import { OPTIONS } from './options.ts';
import type { Problem } from './problems.ts';
import type { Settings } from './settings.ts';

export { formatProblems, type Problem } from './problems.ts';

export interface SettingsCheck {
  /** null if there are problems. */
  readonly settings: Settings | null;
  /** All problems, in the order of the lines. */
  readonly problems: readonly Problem[];
}

/** @param file name of the file, shown in problems */
export function checkSettings(text: string, file: string): SettingsCheck {
  const { document, problems: syntax } = parseUci(text, { singleLineValues: true });
  const check = checkOptions(document, OPTIONS);
  const settings = completeNames(check.values as Settings);
  const findings: Finding[] = [
    ...syntax.map((problem) => ({ ...problem, section: null, option: null })),
    ...check.findings,
    ...findConflicts(settings).flatMap((conflict) => locateConflict(conflict, check) ?? []),
  ];
  findings.sort((a, b) => a.line - b.line || a.column - b.column);
  const problems = findings.map((finding) => ({ file, ...finding }));
  return { settings: problems.length === 0 ? settings : null, problems };
}

/** The settings of a file that contains only the required sections. */
export function defaultSettings(): Settings {
  const titles = Object.entries(OPTIONS).map(([name, { type }]) => `config ${type} '${name}'\n`);
  const { settings, problems } = checkSettings(titles.join(''), 'defaults');
  if (settings === null) {
    throw new Error(`the defaults contradict each other: ${problems[0]?.message}`);
  }
  return settings;
}

function completeNames(settings: Settings): Settings {
  const { hostname, domain, postmaster } = settings.main;
  const main = {
    ...settings.main,
    hostname: hostname.includes('.') ? hostname : `${hostname}.${domain}`,
    postmaster: postmaster.includes('@') ? postmaster : `${postmaster}@${domain}`,
  };
  return { ...settings, main };
}

/** undefined if one of the options is itself invalid: that problem is already reported. */
function locateConflict(conflict: Conflict, check: Check): Finding | undefined {
  const { options, message } = conflict;
  if (options.some((name) => check.faulty.has(name))) {
    return undefined;
  }
  const given = options.find((name) => check.places.has(name)) ?? options[0];
  const { line, column } = check.places.get(given) ?? { line: 1, column: 1 };
  const [section = '', option = ''] = given.split('.');
  return { line, column, section, option, message };
}
