// The mounts of this host, and image files mounted read-only.

import type { Host } from './host.ts';

export interface Mount {
  readonly device: string;
  /** The mount point, resolved: the kernel lists no symlinks. */
  readonly at: string;
  readonly type: string;
}

/** proc(5): white space in a mount point is escaped as octal. */
const decodeOctal = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );

/** In the order of mounting: of several on one mount point, the last hides the others. */
export async function listMounts(host: Host): Promise<Mount[]> {
  const table = (await host.files.read('/proc/self/mounts')) ?? '';
  return table.split('\n').flatMap((line): Mount[] => {
    const [device = '', at, type] = line.split(' ');
    return at === undefined || type === undefined ? [] : [{ device, at: decodeOctal(at), type }];
  });
}

/** The backing file of the loop device mounted at `path`; null when nothing is mounted there. */
export async function queryMountedImage(host: Host, path: string): Promise<string | null> {
  // /var/run is a link
  const real = await host.files.realPath(path);
  const device = (await listMounts(host)).findLast(({ at }) => at === real)?.device;
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
