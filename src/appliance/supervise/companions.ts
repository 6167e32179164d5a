// Processes of this program that stay beside the container, each as a system user without rights, and each while the
// settings want it. One that ends is started again after a growing pause; none of them can end `mailctl serve`.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import type { Serving } from '../schedule/serve.ts';

export interface Companion {
  /** In the log of serve, such as `mesh listener`. */
  readonly name: string;
  /** Its words after `mailctl`; null while it is not wanted. Other words than before: it is started anew. */
  words(target: Appliance): readonly string[] | null;
}

/** The UCI file is looked at this often; a signal to serve is faster. */
const LOOK_MS = 5000;
const LONGEST_PAUSE_MS = 5 * 60_000;
/** After this time an end counts as the first one. */
const STABLE_MS = 10 * 60_000;

/** Milliseconds before the next start. @param ends how often it has ended shortly after a start, at least once */
export function restartPause(ends: number): number {
  return Math.min(1000 * 2 ** Math.min(ends - 1, 10), LONGEST_PAUSE_MS);
}

/** What the settings want now; keeps the last answer while the UCI file cannot be read, which the scheduler reports. */
function createWish(host: Host, { serving, words }: Watch) {
  let mark = '';
  let wish: readonly string[] | null = null;
  return async (): Promise<readonly string[] | null> => {
    try {
      const stat = await host.files.stat(serving.target.paths.uciFile);
      const now = stat === null ? 'none' : `${stat.modified.getTime()} ${stat.size}`;
      if (now !== mark) wish = words(await serving.readTarget());
      mark = now;
    } catch (error) {
      if (!(error instanceof MailctlError)) throw error;
    }
    return wish;
  };
}

interface Watch {
  readonly serving: Serving;
  readonly words: Companion['words'];
}

type Wish = ReturnType<typeof createWish>;

const isSame = (a: readonly string[] | null, b: readonly string[] | null): boolean =>
  JSON.stringify(a) === JSON.stringify(b);

async function waitForBell(host: Host, { end, bell }: Serving, time: number): Promise<void> {
  await host.clock.sleep(time, AbortSignal.any([end, bell.listen()]));
}

/** Runs it until it ends, or the settings want another one or none. */
async function runOnce(
  host: Host,
  { serving, name }: { serving: Serving; name: string },
  { words, wish }: { words: readonly string[]; wish: Wish },
): Promise<'ended' | 'changed'> {
  const over = new AbortController();
  const end = AbortSignal.any([serving.end, over.signal]);
  const command = [...serving.program, '--config', serving.target.paths.uciFile, ...words];
  const heard = (line: string) => serving.log(`${name}: ${line}`);
  serving.log(`${name} begins`);
  let running = true;
  const done = host.programs.attend(command, { end, heard }).finally(() => {
    running = false;
    over.abort();
  });
  // a failure is thrown below
  done.catch(() => undefined);
  let same = true;
  while (running && same && !end.aborted) {
    await host.clock.sleep(LOOK_MS, AbortSignal.any([end, serving.bell.listen()]));
    same = isSame(await wish(), words);
  }
  over.abort();
  const { status, signal } = await done;
  if (!same || serving.end.aborted) return 'changed';
  serving.log(`${name} ended with ${signal ?? `status ${status}`}`);
  return 'ended';
}

async function keep(host: Host, serving: Serving, companion: Companion): Promise<void> {
  const { name } = companion;
  const wish = createWish(host, { serving, words: companion.words });
  let ends = 0;
  while (!serving.end.aborted) {
    const words = await wish();
    if (words === null) {
      await waitForBell(host, serving, LOOK_MS);
      continue;
    }
    const started = host.clock.now().getTime();
    let how: 'ended' | 'changed' = 'ended';
    try {
      how = await runOnce(host, { serving, name }, { words, wish });
    } catch (error) {
      if (!(error instanceof MailctlError)) throw error;
      serving.log(`${name}: ${error.message}`);
    }
    const lasted = host.clock.now().getTime() - started;
    ends = how === 'changed' ? 0 : lasted > STABLE_MS ? 1 : ends + 1;
    if (ends > 0) await waitForBell(host, serving, restartPause(ends));
  }
}

/** Until `serving.end`. */
export async function keepCompanions(
  host: Host,
  serving: Serving,
  companions: readonly Companion[],
): Promise<void> {
  await Promise.all(companions.map((companion) => keep(host, serving, companion)));
}
