// mailctl uninstall: everything goes but the data, unless the data is to go as well.

import type { Command } from 'commander';
import { type AppSource, describeWord } from '../command.ts';
import { endScheduler } from '../scheduler.ts';

interface UninstallOptions {
  readonly purge?: boolean;
}

export function registerUninstall(program: Command, app: AppSource): void {
  const command = program
    .command('uninstall')
    .description('remove the mail server; its data stays')
    .option('--purge', 'remove the data too: every mailbox, key and setting in the data folder')
    .action(async (options: UninstallOptions) => {
      const { host, output, changing, confirm, appliance, options: global } = app();
      const { data, container } = (await appliance()).paths;
      if (global.dryRun) {
        const going = options.purge ? [container, data] : [container];
        output.result(`would stop the server and remove ${going.join(' and ')}`, { would: going });
        return;
      }
      if (options.purge) await confirm(`This removes ${data} with all mail in it, for ever.`);
      const { uninstall } = await import('../../appliance/container/uninstall.ts');
      const { disableInUci } = await import('../../appliance/settings/uci-file.ts');
      await endScheduler(app());
      await changing('uninstall', async (target) => {
        await uninstall(host, target, options.purge ?? false);
        // the next boot must not look for what is gone
        await disableInUci(host, target.paths.uciFile, target.settings);
      });
      const text = options.purge
        ? `removed, and ${data} with it`
        : `removed; the data is in ${data}`;
      output.result(text, { state: 'absent', data: options.purge ? null : data });
      if (!options.purge) output.note('mailctl install brings the server back as it was');
    });
  describeWord(command, {
    examples: ['mailctl uninstall', 'mailctl uninstall --purge --yes'],
    statuses: [
      '64  --purge without --yes or a terminal',
      '75  another mailctl is at work',
      '77  not root',
    ],
  });
}
