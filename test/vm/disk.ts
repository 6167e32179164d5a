// The parts of the virtual machine, of Debian's packages only: a kernel with LXC and nft, and around them what OpenWrt
// has (musl, BusyBox as the whole userland). Built once for each content, and cached.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ensureMuslSystem } from '../../scripts/musl.ts';
import { cacheDirectory, capture } from '../../scripts/programs.ts';

/** Debian's release with the LXC of OpenWrt 24.10, and a kernel that mounts id-mapped squashfs. */
const SUITE = 'trixie';
const PACKAGES = [
  'linux-image-cloud-amd64',
  'busybox-static',
  'lxc',
  'nftables',
  'iproute2',
  'musl',
  'dnsmasq-base',
  'knot-dnsutils',
];

/** All that is taken from these packages; every other program is BusyBox's. */
const KEPT = [
  ...['boot/vmlinuz-*', 'usr/lib/modules', 'usr/bin/busybox', 'usr/sbin/nft', 'usr/sbin/bridge'],
  ...['usr/sbin/dnsmasq', 'usr/bin/knsupdate'],
  ...['lxc-start', 'lxc-stop', 'lxc-info', 'lxc-attach', 'lxc-config'].map(
    (name) => `usr/bin/${name}`,
  ),
  ...['usr/libexec/lxc', 'usr/share/lxc', 'usr/lib/x86_64-linux-gnu', 'usr/lib64'],
  ...['usr/lib/ld-musl-x86_64.so.1', 'usr/lib/x86_64-linux-musl', 'etc/ld-musl-x86_64.path'],
];

/** What the initramfs needs before the root is mounted, besides what is built in. */
const BOOT_MODULES = ['virtio_blk', 'squashfs', 'overlay', 'loop'];

const OWN = join(import.meta.dir, 'root');
const TEST = join(import.meta.dir, '..');

/** Files of other tests, with their places on the router. */
const SHARED: Readonly<Record<string, string>> = {
  'cli/firewalls/01-fresh': 'etc/config/firewall',
  'fw4/default.nft': 'usr/share/fw4/default.nft',
  'fw4/bans-first.nft': 'usr/share/fw4/bans-first.nft',
};

export interface RouterDisk {
  readonly kernel: string;
  readonly initramfs: string;
  /** The read-only root, squashfs. */
  readonly rom: string;
}

async function ownFiles(): Promise<string[]> {
  const entries = await readdir(OWN, { recursive: true, withFileTypes: true });
  return entries
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name))
    .sort();
}

const digest = (...parts: (string | Uint8Array)[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex').slice(0, 12);
};

/** The stand-in uci of the other tests as one file, for the Bun in mailctl. */
async function bundleUci(): Promise<string> {
  const program = join(TEST, 'stand-ins/uci');
  const { outputs } = await Bun.build({
    entrypoints: [program],
    target: 'bun',
    // by its name, which has no suffix, it would be data
    plugins: [
      {
        name: 'uci',
        setup: (build) => {
          const load = async () =>
            ({ contents: await readFile(program, 'utf8'), loader: 'ts' }) as const;
          build.onLoad({ filter: /stand-ins.uci$/ }, load);
        },
      },
    ],
  });
  return (await outputs[0]?.text()) ?? '';
}

async function contentKey(): Promise<string> {
  const shared = Object.keys(SHARED).map((path) => join(TEST, path));
  const files = await Promise.all(
    [import.meta.path, ...shared, ...(await ownFiles())].map((path) => readFile(path)),
  );
  return digest((await ensureMuslSystem('x64')).root, await bundleUci(), ...files);
}

/** Makes a folder of the cache unless it is there; `fill` gets it under a temporary name. */
async function cached(name: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const place = join(cacheDirectory(), 'vm', name);
  if (existsSync(place)) return place;
  const folder = `${place}.${process.pid}`;
  await mkdir(folder, { recursive: true });
  try {
    await fill(folder);
    await rename(folder, place);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return place;
}

/** A tar file of what is kept of the packages. */
async function unpackPackages(folder: string): Promise<void> {
  const tarball = join(folder, 'packages.tar');
  const what = ['--variant=extract', '--mode=root', `--include=${PACKAGES.join(',')}`];
  await capture(['mmdebstrap', ...what, SUITE, tarball]);
  const root = join(folder, 'root');
  await mkdir(root);
  const kept = KEPT.map((path) => `./${path}`);
  await capture(['tar', '-xf', tarball, '-C', root, '--wildcards', ...kept]);
  // BusyBox's modprobe reads no modules that are compressed with xz
  const packed = ['-name', '*.ko.xz', '-exec', 'xz', '-d', '{}', '+'];
  await capture(['find', join(root, 'usr/lib/modules'), ...packed]);
  await capture(['tar', '-cf', tarball, '-C', root, '.']);
  await rm(root, { recursive: true });
}

/** The modules and those that they need, as paths below the root. */
async function withDependencies(root: string, release: string): Promise<string[]> {
  const folder = `usr/lib/modules/${release}`;
  const table = await readFile(join(root, folder, 'modules.dep'), 'utf8');
  const found = new Set([`${folder}/modules.dep`, `${folder}/modules.alias`]);
  for (const line of table.split('\n')) {
    const [module = '', rest = ''] = line.split(':');
    const name = module.replace(/^.*\//, '').replace(/\.ko.*$/, '');
    if (!BOOT_MODULES.includes(name)) continue;
    for (const path of [module, ...rest.split(' ').filter(Boolean)]) found.add(`${folder}/${path}`);
  }
  return [...found];
}

/** The folders of a router, and its own files, those of other tests among them. */
async function furnish(root: string): Promise<void> {
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    await mkdir(join(root, 'usr', name), { recursive: true });
    await symlink(`usr/${name}`, join(root, name));
  }
  for (const name of ['dev', 'proc', 'sys', 'tmp', 'srv', 'root', 'rom', 'overlay', 'mnt', 'media'])
    await mkdir(join(root, name));
  await mkdir(join(root, 'etc/nftables.d'), { recursive: true });
  await symlink('tmp', join(root, 'var'));
  await symlink('var/run', join(root, 'run'));
  await writeFile(join(root, 'etc/openwrt_release'), "DISTRIB_RELEASE='24.10'\n");
  await writeFile(join(root, 'etc/resolv.conf'), 'nameserver 127.0.0.1\n');
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/ash\n');
  await writeFile(join(root, 'etc/group'), 'root:x:0:\n');
  const put = async (path: string, place: string) => {
    await mkdir(dirname(join(root, place)), { recursive: true });
    await cp(path, join(root, place));
  };
  const { root: musl } = await ensureMuslSystem('x64');
  await put(`${musl}/usr/lib/libstdc++.so.6`, 'usr/lib/x86_64-linux-musl/libstdc++.so.6');
  for (const path of await ownFiles()) await put(path, path.slice(OWN.length));
  for (const [path, place] of Object.entries(SHARED)) await put(join(TEST, path), place);
  await writeFile(join(root, 'usr/share/uci.js'), await bundleUci());
  await rm(join(root, 'init'));
}

/** BusyBox for every name that is not there yet. */
async function linkApplets(root: string, busybox: string): Promise<void> {
  for (const name of (await capture([busybox, '--list'])).trim().split('\n')) {
    const places = ['usr/sbin', 'usr/bin'].map((folder) => join(root, folder, name));
    if (places.some((place) => existsSync(place))) continue;
    for (const place of places) await symlink('/usr/bin/busybox', place);
  }
}

async function packInitramfs(root: string, folder: string, modules: string[]): Promise<void> {
  const small = join(folder, 'small');
  for (const path of [...modules, 'usr/bin/busybox']) {
    const place = join(small, path.replace(/^usr\//, ''));
    await mkdir(dirname(place), { recursive: true });
    await cp(join(root, path), place);
  }
  await cp(join(OWN, 'init'), join(small, 'init'));
  const pack = `cd "$1" && find . | "$2" cpio -o -H newc -R 0:0 | gzip -1 >"$3"`;
  const busybox = join(root, 'usr/bin/busybox');
  await capture(['sh', '-c', pack, 'sh', small, busybox, join(folder, 'initramfs')]);
  await rm(small, { recursive: true });
}

async function build(folder: string): Promise<void> {
  const root = join(folder, 'root');
  await mkdir(root);
  const packages = await cached(digest(SUITE, ...PACKAGES, ...KEPT), unpackPackages);
  await capture(['tar', '-xf', join(packages, 'packages.tar'), '-C', root]);
  const [release = ''] = await readdir(join(root, 'usr/lib/modules'));
  const busybox = join(root, 'usr/bin/busybox');
  await furnish(root);
  await linkApplets(root, busybox);
  await capture([busybox, 'depmod', '-b', root, release]);
  await packInitramfs(root, folder, await withDependencies(root, release));
  await rename(join(root, 'boot', `vmlinuz-${release}`), join(folder, 'vmlinuz'));
  await rm(join(root, 'boot'), { recursive: true });
  const shape = ['-comp', 'zstd', '-Xcompression-level', '1', '-all-root', '-noappend', '-quiet'];
  await capture(['mksquashfs', root, join(folder, 'rom'), ...shape]);
  await rm(root, { recursive: true });
}

export async function ensureRouterDisk(): Promise<RouterDisk> {
  const place = await cached(await contentKey(), build);
  const part = (name: string) => join(place, name);
  return { kernel: part('vmlinuz'), initramfs: part('initramfs'), rom: part('rom') };
}
