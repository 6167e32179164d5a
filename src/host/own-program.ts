// Starting further processes of this program.

/** The command that starts this program again; arguments are appended. */
export function ownProgram(): string[] {
  const compiled = Bun.main.startsWith('/$bunfs/');
  return compiled ? [process.execPath] : [process.execPath, Bun.main];
}

const NO_COMPILER = 'BUN_JSC_useJIT';

/**
 * Re-exec without the JIT: saves 6 MB, and growth, in a process that mostly sleeps. Its children run with the
 * JIT.
 */
export function becomeLean(args: readonly string[]): void {
  if (process.env[NO_COMPILER] === '0') {
    delete process.env[NO_COMPILER];
    return;
  }
  const [program = '', ...words] = ownProgram();
  process.execve?.(program, [program, ...words, ...args], { ...process.env, [NO_COMPILER]: '0' });
}
