// The container image for this clone's recipe, built once and cached for all clones.

import { mkdir } from 'node:fs/promises';
import { cacheDirectory, must, ROOT } from './programs.ts';

type Variant = 'standard' | 'antivirus' | 'web';

/** Exit status of `build` while another build holds the lock of the folder. */
const BUSY = 75;
const BUILD_LIMIT_S = 900;
const ROUNDS = 4;

/**
 * Path of the image; a build takes about two minutes, a cached image none. Waits while another build, of another clone
 * or variant, holds the cache's lock. Progress goes to stderr.
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
      throw new Error(`image build failed with status ${status}: ${build.join(' ')}`);
    }
    await must(['flock', '-w', String(BUILD_LIMIT_S), `${folder}/.build.lock`, 'true']);
  }
}
