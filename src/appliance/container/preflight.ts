// The host's requirements for running the container. All unmet ones are reported at once, each with its fix.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { isRunning } from '../../host/lxc.ts';
import { installCommand } from '../../host/package-manager.ts';
import type { Appliance } from '../appliance.ts';
import type { Settings } from '../settings/settings.ts';
import { desiredNetwork } from './bridge.ts';
import { containerRef } from './container.ts';
import type { Lack } from './lack.ts';
import { type Listener, listenersOn } from './listeners.ts';
import { type NetworkPlan, tableName } from './network.ts';
import { queryBridge, queryVlans } from './network-apply.ts';
import { listTable } from './nft-tables.ts';
import { dataLacks } from './preflight-data.ts';
import { type BridgeVlans, vlanLack } from './vlan.ts';

type Requirement = readonly [program: string, debian: string, openwrt: string];

/** Program → package on Debian and on OpenWrt. */
const PROGRAMS: readonly Requirement[] = [
  ['lxc-start', 'lxc', 'lxc-start'],
  ['lxc-stop', 'lxc', 'lxc-stop'],
  ['lxc-info', 'lxc', 'lxc-info'],
  ['lxc-attach', 'lxc', 'lxc-attach'],
  ['ip', 'iproute2', 'ip-full'],
  ['mount', 'mount', 'mount-utils'],
];
const NFT: Requirement = ['nft', 'nftables', 'nftables'];
const BRIDGE: Requirement = ['bridge', 'iproute2', 'ip-bridge'];

// squashfs supports idmapped mounts since this version (torvalds/linux, fs/squashfs: FS_ALLOW_IDMAP)
const KERNEL_MAJOR = 6;
const KERNEL_MINOR = 2;

export async function isOpenWrt(host: Host): Promise<boolean> {
  return (await host.files.stat('/etc/openwrt_release')) !== null;
}

async function missingPrograms(
  host: Host,
  { network }: Settings,
  vlans: BridgeVlans | null,
): Promise<Lack[]> {
  const wanted = [
    ...PROGRAMS,
    ...(network.publish.length > 0 ? [NFT] : []),
    ...(vlans !== null ? [BRIDGE] : []),
  ];
  const missing = wanted.filter(([program]) => !host.programs.exists(program));
  if (missing.length === 0) return [];
  const names = (at: 1 | 2) => [...new Set(missing.map((row) => row[at]))].join(' ');
  return [
    {
      code: 'HOST_UNFIT',
      message: `missing programs: ${missing.map(([program]) => program).join(', ')}`,
      hint: installCommand(host, { debian: names(1), openwrt: names(2) }),
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
      message: `the kernel is ${release}; idmapped squashfs mounts need ${KERNEL_MAJOR}.${KERNEL_MINOR} or newer`,
      hint: 'upgrade to OpenWrt 24.10 or Debian 13 (Debian 12: apt-get install -t bookworm-backports linux-image-amd64)',
    },
  ];
}

async function fileSystemLacks(host: Host): Promise<Lack[]> {
  const known = async () => (await host.files.read('/proc/filesystems')) ?? '';
  if ((await known()).includes('\tsquashfs')) return [];
  // a module is listed only after it is loaded
  if (host.programs.exists('modprobe')) {
    await host.programs.run(['modprobe', 'squashfs'], { accept: [1] });
  }
  if ((await known()).includes('\tsquashfs')) return [];
  return [
    {
      code: 'HOST_UNFIT',
      message: 'this kernel cannot mount squashfs images',
      hint: (await isOpenWrt(host))
        ? installCommand(host, {
            debian: 'linux-image-amd64',
            openwrt: 'kmod-fs-squashfs kmod-loop',
          })
        : 'modprobe squashfs',
    },
  ];
}

/** A router's bridge is netifd's: mailctl creates none there. */
export async function bridgeLacks(host: Host, settings: Settings): Promise<Lack[]> {
  const { bridge } = settings.network;
  if (!(await isOpenWrt(host)) || (await queryBridge(host, bridge)).exists) {
    const lack = vlanLack(settings, await queryVlans(host, bridge));
    return lack === null ? [] : [lack];
  }
  return [
    {
      code: 'HOST_UNFIT',
      message: `the bridge ${bridge} (network.bridge) does not exist on this router`,
      hint: 'uci show network | grep bridge, then: mailctl set network.bridge <name>',
    },
  ];
}

/** Listeners of this host on the ports to publish, which conflict with the container's. */
function takenPorts(listeners: readonly Listener[], network: NetworkPlan): Listener[] {
  if (!network.makeBridge || network.publish.length === 0) return [];
  return listeners
    .filter(({ port, loopback }) => network.ports.includes(port) && !loopback)
    .filter((one, index, all) => all.findIndex((other) => other.port === one.port) === index);
}

async function portLacks(host: Host, target: Appliance): Promise<Lack[]> {
  const name = tableName(target.settings.main.container);
  const published = (await listTable(host, { family: 'inet', name })) !== null;
  if (published || (await isRunning(host, containerRef(target)))) return [];
  const network = await desiredNetwork(host, target);
  return takenPorts(await listenersOn(host, network.ports), network).map(({ port, program }) => ({
    code: 'PORT_TAKEN',
    message: `port ${port} of this host is in use by ${program ?? 'another program'}`,
    hint: 'stop that program, or move the port: mailctl set ports.<name> <port>',
  }));
}

interface Leniency {
  /** Accept data on the root overlay, which sysupgrade erases. */
  readonly onRoot?: boolean;
}

/** All unmet requirements of this host. */
export async function findLacks(
  host: Host,
  target: Appliance,
  { onRoot = false }: Leniency = {},
): Promise<Lack[]> {
  // a copied data folder is new on this host
  const fresh = (await host.files.stat(target.paths.lxcConfig)) === null;
  const { settings } = target;
  const vlans = await queryVlans(host, settings.network.bridge);
  const lacks = [
    ...(await missingPrograms(host, settings, vlans)),
    ...(await kernelLacks(host)),
    ...(await fileSystemLacks(host)),
    ...(await bridgeLacks(host, settings)),
    ...(await dataLacks(host, target, { fresh, onRoot })),
  ];
  return lacks.length > 0 ? lacks : portLacks(host, target);
}

/** Throws HOST_UNFIT (or PORT_TAKEN) with all unmet requirements. */
export async function checkHost(host: Host, target: Appliance, lenient?: Leniency): Promise<void> {
  const [first, ...others] = await findLacks(host, target, lenient);
  if (first === undefined) return;
  const rest = others.map(({ message, hint }) => `\n  ${message} (${hint})`).join('');
  throw new MailctlError(first.code, `${first.message}${rest}`, { hint: first.hint });
}
