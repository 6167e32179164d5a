// What every command file uses: how a command runs and ends, and the parts of its help.

import type { Command } from 'commander';
import type { ExitStatus } from '../errors.ts';
import type { App } from './app.ts';
import { type Ending, formatStatuses } from './statuses.ts';

/** The current command line, for which the commands register. */
export interface CommandLine {
  /** Made from the global options when a command runs. */
  readonly app: () => App;
  /** Stores the exit status of the command. */
  readonly end: (status: ExitStatus) => void;
}

/** Adds arguments, options, subcommands and action to a command that has its name and description. */
export type Register = (command: Command, line: CommandLine) => void;

/**
 * How a command uses the appliance: `prints` only the program's own data, `reads` the UCI file, `looks`
 * as root, `acts` without the lock, `changes` under the lock. The last two must implement --dry-run.
 */
export type Kind = 'prints' | 'reads' | 'looks' | 'acts' | 'changes';

const ENDINGS_OF: Readonly<Record<Kind, readonly Ending[]>> = {
  prints: [],
  reads: ['CONFIG_INVALID'],
  looks: ['NOT_ROOT', 'CONFIG_INVALID'],
  acts: ['NOT_ROOT', 'CONFIG_INVALID'],
  changes: ['LOCKED', 'NOT_ROOT', 'CONFIG_INVALID'],
};

interface Help {
  readonly examples: readonly [string, string];
  /** Text below the options and above the statuses. */
  readonly more?: string;
}

interface Word extends Help {
  readonly kind: Kind;
  /** Endings in addition to those of its kind. */
  readonly ends: readonly Ending[];
  /** Gets the App, then the arguments and options from commander. */
  readonly run: (app: App, ...words: never[]) => Promise<ExitStatus>;
}

const words = new WeakMap<Command, { kind: Kind; endings: readonly Ending[] }>();

/** null for a group of subcommands. */
export function kindOf(command: Command): Kind | null {
  return words.get(command)?.kind ?? null;
}

/** A group has the endings of its subcommands. */
function endingsOf(command: Command): readonly Ending[] {
  return [...(words.get(command)?.endings ?? []), ...command.commands.flatMap(endingsOf)];
}

/** The part of a help above the usage. */
export function formatExamples(examples: readonly string[]): string {
  return `Examples:\n${examples.map((line) => `  ${line}`).join('\n')}\n`;
}

/** Puts two examples at the top of a command's help and its statuses at the end. */
export function describeGroup(command: Command, { examples, more }: Help): Command {
  if (more !== undefined) command.addHelpText('after', `\n${more}`);
  return command
    .addHelpText('before', formatExamples(examples))
    .addHelpText('after', () => `\nStatuses:\n${formatStatuses(endingsOf(command)).join('\n')}`);
}

function readOnly(app: App): App {
  const refuse = () =>
    Promise.reject(new Error('a command that is declared as looking tried to change something'));
  return { ...app, change: refuse, changeFile: refuse };
}

/** Makes `run` the action of the command. */
export function defineWord(command: Command, line: CommandLine, word: Word): Command {
  const { kind, ends, run } = word;
  words.set(command, { kind, endings: [...ENDINGS_OF[kind], ...ends] });
  command.action(async (...given: unknown[]) => {
    const app = kind === 'acts' || kind === 'changes' ? line.app() : readOnly(line.app());
    line.end(await run(app, ...(given as never[])));
  });
  return describeGroup(command, word);
}
