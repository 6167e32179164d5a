// npm run build [-- --all]: dist/mailctl for this machine, and with --all the two musl builds for routers.
// The foreign Bun runtimes come as npm packages, are checked against package-lock.json and cached.

import { createHash } from 'node:crypto';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import packageLock from '../package-lock.json';
import { cacheDirectory, capture, must, ROOT } from './programs.ts';

const ENTRY = 'src/mailctl/main.ts';

const ROUTERS = [
  { target: 'bun-linux-arm64-musl', runtime: '@oven/bun-linux-aarch64-musl' },
  { target: 'bun-linux-x64-musl', runtime: '@oven/bun-linux-x64-musl' },
] as const;

const locked: Record<string, { version?: string; integrity?: string }> = packageLock.packages;

/** reproducible-builds.org: the date of the source where somebody has set it, as OpenWrt's SDK does. */
function buildTime(): Date {
  const epoch = process.env.SOURCE_DATE_EPOCH;
  return epoch === undefined ? new Date() : new Date(Number(epoch) * 1000);
}

async function compile(outfile: string, extra: string[] = []): Promise<void> {
  // run as root in any folder: a .env or bunfig.toml lying there must not change what the program does
  const closed = ['--no-compile-autoload-dotenv', '--no-compile-autoload-bunfig'];
  const define = ['--define', `BUILD_TIME=${JSON.stringify(buildTime().toISOString())}`];
  const shape = ['--compile', '--minify', '--sourcemap', ...define, ...closed, ...extra];
  // Bun leaves the source map beside the program, which carries it already
  const folder = `dist/.building-${process.pid}`;
  await mkdir(`${ROOT}/${folder}`, { recursive: true });
  await must([process.execPath, 'build', ENTRY, ...shape, '--outfile', `${folder}/mailctl`]);
  await rename(`${ROOT}/${folder}/mailctl`, `${ROOT}/${outfile}`);
  await rm(`${ROOT}/${folder}`, { recursive: true });
  const { size } = await stat(`${ROOT}/${outfile}`);
  console.log(`${outfile}  ${(size / 1e6).toFixed(1)} MB`);
}

/** Path of the Bun program in the npm package `name`, downloaded by npm when the cache has it not. */
async function runtimeOf(name: string): Promise<string> {
  const { version, integrity } = locked[`node_modules/${name}`] ?? {};
  if (version === undefined || integrity === undefined) throw new Error(`${name} is not locked`);
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
    if (`sha512-${digest}` !== integrity) throw new Error(`${name}: not the locked contents`);
    await capture(['tar', '-xzf', archive, '-C', incoming]);
    await rm(archive);
    await rm(folder, { recursive: true, force: true });
    await rename(incoming, folder);
  } finally {
    await rm(incoming, { recursive: true, force: true });
  }
  return program;
}

// 30 ms to start in place of 80, for 8 MB. Not for another machine: bytecode is bound to the very Bun that made it, and
// one with another libc or processor ends by a segmentation fault (https://github.com/oven-sh/bun/issues/24144)
await compile('dist/mailctl', ['--bytecode', '--format=esm']);
if (process.argv.includes('--all')) {
  for (const { target, runtime } of ROUTERS) {
    const program = await runtimeOf(runtime);
    const foreign = [`--target=${target}`, `--compile-executable-path=${program}`];
    await compile(`dist/${target.replace('bun', 'mailctl')}`, foreign);
  }
}
