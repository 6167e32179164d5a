// This program as others of its processes are started with, and those processes.

import { readFileSync } from 'node:fs';

/** Words that start this very program again, with arguments added. */
export function ownProgram(): string[] {
  const compiled = Bun.main.startsWith('/$bunfs/');
  return compiled ? [process.execPath] : [process.execPath, Bun.main];
}

const NO_COMPILER = 'BUN_JSC_useJIT';

/**
 * Becomes a process that never compiles what it runs: one that waits for ever gains nothing by that, and
 * without it keeps 6 MB less and does not grow. Its own children get none of this.
 */
export function becomeLean(args: readonly string[]): void {
  if (process.env[NO_COMPILER] === '0') {
    delete process.env[NO_COMPILER];
    return;
  }
  const [program = '', ...words] = ownProgram();
  process.execve?.(program, [program, ...words, ...args], { ...process.env, [NO_COMPILER]: '0' });
}

/** When a process began, in ticks since boot: with the id it names one process for ever. Null when it is gone. */
export function processStart(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // the program's name stands in brackets and may hold anything
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

/** The words it was started with; empty when it is gone. */
export function processCommand(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** False when there is no such process. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** Gives back what the work so far has left in memory: for a process that now waits for hours. */
export function releaseMemory(): void {
  Bun.gc(true);
}
