// npm run package [-- --arch NAME…] [--key FILE] [--output DIR]: an .ipk for each OpenWrt architecture, and the index of
// a feed. The contents come from package/Makefile, evaluated by make, so that the SDK and this script cannot differ.
// Reproducible: the same commit gives the same bytes.

import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { capture, must, ROOT } from './programs.ts';

const ARCHITECTURES = ['aarch64_cortex-a72', 'aarch64_cortex-a53', 'x86_64'] as const;

/** Packages whose feed name has an ABI suffix (ABI_VERSION of their recipes in OpenWrt 24.10). */
const ABI_NAMES: Readonly<Record<string, string>> = { libstdcpp: 'libstdcpp6' };

/** The function of base-files that each script calls (enable and start, stop and disable) before the recipe's own. */
const STEPS: Readonly<Record<string, string>> = {
  postinst: 'default_postinst',
  prerm: 'default_prerm',
};

const USAGE = `usage: npm run package [-- --arch NAME]… [--key FILE] [--output DIR]

  --arch     ${ARCHITECTURES.join(', ')} (default: all)
  --key      signify secret key that signs the index (signify-openbsd -G -n -p feed.pub -s feed.sec)
  --output   folder for the packages and the index (default: dist/packages)`;

interface Recipe {
  /** A field or script of the recipe; empty if the recipe does not set it. */
  text(name: string): Promise<string>;
  readonly data: string;
}

/** Evaluates the recipe with make, which installs its files below `folder`. */
async function readRecipe(folder: string, isArm: boolean): Promise<Recipe> {
  await mkdir(join(folder, 'meta'), { recursive: true });
  await mkdir(join(folder, 'data'));
  const stubs = join(ROOT, 'scripts/openwrt');
  const settings = [`TOPDIR=${stubs}`, `INCLUDE_DIR=${stubs}`, `OUT=${folder}`];
  const architecture = `CONFIG_aarch64=${isArm ? 'y' : ''}`;
  await must(['make', '-s', '-C', 'package', ...settings, architecture, 'install']);
  return {
    text: async (name) =>
      (await readFile(join(folder, 'meta', name), 'utf8').catch(() => '')).trimEnd(),
    data: join(folder, 'data'),
  };
}

function dependsField(depends: string): string {
  const names = depends
    .split(/\s+/)
    .filter((word) => word.startsWith('+'))
    .map((word) => word.slice(1));
  return ['libc', ...names.map((name) => ABI_NAMES[name] ?? name)].join(', ');
}

/** The tree below `folder` as a tar archive like OpenWrt's: sorted, owned by root, with one date. */
async function packTree(folder: string, epoch: string): Promise<Uint8Array> {
  const shape = ['--format=gnu', '--sort=name', '--numeric-owner', '--owner=0', '--group=0'];
  const command = ['tar', ...shape, `--mtime=@${epoch}`, '-C', folder, '-cf', '-', '.'];
  const child = Bun.spawn(command, { stdout: 'pipe', stderr: 'inherit' });
  const bytes = await new Response(child.stdout).bytes();
  if ((await child.exited) !== 0) throw new Error(`tar failed in ${folder}`);
  return bytes;
}

// zlib writes no file name and, in Bun, no date
const gzip = (bytes: Uint8Array): Uint8Array => gzipSync(bytes, { level: 9 });

async function writeControl(
  recipe: Recipe,
  folder: string,
  facts: { architecture: string; installedSize: number; epoch: string },
): Promise<string> {
  const { text } = recipe;
  const version = `${await text('PKG_VERSION')}-r${await text('PKG_RELEASE')}`;
  const description = (await text('description')).split('\n').map((line) => ` ${line.trim()}`);
  const control = [
    `Package: ${await text('PKG_NAME')}`,
    `Version: ${version}`,
    `Depends: ${dependsField(await text('DEPENDS'))}`,
    `Conflicts: ${await text('CONFLICTS')}`,
    `Provides: ${await text('PROVIDES')}`,
    // default_postinst of base-files makes these users
    `Require-User: ${await text('USERID')}`,
    `License: ${await text('PKG_LICENSE')}`,
    `Section: ${await text('SECTION')}`,
    `SourceDateEpoch: ${facts.epoch}`,
    `Maintainer: ${await text('PKG_MAINTAINER')}`,
    `Architecture: ${facts.architecture}`,
    `Installed-Size: ${facts.installedSize}`,
    `Description: ${description.join('\n')}`,
  ].join('\n');
  await writeFile(join(folder, 'control'), `${control}\n`, { mode: 0o644 });
  await writeFile(join(folder, 'conffiles'), `${await text('conffiles')}\n`, { mode: 0o644 });
  for (const [script, step] of Object.entries(STEPS)) {
    const own = await text(script);
    const wrapper = [
      '#!/bin/sh',
      '[ "$IPKG_NO_SCRIPT" = 1 ] && exit 0',
      // functions.sh of base-files is missing in an offline root
      '[ -s "$IPKG_INSTROOT/lib/functions.sh" ] || exit 0',
      '. "$IPKG_INSTROOT/lib/functions.sh"',
      `${step} "$0" "$@"`,
    ];
    await writeFile(join(folder, script), `${wrapper.join('\n')}\n`, { mode: 0o755 });
    if (own !== '') await writeFile(join(folder, `${script}-pkg`), `${own}\n`, { mode: 0o755 });
  }
  return control;
}

interface Entry {
  readonly architecture: string;
  readonly paragraph: string;
}

/** Writes one package and returns its paragraph of the index. */
async function makePackage(
  architecture: string,
  { output, epoch }: { output: string; epoch: string },
): Promise<Entry> {
  const work = join(output, `.work-${process.pid}`);
  await rm(work, { recursive: true, force: true });
  try {
    const recipe = await readRecipe(work, architecture.startsWith('aarch64'));
    const data = await packTree(recipe.data, epoch);
    const controlFolder = join(work, 'control');
    await mkdir(controlFolder);
    const facts = { architecture, installedSize: data.byteLength, epoch };
    const control = await writeControl(recipe, controlFolder, facts);
    const outer = join(work, 'outer');
    await mkdir(outer);
    await writeFile(join(outer, 'debian-binary'), '2.0\n', { mode: 0o644 });
    await writeFile(join(outer, 'data.tar.gz'), gzip(data), { mode: 0o644 });
    const packed = await packTree(controlFolder, epoch);
    await writeFile(join(outer, 'control.tar.gz'), gzip(packed), { mode: 0o644 });
    const bytes = gzip(await packTree(outer, epoch));
    const version = /^Version: (.*)$/m.exec(control)?.[1];
    const name = `${await recipe.text('PKG_NAME')}_${version}_${architecture}.ipk`;
    await writeFile(join(work, name), bytes, { mode: 0o644 });
    await mkdir(join(output, architecture), { recursive: true });
    await rename(join(work, name), join(output, architecture, name));
    console.log(`${join(output, architecture, name)}  ${(bytes.byteLength / 1e6).toFixed(1)} MB`);
    const sum = createHash('sha256').update(bytes).digest('hex');
    const where = `Filename: ${name}\nSize: ${bytes.byteLength}\nSHA256sum: ${sum}\n`;
    return { architecture, paragraph: control.replace(/^Description: /m, `${where}Description: `) };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function writeIndex(output: string, { architecture, paragraph }: Entry, key?: string) {
  const folder = join(output, architecture);
  const text = `${paragraph}\n\n`;
  await writeFile(join(folder, 'Packages'), text);
  await writeFile(join(folder, 'Packages.gz'), gzip(Buffer.from(text)));
  const signature = join(folder, 'Packages.sig');
  await rm(signature, { force: true });
  if (key === undefined) return;
  // usign, which opkg calls, reads signify's format
  const sign = ['signify-openbsd', '-S', '-s', resolve(key), '-m', join(folder, 'Packages')];
  await capture([...sign, '-x', signature]);
}

/** The date of all package contents, Unix seconds: SOURCE_DATE_EPOCH, by default the date of the commit. */
async function sourceDate(): Promise<string> {
  const { SOURCE_DATE_EPOCH } = process.env;
  return SOURCE_DATE_EPOCH ?? (await capture(['git', 'log', '-1', '--format=%ct'])).trim();
}

async function main(): Promise<number> {
  const options = { arch: { type: 'string', multiple: true }, key: { type: 'string' } } as const;
  const more = { output: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const;
  const { values } = parseArgs({ options: { ...options, ...more } });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const wanted = values.arch ?? [...ARCHITECTURES];
  const unknown = wanted.find((name) => !ARCHITECTURES.some((known) => known === name));
  if (unknown !== undefined) {
    console.error(`unknown --arch ${unknown}: expected one of ${ARCHITECTURES.join(', ')}`);
    return 64;
  }
  const output = resolve(values.output ?? join(ROOT, 'dist/packages'));
  const epoch = await sourceDate();
  const routers = new Set(wanted.map((name) => (name.startsWith('aarch64') ? 'arm64' : 'x64')));
  const build = [process.execPath, 'scripts/build.ts', '--router', ...routers];
  await must(build, { SOURCE_DATE_EPOCH: epoch });
  await mkdir(output, { recursive: true });
  for (const architecture of wanted) {
    await writeIndex(output, await makePackage(architecture, { output, epoch }), values.key);
  }
  return 0;
}

process.exit(await main());
