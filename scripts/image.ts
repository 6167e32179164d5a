// The container image of this clone's recipe, built once and kept in the cache for every clone.

import { mkdir } from 'node:fs/promises';
import { cacheDirectory, ROOT } from './programs.ts';

/** Path of the image; building it takes about two minutes, finding it none. Progress goes to stderr. */
export async function ensureImage(variant: 'standard' | 'antivirus' = 'standard'): Promise<string> {
  const folder = `${cacheDirectory()}/images`;
  await mkdir(folder, { recursive: true });
  const build = [`${ROOT}/lxc-template/build`, '--variant', variant, '--output', folder];
  const child = Bun.spawn(build, { stdin: 'ignore', stdout: 'pipe', stderr: 'inherit' });
  const printed = await new Response(child.stdout).text();
  if ((await child.exited) !== 0)
    throw new Error(`the image could not be built: ${build.join(' ')}`);
  return printed.trim().split('\n').at(-1) ?? '';
}
