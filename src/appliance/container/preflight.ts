// What this host must have before a container can run; every lack is reported at once, with its remedy.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { isRunning } from '../../host/lxc.ts';
import type { Appliance } from '../appliance.ts';
import type { Settings } from '../settings/settings.ts';
import { containerRef } from './container.ts';
import { type Listener, listenersOn } from './listeners.ts';
import type { NetworkPlan } from './network.ts';
import { desiredNetwork, queryBridge, queryTable } from './network-apply.ts';

interface Lack {
  readonly code: 'HOST_UNFIT' | 'PORT_TAKEN';
  readonly message: string;
  readonly hint: string;
}

/** Program → package on Debian and on OpenWrt. */
const PROGRAMS: readonly (readonly [program: string, debian: string, openwrt: string])[] = [
  ['lxc-start', 'lxc', 'lxc-start'],
  ['lxc-stop', 'lxc', 'lxc-stop'],
  ['lxc-info', 'lxc', 'lxc-info'],
  ['lxc-attach', 'lxc', 'lxc-attach'],
  ['ip', 'iproute2', 'ip-full'],
  ['mount', 'mount', 'mount-utils'],
  ['losetup', 'mount', 'losetup'],
];

// squashfs can be id-mapped from this version on (torvalds/linux, fs/squashfs: FS_ALLOW_IDMAP)
const KERNEL_MAJOR = 6;
const KERNEL_MINOR = 2;

export async function isOpenWrt(host: Host): Promise<boolean> {
  return (await host.files.stat('/etc/openwrt_release')) !== null;
}

async function missingPrograms(host: Host, publishes: boolean): Promise<Lack[]> {
  const wanted = publishes ? [...PROGRAMS, ['nft', 'nftables', 'nftables'] as const] : PROGRAMS;
  const missing = wanted.filter(([program]) => !host.programs.exists(program));
  if (missing.length === 0) return [];
  const openWrt = await isOpenWrt(host);
  const packages = [...new Set(missing.map(([, debian, router]) => (openWrt ? router : debian)))];
  const install = openWrt ? 'opkg update && opkg install' : 'apt-get install';
  return [
    {
      code: 'HOST_UNFIT',
      message: `these programs are missing: ${missing.map(([program]) => program).join(', ')}`,
      hint: `${install} ${packages.join(' ')}`,
    },
  ];
}

async function kernelLacks(host: Host): Promise<Lack[]> {
  const release = (await host.files.read('/proc/sys/kernel/osrelease'))?.trim() ?? '';
  const [major = 0, minor = 0] = release.split('.').map(Number);
  if (major > KERNEL_MAJOR || (major === KERNEL_MAJOR && minor >= KERNEL_MINOR)) return [];
  return [
    {
      code: 'HOST_UNFIT',
      message: `the kernel is ${release}; an unprivileged container on a read-only image needs ${KERNEL_MAJOR}.${KERNEL_MINOR} or newer`,
      hint: 'upgrade to OpenWrt 24.10 or Debian 13 (Debian 12: apt-get install -t bookworm-backports linux-image-amd64)',
    },
  ];
}

async function fileSystemLacks(host: Host): Promise<Lack[]> {
  const known = async () => (await host.files.read('/proc/filesystems')) ?? '';
  if ((await known()).includes('\tsquashfs')) return [];
  // as a module it is only listed once it is loaded
  if (host.programs.exists('modprobe')) {
    await host.programs.run(['modprobe', 'squashfs'], { accept: [1] });
  }
  if ((await known()).includes('\tsquashfs')) return [];
  return [
    {
      code: 'HOST_UNFIT',
      message: 'this kernel cannot mount squashfs images',
      hint: (await isOpenWrt(host))
        ? 'opkg update && opkg install kmod-fs-squashfs kmod-loop'
        : 'modprobe squashfs',
    },
  ];
}

async function bridgeLacks(host: Host, settings: Settings): Promise<Lack[]> {
  const { bridge } = settings.network;
  if (!(await isOpenWrt(host)) || (await queryBridge(host, bridge)).exists) return [];
  return [
    {
      code: 'HOST_UNFIT',
      message: `the bridge ${bridge} (network.bridge) does not exist on this router`,
      hint: 'uci show network | grep bridge, then: uci set mailserver.network.bridge=<name>',
    },
  ];
}

/** Listeners of this host on a port that the appliance is to publish, where both would answer. */
export function takenPorts(listeners: readonly Listener[], network: NetworkPlan): Listener[] {
  if (!network.makeBridge || network.publish.length === 0) return [];
  return listeners
    .filter(({ port, loopback }) => network.ports.includes(port) && !loopback)
    .filter((one, index, all) => all.findIndex((other) => other.port === one.port) === index);
}

async function portLacks(host: Host, target: Appliance): Promise<Lack[]> {
  const { container } = target.settings.main;
  const published = (await queryTable(host, container)) !== null;
  if (published || (await isRunning(host, containerRef(target)))) return [];
  const network = await desiredNetwork(host, target.settings);
  return takenPorts(await listenersOn(host, network.ports), network).map(({ port, program }) => ({
    code: 'PORT_TAKEN',
    message: `port ${port} of this host is taken by ${program ?? 'another program'}`,
    hint: `stop it (ss -ltnp 'sport = :${port}'), or move the port: uci set mailserver.ports.<name>=<port>`,
  }));
}

/** Throws HOST_UNFIT (or PORT_TAKEN) that lists everything this host lacks. */
export async function checkHost(host: Host, target: Appliance): Promise<void> {
  const lacks = [
    ...(await missingPrograms(host, target.settings.network.publish.length > 0)),
    ...(await kernelLacks(host)),
    ...(await fileSystemLacks(host)),
    ...(await bridgeLacks(host, target.settings)),
  ];
  if (lacks.length === 0) lacks.push(...(await portLacks(host, target)));
  const [first, ...others] = lacks;
  if (first === undefined) return;
  const rest = others.map(({ message, hint }) => `\n  ${message} (${hint})`).join('');
  throw new MailctlError(first.code, `${first.message}${rest}`, { hint: first.hint });
}
