// npm run build [-- --all | --router x64|arm64]: dist/mailctl for this machine, the musl builds for routers, or both.
// The foreign Bun runtimes come as npm packages, are checked against package-lock.json and cached.

import { createHash } from 'node:crypto';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import packageLock from '../package-lock.json';
import { type Architecture, ensureMuslSystem, missingForMusl } from './musl.ts';
import { cacheDirectory, capture, must, ROOT } from './programs.ts';

const ENTRY = 'src/mailctl/main.ts';

interface Router {
  readonly architecture: Architecture;
  readonly target: string;
  readonly runtime: string;
}

const ROUTERS: readonly Router[] = [
  {
    architecture: 'arm64',
    target: 'bun-linux-arm64-musl',
    runtime: '@oven/bun-linux-aarch64-musl',
  },
  { architecture: 'x64', target: 'bun-linux-x64-musl', runtime: '@oven/bun-linux-x64-musl' },
];

const locked: Record<string, { version?: string; integrity?: string }> = packageLock.packages;

/** reproducible-builds.org: the date of the source where somebody has set it, as OpenWrt's SDK does. */
function buildTime(): Date {
  const epoch = process.env.SOURCE_DATE_EPOCH;
  return epoch === undefined ? new Date() : new Date(Number(epoch) * 1000);
}

interface Compiling {
  /** The command line of the Bun that compiles; this one unless told. */
  readonly bun?: readonly string[];
  readonly extra: readonly string[];
}

async function compile(
  outfile: string,
  { bun = [process.execPath], extra }: Compiling,
): Promise<void> {
  // run as root in any folder: a .env or bunfig.toml lying there must not change what the program does
  const closed = ['--no-compile-autoload-dotenv', '--no-compile-autoload-bunfig'];
  const define = ['--define', `BUILD_TIME=${JSON.stringify(buildTime().toISOString())}`];
  const shape = ['--compile', '--minify', '--sourcemap', ...define, ...closed, ...extra];
  // Bun leaves the source map beside the program, which carries it already
  const folder = `dist/.building-${process.pid}`;
  await mkdir(`${ROOT}/${folder}`, { recursive: true });
  await must([...bun, 'build', ENTRY, ...shape, '--outfile', `${folder}/mailctl`]);
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

const BYTECODE = ['--bytecode', '--format=esm'];

/**
 * Bytecode takes two thirds off the time to start, for 8 MB. It is bound to the very Bun that made it (one of another
 * libc or processor ends by a segmentation fault, https://github.com/oven-sh/bun/issues/24144), so the router's own
 * runtime makes it, in a system like the router's.
 */
async function compileForRouter({ target, runtime, architecture }: Router): Promise<void> {
  const outfile = `dist/${target.replace('bun', 'mailctl')}`;
  const program = await runtimeOf(runtime);
  const missing = missingForMusl(architecture);
  if (missing.length === 0) {
    const system = await ensureMuslSystem(architecture, program);
    await compile(outfile, { bun: system.command(program), extra: BYTECODE });
    return;
  }
  console.log(
    `${outfile} gets no bytecode and takes longer to start: ${missing.join(', ')} missing`,
  );
  const foreign = [`--target=${target}`, `--compile-executable-path=${program}`];
  await compile(outfile, { extra: foreign });
}

const wanted = process.argv.slice(2);
const all = wanted.includes('--all');
if (all || !wanted.includes('--router')) await compile('dist/mailctl', { extra: BYTECODE });
for (const router of ROUTERS) {
  if (all || wanted.includes(router.architecture)) await compileForRouter(router);
}
