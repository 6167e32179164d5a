// Image files mounted read-only on this host.

import type { Host } from './host.ts';

/** The backing file of the loop device mounted at `path`; null when nothing is mounted there. */
export async function queryMountedImage(host: Host, path: string): Promise<string | null> {
  const mounts = (await host.files.read('/proc/self/mounts')) ?? '';
  // /var/run is a link, and the kernel lists mounts by the resolved path
  const real = await host.files.realPath(path);
  const device = mounts
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, at]) => at === real)
    .at(-1)?.[0];
  if (device === undefined) return null;
  const name = device.replace('/dev/', '');
  return (await host.files.read(`/sys/block/${name}/loop/backing_file`))?.trim() ?? device;
}

export async function mountImage(host: Host, image: string, path: string): Promise<void> {
  const from = host.files.path(image);
  await host.files.makeDirectory(path, { mode: 0o755 });
  const options = 'loop,ro,nodev';
  await host.programs.run(['mount', '-t', 'squashfs', '-o', options, from, host.files.path(path)]);
}

export async function unmountImage(host: Host, path: string): Promise<void> {
  while ((await queryMountedImage(host, path)) !== null) {
    await host.programs.run(['umount', host.files.path(path)]);
  }
}
