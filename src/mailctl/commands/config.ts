// mailctl config: is the UCI file right?

import type { Command } from 'commander';
import { MailctlError } from '../../errors.ts';
import { type AppSource, describeWord } from '../command.ts';

export function registerConfig(program: Command, app: AppSource): void {
  const config = program.command('config').description('look at the UCI file');
  const check = config
    .command('check')
    .description('list every problem of the UCI file, with its line; changes nothing')
    .action(async () => {
      const { host, output, options } = app();
      const { checkUciFile } = await import('../../appliance/settings/uci-file.ts');
      const { formatProblems } = await import('../../appliance/settings/check-settings.ts');
      const file = options.config;
      const { problems } = await checkUciFile(host, file);
      if (problems.length === 0) {
        output.result(`${file}: no problems`, { file, problems });
        return;
      }
      output.result(formatProblems(problems), { file, problems });
      const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
      throw new MailctlError('CONFIG_INVALID', `${file} has ${count}`);
    });
  describeWord(check, {
    examples: ['mailctl config check', 'mailctl config check --config /etc/config/mail2 --json'],
    statuses: ['78  the UCI file is wrong, or there is none'],
  });
  describeWord(config, {
    examples: ['mailctl config check', 'mailctl config check --json'],
    statuses: ['78  the UCI file is wrong, or there is none'],
  });
}
