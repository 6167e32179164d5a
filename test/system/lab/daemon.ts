// One daemon of a container, ended and begun again as an operator would not: by its supervisor.

import type { Appliance } from './appliance.ts';

const LIMIT_MS = 30_000;

const service = (name: string) => `/run/service/${name}`;

async function control(box: Appliance, words: string[]): Promise<void> {
  const { status, stderr } = await box.inside(['s6-svc', ...words]);
  if (status !== 0) throw new Error(`s6-svc ${words.join(' ')} ended with ${status}: ${stderr}`);
}

/** Answers when its process has ended; it stays away until `startDaemon`. */
export const stopDaemon = (box: Appliance, name: string): Promise<void> =>
  control(box, ['-wd', '-T', String(LIMIT_MS), '-d', service(name)]);

export const startDaemon = (box: Appliance, name: string): Promise<void> =>
  control(box, ['-u', service(name)]);
