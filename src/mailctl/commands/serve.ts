// mailctl serve: keeps the container running and runs the scheduled jobs until a signal ends it.

import { type Command, Option } from 'commander';
import type { Appliance } from '../../appliance/appliance.ts';
import { createBell } from '../../appliance/schedule/bell.ts';
import { type DueJob, planJobs } from '../../appliance/schedule/plan.ts';
import { endLeftJobs } from '../../appliance/schedule/run.ts';
import { type Serving, serve } from '../../appliance/schedule/serve.ts';
import { asOnlyServer } from '../../appliance/schedule/server.ts';
import { readSchedule } from '../../appliance/schedule/state.ts';
import { keepSelfService } from '../../appliance/self-service/keep.ts';
import { type Companion, keepCompanions } from '../../appliance/supervise/companions.ts';
import { supervise } from '../../appliance/supervise/supervise.ts';
import { type ExitStatus, STATUS } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { becomeLean, ownProgram } from '../../host/own-program.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';
import { summarizeDue } from '../due-text.ts';
import { listenerWords } from '../mesh/listener-words.ts';
import type { Planned } from '../output.ts';
import { requireRootToLook } from '../root.ts';

interface ServeOptions {
  readonly background?: boolean;
}

function listenToSignals({ processes }: Host, ring: () => void): AbortSignal {
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    processes.onSignal(signal, () => {
      end.abort();
      ring();
    });
  }
  processes.onSignal('SIGHUP', ring);
  return end.signal;
}

function describe({ job, at, problem }: DueJob): string {
  const when = problem ?? (at === null ? 'nothing to do' : at.toISOString());
  return `${job.name}  ${when}`;
}

async function planDue({ host }: App, target: Appliance): Promise<Planned> {
  const schedule = await readSchedule(host, target.paths);
  const due = await planJobs(host, target, { schedule, changedAt: null });
  return {
    would: ['keep the container running', 'wait, and run each job when it is due'],
    details: due.map(describe),
    data: { due: summarizeDue(due) },
  };
}

/** What stays beside the container. */
const COMPANIONS: readonly Companion[] = [
  { name: 'mesh listener', words: listenerWords },
  {
    name: 'web',
    words: ({ settings, paths }) => (settings.web.enabled ? ['web', paths.web] : null),
  },
];

/** The jobs begin when the container has started, or cannot start for now: both need the lock. */
async function ownAndSchedule(host: Host, serving: Serving): Promise<void> {
  const broken = new AbortController();
  const end = AbortSignal.any([serving.end, broken.signal]);
  const settled = Promise.withResolvers<void>();
  const all = [
    supervise(host, { ...serving, end }, settled.resolve),
    settled.promise.then(() => serve(host, { ...serving, end })),
    keepSelfService(host, { ...serving, end }),
    keepCompanions(host, { ...serving, end }, COMPANIONS),
  ];
  try {
    await Promise.all(all);
  } finally {
    // one of them has thrown: the others must not go on alone
    broken.abort();
    serving.bell.ring();
    settled.resolve();
    await Promise.allSettled(all);
  }
}

async function serveUntilEnd(app: App, target: Appliance, background: boolean): Promise<void> {
  const { host, output } = app;
  const bell = createBell();
  const end = listenToSignals(host, () => bell.ring());
  const readTarget = () => app.appliance();
  const log = (text: string) => {
    const { scheduleLog, data } = target.paths;
    const written = host.logs.append(scheduleLog, [`serve: ${text}`], data);
    // in the background, stdout is this same file
    if (!background || !written) output.note(text);
  };
  const work = async () => {
    for (const left of await endLeftJobs(host, target.paths))
      log(`${left} of an earlier scheduler was still running: ended, to be run again`);
    const serving = { readTarget, target, program: ownProgram(), end, bell, log };
    await ownAndSchedule(host, { ...serving, random: Math.random });
  };
  await asOnlyServer(host, target.paths, { background, work });
}

export async function run(app: App, { background = false }: ServeOptions): Promise<ExitStatus> {
  requireRootToLook(app);
  becomeLean(process.argv.slice(2));
  return app.change({
    // the scheduler has its own lock: changing commands run while it waits
    word: 'serve',
    unlocked: true,
    plan: (target) => planDue(app, target),
    apply: (target) => serveUntilEnd(app, target, background),
    report: () => STATUS.OK,
  });
}

export function registerServe(command: Command, line: CommandLine): void {
  command.addOption(new Option('--background', 'started by mailctl start').hideHelp());
  defineWord(command, line, {
    kind: 'acts',
    run,
    ends: ['LOCKED', 'CONFIG_CHANGED'],
    examples: ['mailctl serve', 'mailctl serve --dry-run'],
  });
}
