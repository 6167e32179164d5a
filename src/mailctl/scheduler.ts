// The scheduler (`mailctl serve`): which commands start, wake and end it.

import type { Appliance } from '../appliance/appliance.ts';
import { endServer, ensureServing, queryServer, wakeServer } from '../appliance/schedule/server.ts';
import { startService } from '../appliance/schedule/service.ts';
import { MailctlError } from '../errors.ts';
import { ownProgram } from '../host/own-program.ts';
import type { App } from './app.ts';

/** Starts one unless one runs; a failure is a warning, since the mail server runs without a scheduler. */
export async function ensureScheduler(app: App, target: Appliance): Promise<void> {
  try {
    const runs = queryServer(app.host, target.paths) !== null;
    if (!runs && (await startService(app.host, target))) return;
    await ensureServing(app.host, target, ownProgram());
  } catch (error) {
    if (!(error instanceof MailctlError)) throw error;
    app.output.warn(`${error.message}; ${error.hint ?? ''}`);
  }
}

/**
 * Ends a scheduler in the background, and the job of any scheduler: the job would hold the lock.
 * A scheduler under a supervisor stays.
 */
export async function endScheduler(app: App): Promise<void> {
  const { paths } = await app.appliance();
  if ((await endServer(app.host, paths)) === 'supervised') {
    app.output.note('mailctl serve keeps running under its supervisor');
  }
}

/** Makes the scheduler check its jobs now, not minutes later. */
export function wakeScheduler(app: App, target: Appliance): void {
  wakeServer(app.host, target.paths);
}
