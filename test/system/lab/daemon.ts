// Stops and starts one daemon of a container through s6.

import type { Appliance } from './appliance.ts';

const LIMIT_MS = 30_000;

const service = (name: string) => `/run/service/${name}`;

async function control(box: Appliance, words: string[]): Promise<void> {
  const { status, stderr } = await box.inside(['s6-svc', ...words]);
  if (status !== 0)
    throw new Error(`s6-svc ${words.join(' ')} ended with status ${status}: ${stderr}`);
}

/** Resolves when the process has exited; the daemon stays down until `startDaemon`. */
export const stopDaemon = (box: Appliance, name: string): Promise<void> =>
  control(box, ['-wd', '-T', String(LIMIT_MS), '-d', service(name)]);

export const startDaemon = (box: Appliance, name: string): Promise<void> =>
  control(box, ['-u', service(name)]);
