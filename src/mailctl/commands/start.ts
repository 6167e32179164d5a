// mailctl start, stop, restart: the container.

import type { Command } from 'commander';
import type { Appliance } from '../../appliance/appliance.ts';
import { converge, requireInstalled } from '../../appliance/apply/converge.ts';
import { requireSameData } from '../../appliance/apply/same-place.ts';
import { containerRef } from '../../appliance/container/container.ts';
import { takeDown } from '../../appliance/container/lifecycle.ts';
import { checkHost } from '../../appliance/container/preflight.ts';
import { type ExitStatus, STATUS } from '../../errors.ts';
import { isRunning } from '../../host/lxc.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';
import type { Planned } from '../output.ts';
import { endScheduler, ensureScheduler } from '../scheduler.ts';
import type { Ending } from '../statuses.ts';

const START_ENDS: readonly Ending[] = [
  ...(['PROBE_FAILED', 'NOT_INSTALLED', 'HOST_UNFIT', 'PORT_TAKEN'] as const),
  ...(['DIRECTORY_INVALID', 'CERTIFICATE_INVALID', 'PLACE_CHANGED'] as const),
];

interface StartOptions {
  readonly serve: boolean;
}

async function start(app: App, target: Appliance): Promise<boolean> {
  const image = await requireInstalled(app.host, target.paths);
  await checkHost(app.host, target);
  return (await converge(app.host, target, { image, start: true })).started;
}

async function planStart({ host }: App, target: Appliance): Promise<Planned> {
  if (!target.settings.main.enabled) return { would: [], details: ['main.enabled is 0'] };
  await requireInstalled(host, target.paths);
  await checkHost(host, target);
  const running = await isRunning(host, containerRef(target));
  return running
    ? { would: [], details: ['already running'] }
    : { would: ['start the mail server'] };
}

export async function runStart(app: App, { serve }: StartOptions): Promise<ExitStatus> {
  const { output } = app;
  return app.change({
    word: 'start',
    plan: (target) => planStart(app, target),
    before: async () => {
      if (!serve) await endScheduler(app);
    },
    apply: async (target) => {
      if (!target.settings.main.enabled) return 'disabled';
      const outcome = (await start(app, target)) ? 'started' : 'running';
      if (serve) await ensureScheduler(app, target);
      return outcome;
    },
    report: (outcome) => {
      if (outcome === 'disabled') {
        output.result('not started: main.enabled is 0', { state: 'disabled' });
      } else {
        output.result(outcome === 'started' ? 'running' : 'already running', { state: 'running' });
      }
      return STATUS.OK;
    },
  });
}

export async function runStop(app: App): Promise<ExitStatus> {
  return app.change({
    word: 'stop',
    plan: async () => ({ would: ['stop the mail server'] }),
    before: () => endScheduler(app),
    apply: (target) => takeDown(app.host, target),
    report: () => {
      app.output.result('stopped', { state: 'stopped' });
      return STATUS.OK;
    },
  });
}

export async function runRestart(app: App): Promise<ExitStatus> {
  return app.change({
    word: 'restart',
    plan: async (target) => {
      await requireInstalled(app.host, target.paths);
      await requireSameData(app.host, target);
      return { would: ['stop the mail server', 'start the mail server'] };
    },
    before: async () => {
      await requireSameData(app.host, await app.appliance());
      await endScheduler(app);
    },
    apply: async (target) => {
      await takeDown(app.host, target);
      await start(app, target);
      await ensureScheduler(app, target);
    },
    report: () => {
      app.output.result('running', { state: 'running' });
      return STATUS.OK;
    },
  });
}

export function registerStart(command: Command, line: CommandLine): void {
  command.option('--no-serve', 'do not start the scheduler: a supervisor runs mailctl serve');
  defineWord(command, line, {
    kind: 'changes',
    run: runStart,
    ends: START_ENDS,
    examples: ['mailctl start', 'mailctl start --json'],
  });
}

export function registerStop(command: Command, line: CommandLine): void {
  defineWord(command, line, {
    kind: 'changes',
    run: runStop,
    ends: ['PROGRAM_FAILED'],
    examples: ['mailctl stop', 'mailctl stop --quiet'],
  });
}

export function registerRestart(command: Command, line: CommandLine): void {
  defineWord(command, line, {
    kind: 'changes',
    run: runRestart,
    ends: START_ENDS,
    examples: ['mailctl restart', 'mailctl restart --json'],
  });
}
