// Queries, starts, wakes and ends the `mailctl serve` of an appliance, for other commands.

import { MailctlError } from '../../errors.ts';
import { pollUntil } from '../../host/clock.ts';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import { SECRET_FOLDER } from '../container/modes.ts';
import type { Paths } from '../paths.ts';
import { endLeftJobs } from './run.ts';

export interface Server {
  readonly pid: number;
  /** Started by `mailctl start`: no supervisor restarts it. */
  readonly background: boolean;
}

const BACKGROUND = 'mailctl serve --background';
const SUPERVISED = 'mailctl serve';

export function queryServer(host: Host, paths: Paths): Server | null {
  const holder = host.locks.query(paths.serveLock);
  // the holder's name is written just after the lock is taken: until then it is that of an older holder
  if (holder === null || !host.processes.command(holder.pid).includes('serve')) return null;
  return { pid: holder.pid, background: holder.command === BACKGROUND };
}

async function waitGone(host: Host, paths: Paths, timeout: number): Promise<boolean> {
  const gone = async () => (queryServer(host, paths) === null ? true : null);
  return (await pollUntil(host.clock, { timeout, interval: 20 }, gone)) ?? false;
}

async function endBackground(host: Host, paths: Paths, { pid }: Server): Promise<void> {
  host.processes.signal(pid, 'SIGTERM');
  if (await waitGone(host, paths, 5000)) return;
  host.processes.signal(pid, 'SIGKILL');
  await waitGone(host, paths, 5000);
}

/**
 * Runs `work` as the only serve of this appliance. Throws LOCKED if another one runs; one in the background, which
 * `install` or `start` has begun, gives way to a supervised one.
 */
export async function asOnlyServer(
  host: Host,
  paths: Paths,
  { background, work }: { background: boolean; work: () => Promise<void> },
): Promise<void> {
  const holder = background ? BACKGROUND : SUPERVISED;
  const other = queryServer(host, paths);
  if (!background && other?.background) await endBackground(host, paths, other);
  // a query holds the lock for a moment, too
  await host.locks.hold({ path: paths.serveLock, holder, wait: 500 }, work);
}

/** Starts it in the background; wakes it if it already runs. */
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
    hint: 'mailctl serve   (shows the reason in a terminal)',
  });
}

/** Makes it plan every job again; false if it does not run. */
export function wakeServer(host: Host, paths: Paths): boolean {
  const server = queryServer(host, paths);
  return server !== null && host.processes.signal(server.pid, 'SIGHUP');
}

/** Ends a background serve, and what any serve has started. A supervised serve is left to its supervisor. */
export async function endServer(
  host: Host,
  paths: Paths,
): Promise<'none' | 'ended' | 'supervised'> {
  const server = queryServer(host, paths);
  if (server?.background) await endBackground(host, paths, server);
  await endLeftJobs(host, paths);
  if (server === null) return 'none';
  return server.background ? 'ended' : 'supervised';
}
