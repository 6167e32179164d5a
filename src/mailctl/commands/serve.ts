// mailctl serve: does what is due, until it is told to end.

import { type Command, Option } from 'commander';
import type { DueJob } from '../../appliance/schedule/plan.ts';
import type { Host } from '../../host/host.ts';
import type { App } from '../app.ts';
import { type AppSource, describeWord } from '../command.ts';
import { requireRootToLook } from '../root.ts';

interface ServeOptions {
  readonly background?: boolean;
}

function listenToSignals({ processes }: Host, ring: () => void): AbortSignal {
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    processes.onSignal(signal, () => end.abort());
  }
  processes.onSignal('SIGHUP', ring);
  return end.signal;
}

function describe({ job, at, problem }: DueJob): string {
  const when = problem ?? (at === null ? 'nothing to do' : at.toISOString());
  return `${job.name}  ${when}`;
}

/** What a dry run shows in place of waiting. */
async function showDue(app: App): Promise<void> {
  const { planJobs } = await import('../../appliance/schedule/plan.ts');
  const { readSchedule } = await import('../../appliance/schedule/state.ts');
  const { summarizeDue } = await import('../due-text.ts');
  const target = await app.appliance();
  const schedule = await readSchedule(app.host, target.paths);
  const due = await planJobs(app.host, target, { schedule, changedAt: null });
  app.output.result(due.map(describe), { due: summarizeDue(due) });
}

async function run(app: App, background: boolean): Promise<void> {
  const { createBell } = await import('../../appliance/schedule/bell.ts');
  const { endLeftJob } = await import('../../appliance/schedule/run.ts');
  const { serve } = await import('../../appliance/schedule/serve.ts');
  const { asOnlyServer } = await import('../../appliance/schedule/server.ts');
  const { ownProgram } = await import('../../host/own-program.ts');
  const { host, output } = app;
  const bell = createBell();
  const end = listenToSignals(host, () => bell.ring());
  const readTarget = () => app.appliance();
  const target = await readTarget();
  const log = (text: string) => {
    const written = host.logs.append(target.paths.scheduleLog, [`serve: ${text}`]);
    // in the background this is the same file
    if (!background || !written) output.note(text);
  };
  const work = async () => {
    const left = await endLeftJob(host, target.paths);
    if (left !== null) log(`${left} was left running: ended, and it will be run again`);
    const serving = { readTarget, target, program: ownProgram(), end, bell, log };
    await serve(host, { ...serving, random: Math.random });
  };
  await asOnlyServer(host, target.paths, { background, work });
}

export function registerServe(program: Command, app: AppSource): void {
  const command = program
    .command('serve')
    .description('do what is due when it is due, until SIGTERM; SIGHUP makes it look now')
    .addOption(new Option('--background', 'started by mailctl start').hideHelp())
    .action(async ({ background = false }: ServeOptions) => {
      requireRootToLook();
      const { becomeLean } = await import('../../host/own-program.ts');
      becomeLean(process.argv.slice(2));
      if (app().options.dryRun) return showDue(app());
      await run(app(), background);
    });
  describeWord(command, {
    examples: ['mailctl serve', 'mailctl serve --dry-run'],
    statuses: [
      '75  there is one already, or main.container was changed: start it again',
      '77  not root',
      '78  the UCI file is wrong',
    ],
  });
}
