// The container image of this clone's recipe, built once and kept in the cache for every clone.

import { mkdir } from 'node:fs/promises';
import { cacheDirectory, must, ROOT } from './programs.ts';

type Variant = 'standard' | 'antivirus';

/** What `build` ends with while another build is running in the same folder. */
const BUSY = 75;
const BUILD_LIMIT_S = 900;
const ROUNDS = 4;

/**
 * Path of the image; building it takes about two minutes, finding it none. Waits for another build in the cache, of another
 * clone or of another variant for a test beside this one. Progress goes to stderr.
 */
export async function ensureImage(variant: Variant = 'standard'): Promise<string> {
  const folder = `${cacheDirectory()}/images`;
  await mkdir(folder, { recursive: true });
  const build = [`${ROOT}/lxc-template/build`, '--variant', variant, '--output', folder];
  for (let round = 1; ; round += 1) {
    const child = Bun.spawn(build, { stdin: 'ignore', stdout: 'pipe', stderr: 'inherit' });
    const printed = await child.stdout.text();
    const status = await child.exited;
    if (status === 0) return printed.trim().split('\n').at(-1) ?? '';
    if (status !== BUSY || round === ROUNDS) {
      throw new Error(`the image could not be built: ${build.join(' ')}`);
    }
    await must(['flock', '-w', String(BUILD_LIMIT_S), `${folder}/.build.lock`, 'true']);
  }
}
