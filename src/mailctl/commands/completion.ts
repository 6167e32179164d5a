// mailctl completion: a completion script for a shell.

import { Argument, type Command } from 'commander';
import { type ExitStatus, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';
import { completionScript, type Shell } from '../completion-scripts.ts';
import { completionNodes } from '../completion-words.ts';

export async function run(
  app: App,
  shell: Shell,
  _options: object,
  self: Command,
): Promise<ExitStatus> {
  const script = completionScript(shell, completionNodes(self.parent ?? self));
  app.output.result(script.trimEnd(), { shell, script });
  return STATUS.OK;
}

export function registerCompletion(command: Command, line: CommandLine): void {
  const shells = new Argument('<shell>', 'the shell').choices(['ash', 'bash', 'zsh', 'fish']);
  defineWord(command.addArgument(shells), line, {
    kind: 'prints',
    run,
    ends: ['USAGE'],
    examples: [
      'mailctl completion bash >/etc/bash_completion.d/mailctl',
      'mailctl completion ash >/etc/profile.d/mailctl.sh',
    ],
  });
}
