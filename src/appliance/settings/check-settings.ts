// What the UCI file asks for, checked and complete: every option has a value of its proper type.
// Option names are in camelCase; null stands for "not set" or "switched off"; sizes are in bytes,
// durations in seconds.

import { parseUci } from '../../uci/parse.ts';
import { type Check, checkOptions } from './check-options.ts';
import { type Conflict, findConflicts } from './conflicts.ts';
import type { Finding } from './findings.ts';
import type { SettingsOf } from './option.ts';
import { OPTIONS } from './options.ts';
import type { Problem } from './problems.ts';

export { formatProblems, type Problem } from './problems.ts';

/**
 * `main.hostname` is fully qualified and `main.postmaster` a whole address, whatever the file says;
 * `network.publish` is 'all', or the addresses on which the ports are published, perhaps none.
 */
export type Settings = SettingsOf<typeof OPTIONS>;

export interface SettingsCheck {
  /** null when there are problems. */
  readonly settings: Settings | null;
  /** All of them, in the order of the lines. */
  readonly problems: readonly Problem[];
}

/** @param file its name, as it is shown in problems */
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

/** The settings of a file that gives nothing but its required sections. */
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

/** undefined where the conflict follows from another problem. */
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
