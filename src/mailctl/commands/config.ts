// mailctl config: checks the UCI file.

import type { Command } from 'commander';
import { requireVirusScan } from '../../appliance/apply/virus-scan.ts';
import { formatProblem, formatProblems } from '../../appliance/settings/check-settings.ts';
import { checkUciFile } from '../../appliance/settings/uci-file.ts';
import { type ExitStatus, MailctlError, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord, describeGroup } from '../command.ts';

export async function runCheck(app: App): Promise<ExitStatus> {
  const { host, output, options } = app;
  const file = options.config;
  const { problems, notices } = await checkUciFile(host, file);
  if (problems.length === 0) {
    await requireVirusScan(host, await app.appliance());
    const lines = notices.map((notice) => `notice: ${formatProblem(notice)}`);
    output.result([`${file}: no problems`, ...lines], { file, problems, notices });
    return STATUS.OK;
  }
  output.result(formatProblems(problems), { file, problems, notices });
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  throw new MailctlError('CONFIG_INVALID', `${file} has ${count}`);
}

export function registerConfig(config: Command, line: CommandLine): void {
  const check = config
    .command('check')
    .description('list every problem of the UCI file with its line');
  defineWord(check, line, {
    kind: 'reads',
    run: runCheck,
    ends: ['IMAGE_INVALID', 'SIGNATURES_MISSING'],
    examples: ['mailctl config check', 'mailctl config check --config /etc/config/mail2 --json'],
  });
  describeGroup(config, { examples: ['mailctl config check', 'mailctl config check --json'] });
}
