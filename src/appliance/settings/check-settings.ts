// The text of a UCI file → checked settings, or every problem with its line. Pure.

import { parseUci } from '../../uci/parse.ts';
import { type Check, checkOptions } from './check-options.ts';
import { findConflicts } from './conflicts.ts';
import type { Finding } from './findings.ts';
import { findNotices, type Notice } from './notices.ts';
import { OPTIONS } from './options.ts';
import type { Problem } from './problems.ts';
import { nameRelays, relaysOf, withRelays } from './relay-section.ts';
import type { Settings } from './settings.ts';

export { formatProblem, formatProblems, type Problem } from './problems.ts';

export interface SettingsCheck {
  /** null if there are problems. */
  readonly settings: Settings | null;
  /** All problems, in the order of the lines. */
  readonly problems: readonly Problem[];
  /** Options of the file that do not do what they say; empty if there are problems. */
  readonly notices: readonly Problem[];
}

/** @param file name of the file, shown in problems */
export function checkSettings(text: string, file: string): SettingsCheck {
  const { document: parsed, problems: syntax } = parseUci(text, { singleLineValues: true });
  const document = nameRelays(parsed);
  const check = checkOptions(document, withRelays(document, OPTIONS));
  const { relays, incomplete } = relaysOf(check.values, OPTIONS);
  const settings = completeNames({ ...onlyTable(check.values), relays });
  const findings: Finding[] = [
    ...syntax.map((problem) => ({ ...problem, section: null, option: null })),
    ...check.findings,
    ...[...findConflicts(settings), ...incomplete.map(incompleteRelay)].flatMap(
      (conflict) => locateConflict(conflict, check) ?? [],
    ),
  ];
  const problems = inOrder(findings, file);
  if (problems.length > 0) return { settings: null, problems, notices: [] };
  const noticed = findNotices(settings).filter(({ options }) => isWritten(options, check));
  const notices = noticed.flatMap((notice) => locateConflict(notice, check) ?? []);
  return { settings, problems, notices: inOrder(notices, file) };
}

function inOrder(findings: readonly Finding[], file: string): readonly Problem[] {
  const sorted = findings.toSorted((a, b) => a.line - b.line || a.column - b.column);
  return sorted.map((finding) => ({ file, ...finding }));
}

function isWritten(options: readonly string[], check: Check): boolean {
  return options.some((name) => check.places.has(name));
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

/** The sections of the option table; the relays have other names. */
function onlyTable(values: Check['values']): Omit<Settings, 'relays'> {
  const known = Object.entries(values).filter(([name]) => Object.hasOwn(OPTIONS, name));
  return Object.fromEntries(known) as unknown as Omit<Settings, 'relays'>;
}

const incompleteRelay = (section: string): Notice => ({
  options: [`${section}.domain`, `${section}.host`],
  message: 'a relay requires domain and host',
});

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
function locateConflict(conflict: Notice, check: Check): Finding | undefined {
  const { options, ...words } = conflict;
  if (options.some((name) => check.faulty.has(name))) {
    return undefined;
  }
  const given = options.find((name) => check.places.has(name)) ?? options[0];
  const { line, column } = check.places.get(given) ?? { line: 1, column: 1 };
  const [section = '', option = ''] = given.split('.');
  return { line, column, section, option, ...words };
}
