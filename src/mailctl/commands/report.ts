// mailctl report: the daily mail to the postmaster, which says what has changed.

import type { Command } from 'commander';
import type { App } from '../app.ts';
import { type AppSource, describeWord } from '../command.ts';

async function generate(app: App): Promise<void> {
  const { makeReport } = await import('../../appliance/doctor/report.ts');
  const { requireRootToLook } = await import('../root.ts');
  requireRootToLook();
  const { lines, difference, situation } = await makeReport(app.host, await app.appliance());
  app.output.result(lines, { ...situation, ...difference });
}

async function send(app: App, always: boolean): Promise<void> {
  const { isNews, makeReport, sendReport } = await import('../../appliance/doctor/report.ts');
  const { requireRootToLook } = await import('../root.ts');
  requireRootToLook();
  const target = await app.appliance();
  if (app.options.dryRun) {
    const { difference } = await makeReport(app.host, target);
    const would = always || isNews(difference);
    app.output.result(would ? 'would send a report' : 'would send nothing: nothing has changed', {
      would: would ? 'send' : 'nothing',
    });
    return;
  }
  const { sentTo } = await sendReport(app.host, target, { always });
  const text = sentTo === null ? 'not sent: nothing has changed' : `sent to ${sentTo}`;
  app.output.result(text, { sent_to: sentTo });
}

async function change(app: App, on: boolean): Promise<void> {
  const { switchReport } = await import('../../appliance/settings/uci-file.ts');
  const word = on ? 'enable' : 'disable';
  const news = await app.changing(`report ${word}`, ({ settings, paths }) =>
    switchReport(app.host, paths.uciFile, { settings, on }),
  );
  const state = on ? 'the daily report is on' : 'the daily report is off';
  app.output.result(news ? state : `${state} already`, { enabled: on });
}

export function registerReport(program: Command, app: AppSource): void {
  const report = program.command('report').description('the daily report to the postmaster');
  const statuses = ['77  not root', '78  the UCI file is wrong'];
  const shown = report
    .command('generate')
    .description('print what would be sent now')
    .action(() => generate(app()));
  describeWord(shown, {
    examples: ['mailctl report generate', 'mailctl report generate --json'],
    statuses,
  });
  const sent = report
    .command('send')
    .description('send it, if something has changed since the last one')
    .option('--always', 'also when nothing has')
    .action((options: { always?: boolean }) => send(app(), options.always ?? false));
  describeWord(sent, {
    examples: ['mailctl report send', 'mailctl report send --always'],
    statuses: ['69  the mail server does not run, or did not take it', ...statuses],
  });
  for (const [word, on] of [
    ['enable', true],
    ['disable', false],
  ] as const) {
    const switched = report
      .command(word)
      .description(on ? 'send it every day when something has changed' : 'send it no more')
      .action(() => change(app(), on));
    describeWord(switched, {
      examples: [`mailctl report ${word}`, `mailctl report ${word} --dry-run`],
      statuses: ['75  another mailctl is at work', ...statuses],
    });
  }
}
