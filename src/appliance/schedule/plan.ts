// Plans the jobs: when each is due, from its due function and its record.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import { JOBS, type Job } from './jobs.ts';
import type { JobRecord, Schedule } from './state.ts';
import { allowedAt, type Outcome, pauseAfter } from './times.ts';

export interface DueJob {
  readonly job: Job;
  readonly at: Date | null;
  readonly record: JobRecord | null;
  /** Why the due time is unknown. */
  readonly problem: string | null;
}

export interface Known {
  readonly schedule: Schedule;
  /** Retry pauses that began before this moment are ignored: the configuration has changed since. */
  readonly changedAt: Date | null;
  /** Also runs the expensive checks of the jobs. */
  readonly watching?: boolean;
}

function notBefore(record: JobRecord | null, { changedAt }: Known): Date | null {
  if (record === null) return null;
  const isOver = changedAt !== null && record.last < changedAt;
  return isOver ? null : record.notBefore;
}

async function askJob(host: Host, target: Appliance, job: Job, known: Known): Promise<DueJob> {
  const record = known.schedule.get(job.name) ?? null;
  const unplanned = (problem: string) => ({ job, at: null, record, problem });
  try {
    const watched = known.watching === true && (await job.watch?.(host, target)) === true;
    const due = watched ? host.clock.now() : await job.due(host, target, record);
    if (due !== null && Number.isNaN(due.getTime())) return unplanned('internal error: no date');
    const at = due && allowedAt(due, notBefore(record, known), host.clock.now());
    return { job, at, record, problem: null };
  } catch (error) {
    // an error of one job must not stop the others
    return unplanned(error instanceof MailctlError ? error.message : `internal error: ${error}`);
  }
}

export async function planJobs(host: Host, target: Appliance, known: Known): Promise<DueJob[]> {
  const planned: DueJob[] = [];
  for (const job of JOBS) planned.push(await askJob(host, target, job, known));
  return planned;
}

/** The job that is due first, or null if none is known to become due. */
export function earliest(jobs: readonly DueJob[]): { job: Job; at: Date } | null {
  let first: { job: Job; at: Date } | null = null;
  for (const { job, at } of jobs) {
    if (at !== null && (first === null || at < first.at)) first = { job, at };
  }
  return first;
}

export interface JobResult {
  readonly outcome: Outcome;
  readonly status: number;
  readonly said: string;
}

/** @param random 0 to 1 */
export function recordResult(
  before: JobRecord | null,
  { outcome, status, said }: JobResult,
  { now, random }: { now: Date; random: number },
): JobRecord {
  const failures = outcome === 'done' ? 0 : (before?.failures ?? 0) + 1;
  const notBefore = new Date(now.getTime() + pauseAfter(outcome, failures, random));
  return { last: now, outcome, status, said: outcome === 'done' ? '' : said, failures, notBefore };
}
