// The Bun runtimes for routers: npm packages, checked against package-lock.json and cached.

import { createHash } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import packageLock from '../package-lock.json';
import { cacheDirectory, capture } from './programs.ts';

export type Architecture = 'x64' | 'arm64';

const PACKAGES: Readonly<Record<Architecture, string>> = {
  x64: '@oven/bun-linux-x64-musl',
  arm64: '@oven/bun-linux-aarch64-musl',
};

const locked: Record<string, { version?: string; integrity?: string }> = packageLock.packages;

/** Path of the Bun binary for routers of this architecture; npm downloads it if it is not cached. */
export async function routerRuntime(architecture: Architecture): Promise<string> {
  const name = PACKAGES[architecture];
  const { version, integrity } = locked[`node_modules/${name}`] ?? {};
  if (version === undefined || integrity === undefined)
    throw new Error(`${name} is missing in package-lock.json`);
  const folder = `${cacheDirectory()}/runtimes/${name.replaceAll('/', '-')}-${version}`;
  const program = `${folder}/package/bin/bun`;
  if (await Bun.file(program).exists()) return program;
  const incoming = `${folder}.${process.pid}`;
  await mkdir(incoming, { recursive: true });
  try {
    const packed = await capture([
      'npm',
      'pack',
      `${name}@${version}`,
      '--pack-destination',
      incoming,
    ]);
    const archive = `${incoming}/${packed.trim().split('\n').at(-1)}`;
    const digest = createHash('sha512')
      .update(await Bun.file(archive).bytes())
      .digest('base64');
    if (`sha512-${digest}` !== integrity)
      throw new Error(`${name}: sha512 differs from package-lock.json`);
    await capture(['tar', '-xzf', archive, '-C', incoming]);
    await rm(archive);
    await rm(folder, { recursive: true, force: true });
    await rename(incoming, folder);
  } finally {
    await rm(incoming, { recursive: true, force: true });
  }
  return program;
}
