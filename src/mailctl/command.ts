// What every command file is made with: its App, and the frame of its help.

import type { Command } from 'commander';
import type { App } from './app.ts';

/** Gives a command its App, made from the global options of the command line it ran under. */
export type AppSource = () => App;

/** Ends a command's help with examples and statuses, as cli.md promises. */
export function describeWord(
  command: Command,
  help: { examples: readonly [string, string]; statuses: readonly string[] },
): Command {
  const examples = help.examples.map((line) => `  ${line}`).join('\n');
  const statuses = ['0   done, or already so', ...help.statuses].map((line) => `  ${line}`);
  return command
    .addHelpText('before', `Examples:\n${examples}\n`)
    .addHelpText('after', `\nStatuses:\n${statuses.join('\n')}`);
}
