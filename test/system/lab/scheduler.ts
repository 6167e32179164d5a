// Stops `mailctl serve` for a while: its job `network` repairs what a test has broken.

import type { Appliance } from './appliance.ts';
import type { Machine } from './machine.ts';
import { waitFor } from './programs.ts';

/** Waits for the end of its job. Returns a function that lets it go on, and plan every job again. */
export async function pauseScheduler(
  box: Appliance,
  machine: Machine,
): Promise<() => Promise<void>> {
  const pid = await waitFor('the scheduler to be idle', async () => {
    const { stdout } = await box.mailctl('status --json');
    const { scheduler } = JSON.parse(stdout) as { scheduler: { pid: number; job: string | null } };
    return scheduler.job === null ? String(scheduler.pid) : undefined;
  });
  await machine.run(['kill', '-STOP', pid]);
  return async () => {
    await machine.run(['kill', '-CONT', pid]);
    await machine.run(['kill', '-HUP', pid]);
  };
}
