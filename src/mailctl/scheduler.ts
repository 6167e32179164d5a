// The scheduler beside the container: which commands start, wake and end it.

import type { Appliance } from '../appliance/appliance.ts';
import { endServer, ensureServing, wakeServer } from '../appliance/schedule/server.ts';
import { MailctlError } from '../errors.ts';
import { ownProgram } from '../host/own-program.ts';
import type { App } from './app.ts';

/** Sees to it that one runs; what keeps it from starting is a warning, as the mail server runs without. */
export async function ensureScheduler(app: App, target: Appliance): Promise<void> {
  try {
    await ensureServing(app.host, target, ownProgram());
  } catch (error) {
    if (!(error instanceof MailctlError)) throw error;
    app.output.warn(`${error.message}; ${error.hint ?? ''}`);
  }
}

/**
 * Ends the one in the background, and what either is doing: it would keep a changing command waiting.
 * One that a supervisor runs stays.
 */
export async function endScheduler(app: App): Promise<void> {
  const { paths } = await app.appliance();
  if ((await endServer(app.host, paths)) === 'supervised') {
    app.output.note('mailctl serve goes on: its supervisor runs it');
  }
}

/** What was changed is looked at now, not minutes later. */
export function wakeScheduler(app: App, target: Appliance): void {
  wakeServer(app.host, target.paths);
}
