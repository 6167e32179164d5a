// What every command file is made with: how a word runs and ends, and the frame of its help.

import type { Command } from 'commander';
import type { ExitStatus } from '../errors.ts';
import type { App } from './app.ts';
import { type Ending, formatStatuses } from './statuses.ts';

/** The command line under way, as the words register for it. */
export interface CommandLine {
  /** Made from the global options of the command line when a word runs. */
  readonly app: () => App;
  /** Takes the status that the word has ended with. */
  readonly end: (status: ExitStatus) => void;
}

/** Gives a command, whose name and description are set, its arguments, options, words and action. */
export type Register = (command: Command, line: CommandLine) => void;

/**
 * What a word does to the appliance: `prints` what is in the program, `reads` the UCI file, `looks` as
 * root, `acts` without the lock, `changes` under the lock. Whatever acts or changes knows --dry-run.
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
  /** Stands below the options: the statuses come last. */
  readonly more?: string;
}

interface Word extends Help {
  readonly kind: Kind;
  /** How it can end beside what its kind brings. */
  readonly ends: readonly Ending[];
  /** Its arguments and options as commander gives them, after the App. */
  readonly run: (app: App, ...words: never[]) => Promise<ExitStatus>;
}

const words = new WeakMap<Command, { kind: Kind; endings: readonly Ending[] }>();

/** null for a group of words. */
export function kindOf(command: Command): Kind | null {
  return words.get(command)?.kind ?? null;
}

/** Those of a group are those of its words. */
function endingsOf(command: Command): readonly Ending[] {
  return [...(words.get(command)?.endings ?? []), ...command.commands.flatMap(endingsOf)];
}

/** Opens a command's help with two examples and ends it with its statuses, as cli.md promises. */
export function describeGroup(command: Command, { examples, more }: Help): Command {
  const lines = examples.map((line) => `  ${line}`).join('\n');
  if (more !== undefined) command.addHelpText('after', `\n${more}`);
  return command
    .addHelpText('before', `Examples:\n${lines}\n`)
    .addHelpText('after', () => `\nStatuses:\n${formatStatuses(endingsOf(command)).join('\n')}`);
}

function readOnly(app: App): App {
  const refuse = () => Promise.reject(new Error('a word that is declared to look wants to change'));
  return { ...app, change: refuse };
}

/** Makes `run` what the command does. */
export function defineWord(command: Command, line: CommandLine, word: Word): Command {
  const { kind, ends, run } = word;
  words.set(command, { kind, endings: [...ENDINGS_OF[kind], ...ends] });
  command.action(async (...given: unknown[]) => {
    const app = kind === 'acts' || kind === 'changes' ? line.app() : readOnly(line.app());
    line.end(await run(app, ...(given as never[])));
  });
  return describeGroup(command, word);
}
