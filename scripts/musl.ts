// Systems like a router's, one for each architecture: musl's loader, a libstdc++ for it and BusyBox, all of Debian's
// packages. Bun's router runtimes run in them, so that bytecode is made by the very program that reads it.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, symlink } from 'node:fs/promises';
import { cacheDirectory, capture, ROOT } from './programs.ts';
import { type Architecture, routerRuntime } from './runtime.ts';

export interface MuslSystem {
  /** Folder of the system, to be copied before anything is written into it. */
  readonly root: string;
  /** The command line that runs a musl program of this host's file system. */
  command(program: string, ...words: string[]): string[];
}

interface Recipe {
  readonly debian: string;
  readonly triplet: string;
  readonly compiler: string;
  /** Debian packages that are needed, as the setup script installs them. */
  readonly programs: readonly string[];
  readonly emulator: readonly string[];
}

// GCC 12 is that of OpenWrt 23.05 and newer: a symbol that only a later one has stops the link, or the first start
const RECIPES: Readonly<Record<Architecture, Recipe>> = {
  x64: {
    debian: 'amd64',
    triplet: 'x86_64-linux-musl',
    compiler: 'g++-12',
    programs: ['mmdebstrap', 'g++-12', 'readelf'],
    emulator: [],
  },
  arm64: {
    debian: 'arm64',
    triplet: 'aarch64-linux-musl',
    compiler: 'aarch64-linux-gnu-gcc-12',
    programs: ['mmdebstrap', 'aarch64-linux-gnu-gcc-12', 'readelf', 'qemu-aarch64-static'],
    // the least that a router of this kind has
    emulator: ['qemu-aarch64-static', '-cpu', 'cortex-a53'],
  },
};

const LOADER = { x64: 'ld-musl-x86_64.so.1', arm64: 'ld-musl-aarch64.so.1' } as const;

/** What this machine lacks for `ensureMuslSystem`. */
export function missingForMusl(architecture: Architecture): string[] {
  const { programs } = RECIPES[architecture];
  const missing = programs.filter((program) => Bun.which(program) === null);
  // this machine's own loader runs programs of its own kind
  const loader = `/lib/${LOADER.x64}`;
  return architecture === 'x64' && !existsSync(loader) ? [...missing, loader] : missing;
}

/** The C++ symbols that a program wants from libstdc++. */
async function wantedSymbols(program: string): Promise<string[]> {
  const table = await capture(['readelf', '-W', '--dyn-syms', program]);
  const names = table.split('\n').flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const name = fields[7]?.replace(/@.*/, '') ?? '';
    return fields[6] === 'UND' && /^(?:_Z|__cxa_|__dynamic_cast|__once|__gxx)/.test(name)
      ? [name]
      : [];
  });
  return [...new Set(names)].sort();
}

// read by exceptions and casts through tables that name no symbol
const TYPE_INFO = ['__class', '__si_class', '__vmi_class'].map(
  (name) => `_ZTVN10__cxxabiv1${name.length + '_type_info'.length}${name}_type_infoE`,
);

async function linkLibstdcxx(
  recipe: Recipe,
  root: string,
  symbols: readonly string[],
): Promise<void> {
  const { compiler, triplet } = recipe;
  const find = async (name: string) =>
    (await capture([compiler, `-print-file-name=${name}`])).trim();
  const archives = [await find('libstdc++.a'), await find('libgcc_eh.a'), await find('libgcc.a')];
  const wanted = [...symbols, ...TYPE_INFO].map((name) => `-Wl,-u,${name}`);
  const output = ['-o', `${root}/usr/lib/libstdc++.so.6`, '-Wl,-soname,libstdc++.so.6'];
  const shape = [
    '-x',
    'c',
    '-shared',
    '-fPIC',
    '-nostdlib',
    `${ROOT}/scripts/musl/stub.c`,
    '-x',
    'none',
  ];
  const libc = [`-L${root}/lib/${triplet}`, '-l:libc.so'];
  await capture([compiler, ...shape, ...wanted, ...output, ...archives, ...libc]);
}

async function makeRoot(architecture: Architecture, root: string, symbols: readonly string[]) {
  const recipe = RECIPES[architecture];
  const include = '--include=musl,busybox-static';
  const what = ['--variant=extract', '--mode=unshare', include, `--architectures=${recipe.debian}`];
  const tarball = `${root}.tar`;
  await capture(['mmdebstrap', ...what, 'bookworm', tarball]);
  await mkdir(`${root}/usr/lib`, { recursive: true });
  const paths = ['./bin/busybox', `./lib/${recipe.triplet}`, `./lib/${LOADER[architecture]}`];
  await capture(['tar', '-xf', tarball, '-C', root, ...paths]);
  await rm(tarball);
  for (const name of ['sh', 'ash']) await symlink('busybox', `${root}/bin/${name}`);
  await linkLibstdcxx(recipe, root, symbols);
}

/** Made once and kept in the cache; the runtime says what the libstdc++ must have. */
export async function ensureMuslSystem(architecture: Architecture): Promise<MuslSystem> {
  const recipe = RECIPES[architecture];
  const symbols = await wantedSymbols(await routerRuntime(architecture));
  const text = await Bun.file(`${ROOT}/scripts/musl/stub.c`).text();
  const source = await Bun.file(`${ROOT}/scripts/musl.ts`).text();
  const key = createHash('sha256')
    .update(JSON.stringify([symbols, text, source]))
    .digest('hex');
  const root = `${cacheDirectory()}/musl/${architecture}-${key.slice(0, 12)}`;
  if (!(await Bun.file(`${root}/usr/lib/libstdc++.so.6`).exists())) {
    const incoming = `${root}.${process.pid}`;
    await mkdir(incoming, { recursive: true });
    try {
      await makeRoot(architecture, incoming, symbols);
      await rename(incoming, root).catch(async (error) => {
        // another run was quicker
        if (!(await Bun.file(`${root}/usr/lib/libstdc++.so.6`).exists())) throw error;
      });
    } finally {
      await rm(incoming, { recursive: true, force: true });
    }
  }
  return {
    root,
    command: (program, ...words) =>
      architecture === 'x64'
        ? ['env', `LD_LIBRARY_PATH=${root}/usr/lib`, program, ...words]
        : [...recipe.emulator, '-L', root, '-E', 'LD_LIBRARY_PATH=/usr/lib', program, ...words],
  };
}
