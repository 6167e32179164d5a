// This program, as others of its processes are started with.

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
