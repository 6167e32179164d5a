// Memory of a container's processes, as proportional set size: shared pages count once.

import { readdirSync, readFileSync } from 'node:fs';

/** MB (10^6 bytes) of every process in the container. */
export function containerPss(container: string): number {
  let kilobytes = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (!readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(container)) continue;
      const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
      kilobytes += Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0);
    } catch {
      // the process ended meanwhile
    }
  }
  return (kilobytes * 1024) / 1e6;
}

/** The maximum while `work` runs. */
export async function peakPss(container: string, work: () => Promise<unknown>): Promise<number> {
  let peak = 0;
  let done = false;
  const watch = (async () => {
    while (!done) {
      peak = Math.max(peak, containerPss(container));
      await Bun.sleep(250);
    }
  })();
  await work().finally(() => {
    done = true;
  });
  await watch;
  return peak;
}

/** Private (unique set size) and resident memory of a process, in MB (10^6 bytes). */
export function usage(process: string): { uss: number; rss: number } {
  const rollup = readFileSync(`${process}/smaps_rollup`, 'utf8');
  const kilobytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(rollup)?.[1] ?? 0);
  const own = kilobytes('Private_Clean') + kilobytes('Private_Dirty');
  return { uss: (own * 1024) / 1e6, rss: (kilobytes('Rss') * 1024) / 1e6 };
}
