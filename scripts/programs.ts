// What the scripts share: where the repository is, and running one program after the other with its output shown.

import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/** Runs in the repository with this terminal; answers with the status. */
export async function show(argv: string[], env: Record<string, string> = {}): Promise<number> {
  const child = Bun.spawn(argv, {
    cwd: ROOT,
    stdin: 'inherit',
    stdout: 'inherit',
    stderr: 'inherit',
    env: { ...process.env, ...env },
  });
  return child.exited;
}

/** Like `show`, for programs beside others: what it printed is shown when it has ended. */
export async function showAtOnce(
  argv: string[],
  env: Record<string, string> = {},
): Promise<number> {
  const child = Bun.spawn(argv, {
    ...{ cwd: ROOT, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
    env: { ...process.env, ...env },
  });
  const parts: string[] = [];
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    for await (const piece of stream) parts.push(decoder.decode(piece, { stream: true }));
  };
  await Promise.all([collect(child.stdout), collect(child.stderr)]);
  console.log(parts.join(''));
  return child.exited;
}

/** Like `show`, but a status other than 0 is an error. */
export async function must(argv: string[], env: Record<string, string> = {}): Promise<void> {
  const status = await show(argv, env);
  if (status !== 0) throw new Error(`${argv.join(' ')} ended with status ${status}`);
}

/** Runs quietly and answers with what it printed; a status other than 0 is an error that quotes it. */
export async function capture(argv: string[], stdin = ''): Promise<string> {
  const child = Bun.spawn(argv, {
    cwd: ROOT,
    stdin: new Blob([stdin]),
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (status !== 0) throw new Error(`${argv.join(' ')} ended with ${status}\n${stderr}${stdout}`);
  return stdout;
}

/** Where images and foreign runtimes are kept, outside of the clone so that clones share them. */
export function cacheDirectory(): string {
  const { MAILSERVER_CACHE, XDG_CACHE_HOME, HOME } = process.env;
  return MAILSERVER_CACHE ?? `${XDG_CACHE_HOME ?? `${HOME ?? '/root'}/.cache`}/mailserver`;
}
