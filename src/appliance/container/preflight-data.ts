// Requirements of the data folder and the images: a file system with file owners, a disk that survives sysupgrade,
// free space; and memory for the container.

import type { Host } from '../../host/host.ts';
import { listMounts, type Mount } from '../../host/mounts.ts';
import type { Appliance } from '../appliance.ts';
import type { Lack } from './lack.ts';

/** File systems without file owners: the container cannot own files on them. */
const WITHOUT_OWNERS = ['vfat', 'msdos', 'exfat', 'ntfs', 'ntfs3', 'fuseblk', 'hfsplus'];

/** The mount that contains the path; the path need not exist yet. */
async function mountOf(host: Host, path: string): Promise<Mount | null> {
  const holds = ({ at }: Mount) => at === '/' || path === at || path.startsWith(`${at}/`);
  // of several mounts on one mount point, the last hides the others
  return (await listMounts(host))
    .filter(holds)
    .reduce<Mount | null>(
      (best, mount) => (best === null || mount.at.length >= best.at.length ? mount : best),
      null,
    );
}

async function ownerLacks(host: Host, { paths }: Appliance): Promise<Lack[]> {
  const mount = await mountOf(host, paths.data);
  if (mount === null || !WITHOUT_OWNERS.includes(mount.type)) return [];
  return [
    {
      code: 'HOST_UNFIT',
      message: `main.data_path ${paths.data} is on a ${mount.type} file system (${mount.at}), which does not store file owners`,
      hint: 'format the disk with ext4 or f2fs, or: mailctl set main.data_path <folder on such a disk>',
    },
  ];
}

/** OpenWrt's root is an overlay that sysupgrade erases. */
async function overlayLacks(host: Host, { paths }: Appliance): Promise<Lack[]> {
  const mount = await mountOf(host, paths.data);
  if (mount?.type !== 'overlay' || mount.at !== '/') return [];
  return [
    {
      code: 'HOST_UNFIT',
      message: `main.data_path ${paths.data} is on the root overlay, which sysupgrade erases with all mail`,
      hint: 'mailctl set main.data_path /mnt/<disk>/mailserver   (README: a data disk); or repeat with --on-root',
    },
  ];
}

// the installed image and its successor during an upgrade
const IMAGE_BYTES = 2 * 60_000_000;
// rendered configuration, learned state, log, and some mail
const DATA_BYTES = 100_000_000;

async function freeBytes(host: Host, path: string): Promise<number | null> {
  const mount = await mountOf(host, path);
  return mount === null ? null : (await host.files.space(mount.at)).free;
}

async function spaceLacks(host: Host, { paths }: Appliance): Promise<Lack[]> {
  const places = [
    { path: paths.images, bytes: IMAGE_BYTES, what: 'the image and its upgrade' },
    { path: paths.data, bytes: DATA_BYTES, what: 'the mail data' },
  ];
  const lacks: Lack[] = [];
  for (const { path, bytes, what } of places) {
    const free = await freeBytes(host, path);
    if (free === null || free >= bytes) continue;
    const [has, needs] = [free, bytes].map((size) => Math.floor(size / 1e6));
    lacks.push({
      code: 'HOST_UNFIT',
      message: `${path} has ${has} MB free; ${what} need ${needs} MB`,
      hint: `df -h ${path}`,
    });
  }
  return lacks;
}

async function memoryLacks(host: Host, { settings }: Appliance): Promise<Lack[]> {
  const kilobytes = /^MemTotal: +(\d+) kB/m.exec(
    (await host.files.read('/proc/meminfo')) ?? '',
  )?.[1];
  if (kilobytes === undefined) return [];
  const machine = Number(kilobytes) * 1024;
  const { memory } = settings.main;
  if (memory <= machine) return [];
  const [limit, total] = [memory, machine].map((size) => Math.floor(size / 2 ** 20));
  return [
    {
      code: 'HOST_UNFIT',
      message: `main.memory is ${limit} MB, and this machine has only ${total} MB`,
      hint: `mailctl set main.memory ${Math.max(128, Math.floor((total ?? 0) * 0.6))}M`,
    },
  ];
}

/**
 * @param fresh true before the first install, when main.data_path can still be changed
 * @param onRoot accept data on the root overlay, which sysupgrade erases
 */
export async function dataLacks(
  host: Host,
  appliance: Appliance,
  { fresh, onRoot }: { fresh: boolean; onRoot: boolean },
): Promise<Lack[]> {
  return [
    ...(await ownerLacks(host, appliance)),
    ...(fresh && !onRoot ? await overlayLacks(host, appliance) : []),
    ...(fresh ? await spaceLacks(host, appliance) : []),
    ...(await memoryLacks(host, appliance)),
  ];
}
