// mailctl report: the daily mail to the postmaster about what has changed.

import type { Command } from 'commander';
import { isNews, makeReport, sendReport } from '../../appliance/doctor/report.ts';
import { switchSection } from '../../appliance/settings/uci-file.ts';
import { type ExitStatus, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord, describeGroup } from '../command.ts';
import { requireRootToLook } from '../root.ts';

interface SendOptions {
  readonly always?: boolean;
}

export async function runGenerate(app: App): Promise<ExitStatus> {
  requireRootToLook(app);
  const { lines, difference, situation } = await makeReport(app.host, await app.appliance());
  const { certificateUntil, storageBytes, ...rest } = situation;
  app.output.result(lines, {
    ...rest,
    ...{ certificate_until: certificateUntil, storage_bytes: storageBytes },
    ...difference,
  });
  return STATUS.OK;
}

export async function runSend(app: App, { always = false }: SendOptions): Promise<ExitStatus> {
  const { host, output } = app;
  return app.change({
    word: 'report send',
    unlocked: true,
    plan: async (target) => {
      const { difference } = await makeReport(host, target);
      const due = always || isNews(difference);
      return due ? { would: ['send a report'] } : { would: [], details: ['nothing has changed'] };
    },
    apply: (target) => sendReport(host, target, { always }),
    report: ({ sentTo }) => {
      const text = sentTo === null ? 'not sent: nothing has changed' : `sent to ${sentTo}`;
      output.result(text, { sent_to: sentTo });
      return STATUS.OK;
    },
  });
}

async function runSwitch(app: App, on: boolean): Promise<ExitStatus> {
  return app.change({
    word: `report ${on ? 'enable' : 'disable'}`,
    apply: ({ settings, paths }) =>
      switchSection(app.host, paths.uciFile, { settings, section: 'report', on }),
    report: (news) => {
      const state = on ? 'the daily report is on' : 'the daily report is off';
      app.output.result(news ? state : `${state} already`, { enabled: on });
      return STATUS.OK;
    },
  });
}

export const runEnable = (app: App): Promise<ExitStatus> => runSwitch(app, true);
export const runDisable = (app: App): Promise<ExitStatus> => runSwitch(app, false);

export function registerReport(report: Command, line: CommandLine): void {
  const shown = report.command('generate').description('print the report that would be sent now');
  defineWord(shown, line, {
    kind: 'looks',
    run: runGenerate,
    ends: [],
    examples: ['mailctl report generate', 'mailctl report generate --json'],
  });
  const sent = report
    .command('send')
    .description('send the report if something has changed since the last one')
    .option('--always', 'send it even if nothing has changed');
  defineWord(sent, line, {
    kind: 'acts',
    run: runSend,
    ends: ['NOT_RUNNING', 'PROGRAM_FAILED'],
    examples: ['mailctl report send', 'mailctl report send --always'],
  });
  const enabled = report
    .command('enable')
    .description('send the report daily when something has changed');
  defineWord(enabled, line, {
    kind: 'changes',
    run: runEnable,
    ends: [],
    examples: ['mailctl report enable', 'mailctl report enable --dry-run'],
  });
  const disabled = report.command('disable').description('stop the daily report');
  defineWord(disabled, line, {
    kind: 'changes',
    run: runDisable,
    ends: [],
    examples: ['mailctl report disable', 'mailctl report disable --dry-run'],
  });
  describeGroup(report, { examples: ['mailctl report generate', 'mailctl report send'] });
}
