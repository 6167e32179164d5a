// mailctl apply: the running server becomes what the UCI file says.

import type { Command } from 'commander';
import { type AppSource, describeWord } from '../command.ts';
import { wakeScheduler } from '../scheduler.ts';

export function registerApply(program: Command, app: AppSource): void {
  const apply = program
    .command('apply')
    .description('make the server what the UCI file says, prove it, or go back')
    .action(async () => {
      const { host, output, changing, options } = app();
      const { converge, planConvergence, requireInstalled } = await import(
        '../../appliance/apply/converge.ts'
      );
      const { describeChanges, summarizeChanges } = await import('../changes-text.ts');
      const { changes, running } = await changing('apply', async (target) => {
        if (options.dryRun) {
          return { changes: await planConvergence(host, target), running: false };
        }
        const image = await requireInstalled(host, target.paths);
        const result = await converge(host, target, { image, start: false });
        await wakeScheduler(app(), target);
        return result;
      });
      output.result(describeChanges(changes, output.paint), {
        changes: summarizeChanges(changes),
        running,
      });
      if (!running && !options.dryRun) output.note('the server is not running: mailctl start');
    });
  describeWord(apply, {
    examples: ['mailctl apply', 'mailctl apply --dry-run'],
    statuses: [
      '1   the new configuration failed its probes; the last good one is back in force',
      '69  not installed',
      '75  another mailctl is at work',
      '77  not root',
      '78  the UCI file is wrong; nothing was changed',
    ],
  });
}
