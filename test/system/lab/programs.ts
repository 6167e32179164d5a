// Runs programs for tests; each has a time limit, and an error quotes the output.

import { closeSync, openSync } from 'node:fs';

export interface Finished {
  status: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  stdin?: string | Uint8Array;
  /** milliseconds; the program is killed afterwards */
  timeout?: number;
  env?: Record<string, string>;
  cwd?: string;
}

/** Runs to the end; any status is a result. */
export async function run(argv: string[], options: RunOptions = {}): Promise<Finished> {
  const stdin = options.stdin === undefined ? 'ignore' : new Blob([options.stdin]);
  const child = Bun.spawn(argv, {
    stdin,
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: options.timeout ?? 60_000,
    killSignal: 'SIGKILL',
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { status, stdout, stderr };
}

/** Runs to the end and returns stdout; throws on a status other than 0 and quotes stderr. */
export async function must(argv: string[], options: RunOptions = {}): Promise<string> {
  const { status, stdout, stderr } = await run(argv, options);
  if (status !== 0) {
    throw new Error(`${argv.join(' ')} ended with status ${status}\n${stderr}${stdout}`);
  }
  return stdout;
}

/** Starts a daemon that does not keep the test process alive; its output is appended to the log. */
export function startInBackground(argv: string[], log: string): Bun.Subprocess {
  const file = openSync(log, 'a');
  const child = Bun.spawn(argv, { stdin: 'ignore', stdout: file, stderr: file });
  closeSync(file);
  child.unref();
  return child;
}

/** Polls until `look` returns a value; a timeout throws with the name of the event. */
export async function waitFor<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  timeout = 20_000,
): Promise<T> {
  const deadline = Date.now() + timeout;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`timed out after ${timeout} ms: ${what}`);
    await Bun.sleep(50);
  }
}
