// npm run build [-- --all | --router x64|arm64]: dist/mailctl for this machine, the musl builds for routers, or both.

import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { ensureMuslSystem, missingForMusl } from './musl.ts';
import { must, ROOT } from './programs.ts';
import { type Architecture, routerRuntime } from './runtime.ts';

const ENTRY = 'src/mailctl/main.ts';

/** SOURCE_DATE_EPOCH (reproducible-builds.org), which OpenWrt's SDK sets; otherwise the current time. */
function buildTime(): Date {
  const epoch = process.env.SOURCE_DATE_EPOCH;
  return epoch === undefined ? new Date() : new Date(Number(epoch) * 1000);
}

interface Compiling {
  /** Command line of the Bun that compiles; this process's Bun by default. */
  readonly bun?: readonly string[];
  readonly extra: readonly string[];
}

async function compile(
  outfile: string,
  { bun = [process.execPath], extra }: Compiling,
): Promise<void> {
  // Root may run mailctl in any folder: a .env or bunfig.toml there must not change its behaviour
  const closed = ['--no-compile-autoload-dotenv', '--no-compile-autoload-bunfig'];
  const define = ['--define', `BUILD_TIME=${JSON.stringify(buildTime().toISOString())}`];
  const shape = ['--compile', '--minify', '--sourcemap', ...define, ...closed, ...extra];
  // Bun also writes the source map, already embedded, beside the program: build in a scratch folder
  const folder = `dist/.building-${process.pid}`;
  await mkdir(`${ROOT}/${folder}`, { recursive: true });
  await must([...bun, 'build', ENTRY, ...shape, '--outfile', `${folder}/mailctl`]);
  await rename(`${ROOT}/${folder}/mailctl`, `${ROOT}/${outfile}`);
  await rm(`${ROOT}/${folder}`, { recursive: true });
  const { size } = await stat(`${ROOT}/${outfile}`);
  console.log(`${outfile}  ${(size / 1e6).toFixed(1)} MB`);
}

const BYTECODE = ['--bytecode', '--format=esm'];

/**
 * Bytecode cuts the start time by two thirds, for 8 MB. It works only with the Bun that made it (with another libc or
 * processor Bun crashes, https://github.com/oven-sh/bun/issues/24144), so the router's runtime makes it, in a root
 * file system like the router's.
 */
async function compileForRouter(architecture: Architecture): Promise<void> {
  const outfile = `dist/mailctl-linux-${architecture}-musl`;
  const runtime = await routerRuntime(architecture);
  const missing = missingForMusl(architecture);
  if (missing.length === 0) {
    const system = await ensureMuslSystem(architecture);
    await compile(outfile, { bun: system.command(runtime), extra: BYTECODE });
    return;
  }
  console.log(`${outfile}: no bytecode, so a slower start: missing ${missing.join(', ')}`);
  const target = `--target=bun-linux-${architecture}-musl`;
  const foreign = [target, `--compile-executable-path=${runtime}`];
  await compile(outfile, { extra: foreign });
}

const wanted = process.argv.slice(2);
const all = wanted.includes('--all');
if (all || !wanted.includes('--router')) await compile('dist/mailctl', { extra: BYTECODE });
for (const architecture of ['arm64', 'x64'] as const) {
  if (all || wanted.includes(architecture)) await compileForRouter(architecture);
}
