// Runs one mailctl command as a child process of `mailctl serve`, so that its memory is freed when it ends. Its pid is in
// a file: after a serve that was killed, the next one finds and ends it.

import { MailctlError, STATUS } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { ANY_STATUS, presentable } from '../../host/programs.ts';
import type { Appliance } from '../appliance.ts';
import { SECRET_FILE } from '../container/modes.ts';
import type { Paths } from '../paths.ts';
import type { Job } from './jobs.ts';
import type { JobResult } from './plan.ts';

const LINES = 12;

export interface RunningJob {
  readonly job: string;
  readonly pid: number;
  /** Start time of the process: a pid alone may have been reused. */
  readonly started: string;
}

/** @param file where its pid is: `serveJob` or `serveStep` of the paths */
async function queryChild(host: Host, file: string): Promise<RunningJob | null> {
  const [job, pid, started] = ((await host.files.read(file)) ?? '').trim().split(' ');
  if (job === undefined || started === undefined) return null;
  return host.processes.started(Number(pid)) === started
    ? { job, pid: Number(pid), started }
    : null;
}

export function queryRunningJob(host: Host, paths: Paths): Promise<RunningJob | null> {
  return queryChild(host, paths.serveJob);
}

/** Ends what a serve has started, and returns the names. Every command can be interrupted and repeated. */
export async function endLeftJobs(host: Host, { serveJob, serveStep }: Paths): Promise<string[]> {
  const ended: string[] = [];
  for (const file of [serveJob, serveStep]) {
    const left = await queryChild(host, file);
    if (left !== null) host.processes.killTree(left.pid);
    if (left !== null) ended.push(left.job);
    await host.files.remove(file);
  }
  return ended;
}

function judge(status: number, words: string): JobResult {
  const outcome = status === STATUS.OK ? 'done' : status === STATUS.TRY_AGAIN ? 'later' : 'failed';
  return { outcome, status, said: presentable(words, [], LINES) };
}

export interface JobRun {
  readonly job: Pick<Job, 'name' | 'words' | 'timeout'>;
  readonly program: readonly string[];
  readonly signal: AbortSignal;
  /** File for its pid. */
  readonly file: string;
}

/** Does not throw if the job fails: the failure is the result. */
export async function runJob(
  host: Host,
  target: Appliance,
  { job, program, signal, file }: JobRun,
): Promise<JobResult> {
  const command = [...program, '--config', target.paths.uciFile, '--no-color', ...job.words];
  let noted: Promise<void> = Promise.resolve();
  const onStart = (pid: number) => {
    const text = `${job.name} ${pid} ${host.processes.started(pid)}\n`;
    noted = host.files.replace(file, text, { mode: SECRET_FILE });
  };
  try {
    const options = { accept: ANY_STATUS, timeout: job.timeout, signal, onStart };
    const { status, stdout, stderr } = await host.programs.run(command, options);
    return judge(status, `${stdout}\n${stderr}`);
  } catch (error) {
    if (!(error instanceof MailctlError)) throw error;
    const status = error.code === 'TIMED_OUT' ? STATUS.TRY_AGAIN : STATUS.UNAVAILABLE;
    return { outcome: 'failed', status, said: error.message };
  } finally {
    await noted;
    await host.files.remove(file);
  }
}
