// Detects when a woken process is idle again: for tests that expect no effect.

import { readFileSync } from 'node:fs';
import { waitFor } from './programs.ts';

/** Whether the process sleeps, and its number of voluntary context switches. @param folder its folder below /proc */
function rest(folder: string): { asleep: boolean; times: number } {
  const text = readFileSync(`${folder}/status`, 'utf8');
  const times = /^voluntary_ctxt_switches:\s*(\d+)$/m.exec(text)?.[1];
  if (times === undefined) throw new Error(`no voluntary_ctxt_switches in ${folder}/status`);
  return { asleep: /^State:\s*S/m.test(text), times: Number(times) };
}

const IDLE_MS = 200;

/** Wakes a sleeping process with `wake`; resolves when it has run and then been idle for IDLE_MS. */
export async function untilAsleepAgain(folder: string, wake: () => Promise<unknown>) {
  const before = rest(folder);
  await wake();
  await waitFor('the process to wake', () =>
    rest(folder).times > before.times || !rest(folder).asleep ? true : undefined,
  );
  await waitFor('the process to sleep again', async () => {
    const then = rest(folder);
    await Bun.sleep(IDLE_MS);
    const now = rest(folder);
    return then.asleep && now.asleep && now.times === then.times ? true : undefined;
  });
}
