// The scheduler's jobs and when each is due, as text and JSON.

import type { DueJob } from '../appliance/schedule/plan.ts';
import type { SchedulingStatus } from '../appliance/schedule/query.ts';
import { formatSpan } from './figures.ts';
import type { Output } from './output.ts';

/** The stable JSON shape (docs/json.md); a job that never ran and is not due is left out. */
export function summarizeDue(due: readonly DueJob[]): object[] {
  return due
    .filter(({ at, record, problem }) => at !== null || record !== null || problem !== null)
    .map(({ job, at, record, problem }) => ({
      job: job.name,
      at: at?.toISOString() ?? null,
      last: record?.last.toISOString() ?? null,
      outcome: record?.outcome ?? null,
      status: record?.status ?? null,
      problem: problem ?? (record?.said || null),
    }));
}

export function summarizeScheduler({ server, running }: SchedulingStatus): object {
  return { running: server !== null, pid: server?.pid ?? null, job: running };
}

function when(at: Date | null, now: Date): string {
  if (at === null) return 'nothing to do';
  const seconds = (at.getTime() - now.getTime()) / 1000;
  return seconds < 60 ? 'due now' : `due in ${formatSpan(seconds)}`;
}

function history({ record }: DueJob, now: Date, paint: Output['paint']): string {
  if (record === null) return 'never run';
  const span = formatSpan((now.getTime() - record.last.getTime()) / 1000);
  const words = {
    done: paint.green('done'),
    later: paint.yellow('retry pending'),
    failed: paint.red('failed'),
  };
  return `${words[record.outcome]} ${span} ago`;
}

function describeJob(due: DueJob, now: Date, paint: Output['paint']): string[] {
  const { job, at, record, problem } = due;
  const lines = (problem ?? record?.said ?? '').split('\n').filter((line) => line.trim() !== '');
  const what = problem === null ? when(at, now) : 'cannot be planned';
  return [
    `    ${job.name.padEnd(10)}  ${what}, ${history(due, now, paint)}`,
    ...lines.map((line) => paint.dim(`      ${line}`)),
  ];
}

export function describeScheduling(
  { server, running, due }: SchedulingStatus,
  now: Date,
  paint: Output['paint'],
): string[] {
  const busy = running === null ? '' : `, running ${running}`;
  const state =
    server === null
      ? `${paint.yellow('not running')}; next: mailctl start`
      : `running (pid ${server.pid})${busy}`;
  const jobs = due.filter(
    ({ at, record, problem }) => at !== null || record !== null || problem !== null,
  );
  return [
    `  ${'scheduler'.padEnd(10)}  ${state}`,
    ...jobs.flatMap((job) => describeJob(job, now, paint)),
  ];
}
