// A stop beside `mailctl serve`, which would otherwise start the container again.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import { takeDown } from '../container/lifecycle.ts';
import { endStop, keepStopped } from '../container/stopped.ts';
import type { Paths } from '../paths.ts';
import { endLeftJobs } from '../schedule/run.ts';
import { queryServer } from '../schedule/server.ts';
import { stopWeb } from '../webmail/follow.ts';

/** @param service binds only the serve that runs now, which its supervisor ends */
export async function noteStop(host: Host, paths: Paths, service: boolean): Promise<void> {
  if (!service) return keepStopped(host, paths, null);
  const server = queryServer(host, paths);
  if (server === null) await endStop(host, paths);
  else await keepStopped(host, paths, server.pid);
}

/**
 * Stops both containers.
 * @param timeout seconds for the daemons of each to stop before they are killed
 */
export async function stopAll(host: Host, target: Appliance, timeout?: number): Promise<void> {
  await stopWeb(host, target, timeout);
  await takeDown(host, target, timeout);
}

const LOCK_WAIT_MS = 500;
/** For the daemons to stop: procd kills everything 15 s after the shutdown began. */
const SHUTDOWN_TIMEOUT_S = 6;

/**
 * Stops the container while the host shuts down. Another command that holds the lock is killed: each can be interrupted
 * and repeated, but a disk that is still in use cannot be unmounted.
 */
export async function shutDown(host: Host, target: Appliance): Promise<true> {
  const { paths } = target;
  await keepStopped(host, paths, null);
  await endLeftJobs(host, paths);
  const holder = host.locks.query(paths.lock);
  if (holder !== null) host.processes.killTree(holder.pid);
  const work = () => stopAll(host, target, SHUTDOWN_TIMEOUT_S);
  const lock = { path: paths.lock, holder: 'mailctl stop --shutdown', wait: LOCK_WAIT_MS };
  try {
    await host.locks.hold(lock, work);
  } catch (error) {
    if (!(error instanceof MailctlError) || error.code !== 'LOCKED') throw error;
    await work();
  }
  return true;
}
