// Shared by the scripts: the path of the repository, and running programs.

import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/** Runs a program in the repository, connected to this terminal, and returns its status. */
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

/** Like `show`, for programs that run in parallel: prints the whole output when the program has ended. */
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

/** Like `show`, but throws on a status other than 0. */
export async function must(argv: string[], env: Record<string, string> = {}): Promise<void> {
  const status = await show(argv, env);
  if (status !== 0) throw new Error(`${argv.join(' ')} ended with status ${status}`);
}

/** Runs a program and returns its stdout; throws on a status other than 0 and quotes the output. */
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
  if (status !== 0)
    throw new Error(`${argv.join(' ')} ended with status ${status}\n${stderr}${stdout}`);
  return stdout;
}

/** Folder of images and router runtimes, outside of the clone so that clones share it. */
export function cacheDirectory(): string {
  const { MAILSERVER_CACHE, XDG_CACHE_HOME, HOME } = process.env;
  return MAILSERVER_CACHE ?? `${XDG_CACHE_HOME ?? `${HOME ?? '/root'}/.cache`}/mailserver`;
}
