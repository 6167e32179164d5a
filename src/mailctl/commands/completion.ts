// mailctl completion: the script that teaches a shell the words of mailctl.

import { Argument, type Command } from 'commander';
import { type AppSource, describeWord } from '../command.ts';
import type { Shell } from '../completion-scripts.ts';

export function registerCompletion(program: Command, app: AppSource): void {
  const command = program
    .command('completion')
    .addArgument(new Argument('<shell>', 'which shell').choices(['ash', 'bash', 'zsh', 'fish']))
    .description('print a script that completes the words of mailctl')
    .action(async (shell: Shell) => {
      const { completionNodes } = await import('../completion-words.ts');
      const { completionScript } = await import('../completion-scripts.ts');
      const script = completionScript(shell, completionNodes(program));
      app().output.result(script.trimEnd(), { shell, script });
    });
  describeWord(command, {
    examples: [
      'mailctl completion bash >/etc/bash_completion.d/mailctl',
      'mailctl completion ash >/etc/profile.d/mailctl.sh',
    ],
    statuses: ['64  no such shell'],
  });
}
