// The scheduler: waits for the next due job, runs it, stores the result. It runs one job at a time, and none until
// the clock is plausible. It detects a clock that was set, in either direction, within minutes.

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
  /** Command that starts mailctl. */
  readonly program: readonly string[];
  /** Aborted to end the scheduler. */
  readonly end: AbortSignal;
  /** Rung after a change, to plan every job again. */
  readonly bell: Bell;
  /** 0 to 1. */
  random(): number;
  log(text: string): void;
}

/** The longest sleep: it bounds the time until a set clock or an unannounced change is detected. */
const LONGEST_SLEEP_MS = 5 * 60_000;

interface Memory {
  target: Appliance;
  /** Of the UCI file at the last read. */
  mark: string | null;
  changedAt: Date | null;
  /** The state that could not be written; null while the file is current. */
  unwritten: Schedule | null;
  /** Current problems; each is logged once. */
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

/** Reads the UCI file only if it has changed. Null while it is invalid. */
async function currentTarget(host: Host, serving: Serving, memory: Memory) {
  const stat = await host.files.stat(serving.target.paths.uciFile);
  const mark = stat === null ? 'none' : `${stat.modified.getTime()} ${stat.size}`;
  if (memory.mark === mark && !memory.complaints.has('config')) return memory.target;
  try {
    memory.target = await serving.readTarget();
  } catch (error) {
    if (!(error instanceof MailctlError)) throw error;
    complain(
      serving,
      memory,
      'config',
      `jobs are suspended until the UCI file is corrected: ${error.message}`,
    );
    return null;
  }
  complain(serving, memory, 'config', null);
  if (memory.mark !== null) memory.changedAt = host.clock.now();
  memory.mark = mark;
  return memory.target;
}

/** Why jobs are suspended, or null. */
async function obstacle(host: Host, { settings, paths }: Appliance): Promise<string | null> {
  const now = host.clock.now();
  if (!isPlausible(now)) {
    return `jobs are suspended until the clock is set: it shows the year ${now.getUTCFullYear()}`;
  }
  if (!settings.main.enabled) return 'jobs are suspended while main.enabled is 0';
  if ((await host.files.stat(paths.lxcConfig)) === null) {
    return 'jobs are suspended until the mail server is installed';
  }
  return null;
}

/** Reads the state for every plan and after every job: other commands may change the file meanwhile. */
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
    complain(serving, memory, 'write', `the schedule cannot be written: ${error.message}`);
  }
}

async function perform(host: Host, serving: Serving, memory: Memory, job: Job): Promise<void> {
  const { program, end, log } = serving;
  log(`${job.name} begins`);
  const file = memory.target.paths.serveJob;
  const result = await runJob(host, memory.target, { job, program, signal: end, file });
  // serve itself ended the job: no result
  if (end.aborted) return;
  const open = await openSchedule(host, serving, memory);
  const schedule = memory.unwritten ?? open.current;
  const now = host.clock.now();
  const before = schedule.get(job.name) ?? null;
  const record = recordResult(before, result, { now, random: serving.random() });
  for (const line of result.said.split('\n')) if (line.trim() !== '') log(`  ${line}`);
  const { outcome, notBefore } = record;
  const again = outcome === 'done' ? '' : `; retry after ${notBefore.toISOString()}`;
  log(`${job.name} ended with status ${result.status}${again}`);
  await remember(host, { serving, memory, open }, new Map([...schedule, [job.name, record]]));
  host.processes.releaseMemory();
}

/** Runs at most one job. Returns the milliseconds until the next round. */
async function attend(host: Host, serving: Serving, memory: Memory): Promise<number> {
  const target = await currentTarget(host, serving, memory);
  if (target === null) return LONGEST_SLEEP_MS;
  if (target.paths.serveLock !== serving.target.paths.serveLock) {
    throw new MailctlError('CONFIG_CHANGED', 'main.container has changed', {
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

/** Retries while the disk cannot be read or written; throws errors that only a new start can fix. */
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

/** Runs until `serving.end`. Throws CONFIG_CHANGED if the UCI file names another container. */
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
