// Runs one job as a child process, so that its memory is freed when it ends. Its pid is in a file: after a serve
// that was killed, the next one finds and ends the job.

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

export async function queryRunningJob(host: Host, paths: Paths): Promise<RunningJob | null> {
  const [job, pid, started] = ((await host.files.read(paths.serveJob)) ?? '').trim().split(' ');
  if (job === undefined || started === undefined) return null;
  return host.processes.started(Number(pid)) === started
    ? { job, pid: Number(pid), started }
    : null;
}

/** Ends the job that a killed serve has left running. Every command can be interrupted and repeated. */
export async function endLeftJob(host: Host, paths: Paths): Promise<string | null> {
  const left = await queryRunningJob(host, paths);
  if (left !== null) host.processes.killTree(left.pid);
  await host.files.remove(paths.serveJob);
  return left?.job ?? null;
}

function judge(status: number, words: string): JobResult {
  const outcome = status === STATUS.OK ? 'done' : status === STATUS.TRY_AGAIN ? 'later' : 'failed';
  return { outcome, status, said: presentable(words, [], LINES) };
}

/** Does not throw if the job fails: the failure is the result. */
export async function runJob(
  host: Host,
  target: Appliance,
  { job, program, signal }: { job: Job; program: readonly string[]; signal: AbortSignal },
): Promise<JobResult> {
  const command = [...program, '--config', target.paths.uciFile, '--no-color', ...job.words];
  let noted: Promise<void> = Promise.resolve();
  const onStart = (pid: number) => {
    const text = `${job.name} ${pid} ${host.processes.started(pid)}\n`;
    noted = host.files.replace(target.paths.serveJob, text, { mode: SECRET_FILE });
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
    await host.files.remove(target.paths.serveJob);
  }
}
