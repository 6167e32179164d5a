// The one `mailctl serve` of an appliance, as others see it: is it there, start it, wake it, end it.

import { MailctlError } from '../../errors.ts';
import { pollUntil } from '../../host/clock.ts';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import { SECRET_FOLDER } from '../container/modes.ts';
import type { Paths } from '../paths.ts';
import { endLeftJob } from './run.ts';

export interface Server {
  readonly pid: number;
  /** Started by `mailctl start`, which is to say that no supervisor starts it again. */
  readonly background: boolean;
}

const BACKGROUND = 'mailctl serve --background';
const SUPERVISED = 'mailctl serve';

export function queryServer(host: Host, paths: Paths): Server | null {
  const holder = host.locks.query(paths.serveLock);
  // its name is written a moment after the lock is taken: until then there is that of an older one
  if (holder === null || !host.processes.command(holder.pid).includes('serve')) return null;
  return { pid: holder.pid, background: holder.command === BACKGROUND };
}

/** Runs `work` as the only serve of this appliance. Throws LOCKED when there is one. */
export async function asOnlyServer(
  host: Host,
  paths: Paths,
  { background, work }: { background: boolean; work: () => Promise<void> },
): Promise<void> {
  const holder = background ? BACKGROUND : SUPERVISED;
  // whoever only asks holds the lock for a moment, too
  await host.locks.hold({ path: paths.serveLock, holder, wait: 500 }, work);
}

/** Starts it in the background unless there is one already, which then looks at everything anew. */
export async function ensureServing(
  host: Host,
  { paths }: Appliance,
  program: readonly string[],
): Promise<void> {
  if (wakeServer(host, paths)) return;
  await host.files.makeDirectory(paths.scheduleLog, { mode: SECRET_FOLDER });
  const log = host.files.path(`${paths.scheduleLog}/current`);
  const words = ['--config', paths.uciFile, 'serve', '--background'];
  await host.programs.launch([...program, ...words], log);
  const there = await pollUntil(host.clock, { timeout: 20_000, interval: 50 }, async () =>
    queryServer(host, paths),
  );
  if (there !== null) return;
  throw new MailctlError('NOT_RUNNING', 'the scheduler (mailctl serve) does not start', {
    hint: 'mailctl serve   (in a terminal it says why)',
  });
}

/** Makes it look at everything anew; false when there is none. */
export function wakeServer(host: Host, paths: Paths): boolean {
  const server = queryServer(host, paths);
  return server !== null && host.processes.signal(server.pid, 'SIGHUP');
}

async function waitGone(host: Host, paths: Paths, timeout: number): Promise<boolean> {
  const gone = async () => (queryServer(host, paths) === null ? true : null);
  return (await pollUntil(host.clock, { timeout, interval: 20 }, gone)) ?? false;
}

/** Ends the one in the background, and what either is doing. One that a supervisor runs is the supervisor's. */
export async function endServer(
  host: Host,
  paths: Paths,
): Promise<'none' | 'ended' | 'supervised'> {
  const server = queryServer(host, paths);
  if (server?.background) {
    host.processes.signal(server.pid, 'SIGTERM');
    if (!(await waitGone(host, paths, 5000))) {
      host.processes.signal(server.pid, 'SIGKILL');
      await waitGone(host, paths, 5000);
    }
  }
  await endLeftJob(host, paths);
  if (server === null) return 'none';
  return server.background ? 'ended' : 'supervised';
}
