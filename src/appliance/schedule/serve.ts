// The scheduler: waits for what is due next, runs it, remembers how it went. One job at a time; nothing
// before the clock can be believed; a clock that is set, in either direction, is noticed within minutes.

import { MailctlError } from '../../errors.ts';
import { isPlausible } from '../../host/clock.ts';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import { type OpenState, openState } from '../container/state-file.ts';
import type { Bell } from './bell.ts';
import type { Job } from './jobs.ts';
import { earliest, planJobs, recordResult } from './plan.ts';
import { runJob } from './run.ts';
import { SCHEDULE, type Schedule, writeSchedule } from './state.ts';

export interface Serving {
  /** Reads and checks the UCI file anew. */
  readTarget(): Promise<Appliance>;
  /** The appliance that this scheduler was started for. */
  readonly target: Appliance;
  /** Words that start mailctl. */
  readonly program: readonly string[];
  /** Aborted when it is to end. */
  readonly end: AbortSignal;
  /** Rung when something was changed and everything must be looked at now. */
  readonly bell: Bell;
  /** 0 to 1. */
  random(): number;
  log(text: string): void;
}

/** The longest sleep: a clock that was set, or a change that nobody told of, is seen after it. */
const LONGEST_SLEEP_MS = 5 * 60_000;

interface Memory {
  target: Appliance;
  /** Of the UCI file as it was read last. */
  mark: string | null;
  changedAt: Date | null;
  /** What could not be written; else the file is the truth. */
  unwritten: Schedule | null;
  /** What is wrong at the moment, each told once. */
  readonly complaints: Map<string, string>;
}

function complain(serving: Serving, memory: Memory, about: string, text: string | null): void {
  const before = memory.complaints.get(about) ?? null;
  if (before === text) return;
  if (text === null) {
    memory.complaints.delete(about);
    return;
  }
  memory.complaints.set(about, text);
  serving.log(text);
}

/** The UCI file is read only when it is another one than before. Null while it is wrong. */
async function currentTarget(host: Host, serving: Serving, memory: Memory) {
  const stat = await host.files.stat(serving.target.paths.uciFile);
  const mark = stat === null ? 'none' : `${stat.modified.getTime()} ${stat.size}`;
  if (memory.mark === mark && !memory.complaints.has('config')) return memory.target;
  try {
    memory.target = await serving.readTarget();
  } catch (error) {
    if (!(error instanceof MailctlError)) throw error;
    complain(serving, memory, 'config', `nothing is done until it is corrected: ${error.message}`);
    return null;
  }
  complain(serving, memory, 'config', null);
  if (memory.mark !== null) memory.changedAt = host.clock.now();
  memory.mark = mark;
  return memory.target;
}

/** Why nothing may be done now, or null. */
async function obstacle(host: Host, { settings, paths }: Appliance): Promise<string | null> {
  const now = host.clock.now();
  if (!isPlausible(now)) {
    return `nothing is done until the clock is set: it is in the year ${now.getUTCFullYear()}`;
  }
  if (!settings.main.enabled) return 'nothing is done while main.enabled is 0';
  if ((await host.files.stat(paths.lxcConfig)) === null) {
    return 'nothing is done until the mail server is installed';
  }
  return null;
}

/** Read again for every look and after every job: what waits for hours does not own the file. */
function openSchedule(host: Host, serving: Serving, memory: Memory): Promise<OpenState<Schedule>> {
  return openState({ ...host, say: serving.log }, memory.target.paths, SCHEDULE);
}

async function remember(
  host: Host,
  { serving, memory, open }: { serving: Serving; memory: Memory; open: OpenState<Schedule> },
  schedule: Schedule,
): Promise<void> {
  try {
    await writeSchedule(host, memory.target.paths, { open, schedule });
    memory.unwritten = null;
    complain(serving, memory, 'write', null);
  } catch (error) {
    if (!(error instanceof MailctlError)) throw error;
    memory.unwritten = schedule;
    complain(serving, memory, 'write', `what was done is not remembered: ${error.message}`);
  }
}

async function perform(host: Host, serving: Serving, memory: Memory, job: Job): Promise<void> {
  const { program, end, log } = serving;
  log(`${job.name} begins`);
  const result = await runJob(host, memory.target, { job, program, signal: end });
  // it was we who ended it: that says nothing about it
  if (end.aborted) return;
  const open = await openSchedule(host, serving, memory);
  const schedule = memory.unwritten ?? open.current;
  const now = host.clock.now();
  const before = schedule.get(job.name) ?? null;
  const record = recordResult(before, result, { now, random: serving.random() });
  for (const line of result.said.split('\n')) if (line.trim() !== '') log(`  ${line}`);
  const { outcome, notBefore } = record;
  const again = outcome === 'done' ? '' : `; again after ${notBefore.toISOString()}`;
  log(`${job.name} ended with status ${result.status}${again}`);
  await remember(host, { serving, memory, open }, new Map([...schedule, [job.name, record]]));
  host.processes.releaseMemory();
}

/** Does at most one thing. Milliseconds that may be slept now. */
async function attend(host: Host, serving: Serving, memory: Memory): Promise<number> {
  const target = await currentTarget(host, serving, memory);
  if (target === null) return LONGEST_SLEEP_MS;
  if (target.paths.serveLock !== serving.target.paths.serveLock) {
    throw new MailctlError('CONFIG_CHANGED', 'main.container is another one now', {
      hint: 'mailctl start',
    });
  }
  const reason = await obstacle(host, target);
  complain(serving, memory, 'obstacle', reason);
  if (reason !== null) return LONGEST_SLEEP_MS;
  const open = await openSchedule(host, serving, memory);
  const schedule = memory.unwritten ?? open.current;
  if (memory.unwritten !== null) await remember(host, { serving, memory, open }, schedule);
  const jobs = await planJobs(host, target, {
    ...{ schedule, changedAt: memory.changedAt, watching: true },
  });
  for (const { job, problem } of jobs) {
    const text = problem === null ? null : `${job.name} cannot be planned: ${problem}`;
    complain(serving, memory, job.name, text);
  }
  const next = earliest(jobs);
  if (next === null) return LONGEST_SLEEP_MS;
  const wait = next.at.getTime() - host.clock.now().getTime();
  if (wait > 0) return Math.min(wait, LONGEST_SLEEP_MS);
  await perform(host, serving, memory, next.job);
  return 0;
}

/** A disk that cannot be read or written is waited for; what only a new start can mend is thrown. */
async function attendOrWait(host: Host, serving: Serving, memory: Memory): Promise<number> {
  try {
    const wait = await attend(host, serving, memory);
    complain(serving, memory, 'host', null);
    return wait;
  } catch (error) {
    if (!(error instanceof MailctlError) || error.code === 'CONFIG_CHANGED') throw error;
    complain(serving, memory, 'host', error.message);
    return LONGEST_SLEEP_MS;
  }
}

/** Until `serving.end`. Throws CONFIG_CHANGED when another appliance is described now. */
export async function serve(host: Host, serving: Serving): Promise<void> {
  const { target } = serving;
  const memory: Memory = {
    ...{ target, mark: null, changedAt: null, unwritten: null },
    complaints: new Map(),
  };
  let heard = serving.bell.listen();
  host.processes.releaseMemory();
  while (!serving.end.aborted) {
    if (heard.aborted) memory.changedAt = host.clock.now();
    heard = serving.bell.listen();
    const wait = await attendOrWait(host, serving, memory);
    await host.clock.sleep(wait, AbortSignal.any([serving.end, heard]));
  }
}
