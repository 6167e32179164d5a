// mailctl start, stop, restart: the container.

import { type Command, Option } from 'commander';
import type { Appliance } from '../../appliance/appliance.ts';
import { converge, requireInstalled } from '../../appliance/apply/converge.ts';
import { requireSameData } from '../../appliance/apply/same-place.ts';
import { containerRef } from '../../appliance/container/container.ts';
import { checkHost } from '../../appliance/container/preflight.ts';
import { endStop, isKeptStopped } from '../../appliance/container/stopped.ts';
import { noteStop, shutDown, stopAll } from '../../appliance/supervise/stop.ts';
import { followWeb } from '../../appliance/webmail/follow.ts';
import { type ExitStatus, STATUS } from '../../errors.ts';
import { isRunning } from '../../host/lxc.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';
import type { Planned } from '../output.ts';
import { endScheduler, ensureScheduler, wakeScheduler } from '../scheduler.ts';
import type { Ending } from '../statuses.ts';
import { warnOfWeb } from '../web-text.ts';

const START_ENDS: readonly Ending[] = [
  ...(['PROBE_FAILED', 'NOT_INSTALLED', 'HOST_UNFIT', 'PORT_TAKEN'] as const),
  ...(['DIRECTORY_INVALID', 'CERTIFICATE_INVALID', 'PLACE_CHANGED'] as const),
];

interface StartOptions {
  readonly serve: boolean;
  /** Started by mailctl serve, which it leaves alone. */
  readonly scheduled?: boolean;
}

interface StopOptions extends Pick<StartOptions, 'scheduled'> {
  readonly service?: boolean;
  readonly shutdown?: boolean;
}

async function start(app: App, target: Appliance): Promise<boolean> {
  const image = await requireInstalled(app.host, target);
  await checkHost(app.host, target);
  const { started } = await converge(app.host, target, { image, start: true });
  warnOfWeb(app, await followWeb(app.host, target));
  return started;
}

async function planStart({ host }: App, target: Appliance): Promise<Planned> {
  if (!target.settings.main.enabled) return { would: [], details: ['main.enabled is 0'] };
  await requireInstalled(host, target);
  await checkHost(host, target);
  const running = await isRunning(host, containerRef(target));
  return running
    ? { would: [], details: ['already running'] }
    : { would: ['start the mail server'] };
}

const STARTED = {
  started: { text: 'running', state: 'running' },
  running: { text: 'already running', state: 'running' },
  disabled: { text: 'not started: main.enabled is 0', state: 'disabled' },
  stopped: { text: 'not started: stopped by mailctl stop', state: 'stopped' },
} as const;

/** What mailctl serve starts, unless it has become unwanted while this command waited for the lock. */
async function startScheduled(app: App): Promise<keyof typeof STARTED> {
  const target = await app.appliance();
  if (!target.settings.main.enabled) return 'disabled';
  if (await isKeptStopped(app.host, target.paths)) return 'stopped';
  return (await start(app, target)) ? 'started' : 'running';
}

async function startByHand(app: App, target: Appliance, serve: boolean) {
  if (!target.settings.main.enabled) return 'disabled';
  await endStop(app.host, target.paths);
  const outcome = (await start(app, target)) ? 'started' : 'running';
  if (serve) await ensureScheduler(app, target);
  return outcome;
}

async function runStart(app: App, options: StartOptions): Promise<ExitStatus> {
  const { serve, scheduled = false } = options;
  return app.change({
    word: 'start',
    plan: (target) => planStart(app, target),
    before: async () => {
      if (!serve) await endScheduler(app);
    },
    apply: (target) => (scheduled ? startScheduled(app) : startByHand(app, target, serve)),
    report: (outcome) => {
      const { text, state } = STARTED[outcome];
      app.output.result(text, { state });
      return STATUS.OK;
    },
  });
}

/** The wish, and then the container; false when it has become wanted again while this command waited for the lock. */
async function stop(app: App, target: Appliance, options: StopOptions): Promise<boolean> {
  const { host } = app;
  const { paths } = target;
  if (options.scheduled) {
    const { settings } = await app.appliance();
    if (settings.main.enabled && !(await isKeptStopped(host, paths))) return false;
    await stopAll(host, target);
    return true;
  }
  await noteStop(host, paths, options.service ?? false);
  await stopAll(host, target);
  wakeScheduler(app, target);
  return true;
}

async function runStop(app: App, options: StopOptions): Promise<ExitStatus> {
  const { scheduled = false, shutdown = false } = options;
  return app.change({
    word: 'stop',
    plan: async () => ({ would: ['stop the mail server'] }),
    before: async () => {
      if (!scheduled && !shutdown) await endScheduler(app);
    },
    ...(shutdown ? { unlocked: true } : {}),
    apply: (target) => (shutdown ? shutDown(app.host, target) : stop(app, target, options)),
    report: (stopped) => {
      app.output.result(stopped ? 'stopped' : 'not stopped: it is wanted again', {
        state: stopped ? 'stopped' : 'running',
      });
      return STATUS.OK;
    },
  });
}

async function runRestart(app: App): Promise<ExitStatus> {
  return app.change({
    word: 'restart',
    plan: async (target) => {
      await requireInstalled(app.host, target);
      return { would: ['stop the mail server', 'start the mail server'] };
    },
    before: async () => {
      await requireSameData(app.host, await app.appliance());
      await endScheduler(app);
    },
    apply: async (target) => {
      await requireInstalled(app.host, target);
      await stopAll(app.host, target);
      await endStop(app.host, target.paths);
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
  command.addOption(new Option('--scheduled', 'started by mailctl serve').hideHelp());
  defineWord(command, line, {
    kind: 'changes',
    run: runStart,
    ends: START_ENDS,
    examples: ['mailctl start', 'mailctl start --json'],
  });
}

export function registerStop(command: Command, line: CommandLine): void {
  command
    .option('--service', 'for the supervisor of mailctl serve: the next serve starts it again')
    .option('--shutdown', 'the host shuts down: wait for no lock, end within 12 s')
    .addOption(new Option('--scheduled', 'started by mailctl serve').hideHelp());
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
