// A router's root file system: musl, BusyBox and libstdc++ from Debian packages, with an .ipk unpacked as opkg does.

import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureMuslSystem } from '../../scripts/musl.ts';
import { capture } from '../../scripts/programs.ts';
import type { Architecture } from '../../scripts/runtime.ts';

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Router {
  readonly root: string;
  run(command: readonly string[], stdin?: string): Promise<Ran>;
  remove(): Promise<void>;
}

// In its own mount namespace, so that no mount survives the test
const ENTER = 'mount -t proc proc "$1/proc" && root=$1 && shift && exec chroot "$root" "$@"';

/** Builds the package of one architecture and its index in a new folder. */
export async function makePackages(
  architecture: string,
  output: string,
  ...more: string[]
): Promise<string> {
  const words = ['--arch', architecture, '--output', output, ...more];
  const printed = await capture([process.execPath, 'scripts/package.ts', ...words]);
  const path = printed.split('\n').map((line) => /^(\S+\.ipk) /.exec(line)?.[1]);
  return path.find((found) => found !== undefined) ?? '';
}

/** Unpacks an .ipk as opkg does: the data into the root, the control files into opkg's info folder. */
async function unpack(ipk: string, root: string): Promise<void> {
  const info = join(root, 'usr/lib/opkg/info');
  await mkdir(info, { recursive: true });
  await capture(['tar', '-xzf', ipk, '-C', info, './data.tar.gz', './control.tar.gz']);
  await capture(['tar', '-xzf', join(info, 'data.tar.gz'), '-C', root]);
  await capture(['tar', '-xzf', join(info, 'control.tar.gz'), '-C', info]);
  await rm(join(info, 'data.tar.gz'));
}

export async function makeRouter(architecture: Architecture, ipk: string): Promise<Router> {
  const { root: system } = await ensureMuslSystem(architecture);
  const root = await mkdtemp(join(tmpdir(), `router-${architecture}-`));
  await cp(system, root, { recursive: true, verbatimSymlinks: true });
  for (const folder of ['dev', 'proc', 'tmp', 'var/run', 'srv'])
    await mkdir(join(root, folder), { recursive: true });
  await unpack(ipk, root);
  await writeFile(join(root, 'etc/openwrt_release'), "DISTRIB_RELEASE='24.10.6'\n");
  const emulator = architecture === 'arm64' ? ['/qemu', '-cpu', 'cortex-a53'] : [];
  if (architecture === 'arm64')
    await cp(Bun.which('qemu-aarch64-static') ?? '', join(root, 'qemu'));
  const enter = ['unshare', '--mount', 'sh', '-c', ENTER, 'sh', root, ...emulator];
  return {
    root,
    run: async (command, stdin = '') => {
      const child = Bun.spawn([...enter, ...command], {
        ...{ stdin: new Blob([stdin]), stdout: 'pipe', stderr: 'pipe' },
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root' },
      });
      const [stdout, stderr, status] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
      ]);
      return { status, stdout, stderr };
    },
    remove: () => rm(root, { recursive: true, force: true }),
  };
}
