// mailctl start, stop, restart: the life of the container.

import type { Command } from 'commander';
import type { Appliance } from '../../appliance/appliance.ts';
import type { App } from '../app.ts';
import { type AppSource, describeWord } from '../command.ts';
import { endScheduler, ensureScheduler } from '../scheduler.ts';

/** What start, stop and restart do is one thing, so a dry run names it and stops there. */
function showsOnly(app: App, what: string): boolean {
  if (!app.options.dryRun) return false;
  app.output.result(`would ${what} the mail server`, { would: what });
  return true;
}

async function start(app: App, target: Appliance): Promise<boolean> {
  const { converge, requireInstalled } = await import('../../appliance/apply/converge.ts');
  const { checkHost } = await import('../../appliance/container/preflight.ts');
  const image = await requireInstalled(app.host, target.paths);
  await checkHost(app.host, target);
  return (await converge(app.host, target, { image, start: true })).started;
}

async function stop(app: App, target: Appliance): Promise<void> {
  const { takeDown } = await import('../../appliance/container/lifecycle.ts');
  await takeDown(app.host, target);
}

function registerStop(program: Command, app: AppSource): void {
  const command = program
    .command('stop')
    .description('stop the mail server and take its mounts, interfaces and rules away')
    .action(async () => {
      if (showsOnly(app(), 'stop')) return;
      await endScheduler(app());
      await app().changing('stop', (target) => stop(app(), target));
      app().output.result('stopped', { state: 'stopped' });
    });
  describeWord(command, {
    examples: ['mailctl stop', 'mailctl stop --quiet'],
    statuses: ['69  the container does not stop', '75  another mailctl is at work', '77  not root'],
  });
}

function registerRestart(program: Command, app: AppSource): void {
  const command = program
    .command('restart')
    .description('stop and start the mail server')
    .action(async () => {
      if (showsOnly(app(), 'restart')) return;
      await endScheduler(app());
      await app().changing('restart', async (target) => {
        await stop(app(), target);
        await start(app(), target);
        await ensureScheduler(app(), target);
      });
      app().output.result('running', { state: 'running' });
    });
  describeWord(command, {
    examples: ['mailctl restart', 'mailctl restart --json'],
    statuses: ['1   it does not answer as it should', '69  not installed', '77  not root'],
  });
}

export function registerStart(program: Command, app: AppSource): void {
  const command = program
    .command('start')
    .description('start the mail server as the UCI file describes it')
    .option('--no-serve', 'leave the scheduler to a supervisor that runs mailctl serve')
    .action(async ({ serve }: { serve: boolean }) => {
      if (showsOnly(app(), 'start')) return;
      if (!serve) await endScheduler(app());
      const { changing, output } = app();
      const outcome = await changing('start', async (target) => {
        if (!target.settings.main.enabled) return 'disabled' as const;
        const outcome = (await start(app(), target)) ? 'started' : 'running';
        if (serve) await ensureScheduler(app(), target);
        return outcome;
      });
      if (outcome === 'disabled') {
        output.result('not started: main.enabled is 0', { state: 'disabled' });
        return;
      }
      output.result(outcome === 'started' ? 'running' : 'already running', { state: 'running' });
    });
  describeWord(command, {
    examples: ['mailctl start', 'mailctl start --json'],
    statuses: [
      '1   it does not answer as it should',
      '69  not installed, or this host lacks something',
      '75  another mailctl is at work',
      '77  not root',
      '78  the UCI file is wrong',
    ],
  });
  registerStop(program, app);
  registerRestart(program, app);
}
