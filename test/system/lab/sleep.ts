// When a process has done what it was woken for: for tests that nothing happens.

import { readFileSync } from 'node:fs';
import { waitFor } from './programs.ts';

/** How often the process began to wait for something. @param folder its folder below /proc */
function switches(folder: string): number {
  const text = readFileSync(`${folder}/status`, 'utf8');
  const count = /^voluntary_ctxt_switches:\s*(\d+)$/m.exec(text)?.[1];
  if (count === undefined) throw new Error(`no voluntary_ctxt_switches in ${folder}/status`);
  return Number(count);
}

const IDLE_MS = 200;

/** Wakes a sleeping process with `wake`; answers when it has run and has then been idle for IDLE_MS. */
export async function untilAsleepAgain(folder: string, wake: () => Promise<unknown>) {
  const before = switches(folder);
  await wake();
  await waitFor('the process to wake', () => (switches(folder) > before ? true : undefined));
  await waitFor('the process to sleep again', async () => {
    const then = switches(folder);
    await Bun.sleep(IDLE_MS);
    return switches(folder) === then ? true : undefined;
  });
}
