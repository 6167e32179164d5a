// The LXC configuration of the container: unprivileged, read-only root, only its data folders writable, the
// fewest capabilities, memory and process limits. Pure.

import type { BoundFolder } from '../appliance.ts';
import { ID_RANGE } from '../ids.ts';
import type { Paths } from '../paths.ts';
import type { Settings } from '../settings/settings.ts';
import type { DesiredNetwork } from './network.ts';

/** The host's cgroup controllers for the container's limits. */
export interface CgroupFacts {
  readonly version: 1 | 2;
  readonly memory: boolean;
  readonly pids: boolean;
}

export interface ContainerInput {
  readonly settings: Settings;
  readonly paths: Paths;
  readonly network: DesiredNetwork;
  readonly cgroup: CgroupFacts;
  /** Path of the seccomp profile on the host. */
  readonly seccomp: string;
  /** Absent for the mail container. */
  readonly folders?: readonly BoundFolder[] | undefined;
}

type Line = readonly [key: string, value: string];

// What the daemons need to switch to their own users, own their files and listen on ports below 1024.
const CAPABILITIES = [
  'chown',
  'dac_override',
  'fowner',
  'setuid',
  'setgid',
  'kill',
  'net_bind_service',
  'sys_chroot',
];

function identity({ settings, paths }: ContainerInput): Line[] {
  const { hostname, idmapBase } = settings.main;
  return [
    ['lxc.uts.name', hostname],
    ['lxc.rootfs.path', `dir:${paths.rootfs}`],
    // overlayfs does not support idmapped mounts; squashfs does since Linux 6.2
    ['lxc.rootfs.options', 'ro,idmap=container'],
    ['lxc.idmap', `u 0 ${idmapBase} ${ID_RANGE}`],
    ['lxc.idmap', `g 0 ${idmapBase} ${ID_RANGE}`],
    ['lxc.init.cmd', '/etc/s6/init'],
    ['lxc.signal.halt', 'SIGTERM'],
    ['lxc.tty.max', '0'],
    ['lxc.console.path', 'none'],
  ];
}

function confinement({ settings, cgroup, seccomp }: ContainerInput): Line[] {
  const { memory, processes } = settings.main;
  // fail2ban writes to the container's nftables; the other daemons do not configure the network
  const capabilities = settings.features.fail2ban ? [...CAPABILITIES, 'net_admin'] : CAPABILITIES;
  const group = cgroup.version === 2 ? 'lxc.cgroup2' : 'lxc.cgroup';
  const limit = cgroup.version === 2 ? 'memory.max' : 'memory.limit_in_bytes';
  const lines: Line[] = [
    ['lxc.cap.keep', capabilities.join(' ')],
    ['lxc.seccomp.profile', seccomp],
  ];
  if (cgroup.memory) lines.push([`${group}.${limit}`, String(memory)]);
  // without the pids controller: a limit per user, which is weaker than one for the container
  lines.push(
    cgroup.pids
      ? [`${group}.pids.max`, String(processes)]
      : ['lxc.prlimit.nproc', String(processes)],
  );
  return lines;
}

const ACCESS = {
  // without noexec: the generation contains service scripts
  execute: 'ro,nosuid,nodev',
  read: 'ro,nosuid,nodev,noexec',
  write: 'rw,nosuid,nodev,noexec',
} as const;

function bind({ from, to, access }: BoundFolder): Line {
  // /run is a new tmpfs at every start
  const create = to.startsWith('run/') ? ',create=dir' : '';
  return [
    'lxc.mount.entry',
    `${escapeSpaces(from)} ${to} none bind,${ACCESS[access]}${create} 0 0`,
  ];
}

/** The escapes of fstab(5), which LXC reads with getmntent. */
function escapeSpaces(path: string): string {
  return path.replaceAll('\\', '\\134').replaceAll(' ', '\\040').replaceAll('\t', '\\011');
}

function tmpfs(to: string, options: string): Line {
  return ['lxc.mount.entry', `tmpfs ${to} tmpfs rw,nosuid,nodev,${options} 0 0`];
}

const DATA_FLAGS = 'nosuid,nodev,noexec';

/** The folders of the mail container. */
function mailFolders(paths: Paths): BoundFolder[] {
  const folder = (from: string, to: string, access: BoundFolder['access']) => ({
    from,
    to,
    access,
  });
  return [
    folder(paths.rendered, 'config', 'execute'),
    folder(paths.directory, 'srv/directory', 'read'),
    folder(paths.ssl, 'etc/ssl/mail', 'read'),
    folder(paths.dkim, 'etc/dkimkeys', 'read'),
    folder(paths.custom, 'custom', 'read'),
    folder(paths.mail, 'srv/mail', 'write'),
    folder(paths.queue, 'var/spool/postfix', 'write'),
    folder(paths.state, 'var/lib/mailserver', 'write'),
    folder(paths.log, 'var/log/mail', 'write'),
  ];
}

/**
 * LXC 5 and 6 bind a writable folder without these flags, and ignore `remount` (parse_vfs_attr and mount_entry
 * in src/lxc/conf.c). The hook runs before the container's first program; when it fails, LXC does not start it.
 */
function restrictData(all: readonly BoundFolder[]): string {
  const written = all.filter(({ access }) => access === 'write');
  const folders = written.map(({ to }) => to).join(' ');
  const mount = `mount -o remount,bind,${DATA_FLAGS} none "$LXC_ROOTFS_MOUNT/$folder"`;
  return `for folder in ${folders}; do ${mount}; done`;
}

/**
 * Router advertisements would add a second source address for outbound mail, without a PTR record and dropped by
 * the veth filter. lxc.sysctl runs too late: /proc/sys is read-only by then.
 */
function refuseAdvertisements(): string {
  const key = '/proc/sys/net/ipv6/conf/eth0/accept_ra';
  return `if [ -e ${key} ]; then echo 0 >${key}; fi`;
}

function mountHook(folders: readonly BoundFolder[]): Line {
  const steps = [
    'set -e',
    'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
    restrictData(folders),
    refuseAdvertisements(),
  ];
  return ['lxc.hook.mount', `/bin/sh -c '${steps.join('; ')}'`];
}

function mounts({ paths, folders = mailFolders(paths) }: ContainerInput): Line[] {
  return [
    ['lxc.mount.auto', 'proc:mixed sys:ro'],
    ['lxc.autodev', '1'],
    ['lxc.autodev.tmpfs.size', '65536'],
    // without noexec: /run contains the service scripts
    tmpfs('run', 'mode=0755,size=32m'),
    tmpfs('tmp', 'noexec,mode=1777,size=64m'),
    tmpfs('var/tmp', 'noexec,mode=1777,size=64m'),
    ...folders.map(bind),
    mountHook(folders),
  ];
}

function networking({ network }: ContainerInput): Line[] {
  const { veth } = network;
  const lines: Line[] = [
    // no lxc.net.0.link: mailctl attaches the veth to the bridge after it has loaded the filter
    ['lxc.net.0.type', 'veth'],
    ['lxc.net.0.veth.pair', veth.name],
    ['lxc.net.0.hwaddr', veth.mac],
    ['lxc.net.0.name', 'eth0'],
    ['lxc.net.0.flags', 'up'],
    ...(network.mtu === null ? [] : [['lxc.net.0.mtu', String(network.mtu)] as const]),
    ['lxc.net.0.ipv4.address', network.address],
    ['lxc.net.0.ipv4.gateway', network.gateway],
  ];
  if (network.address6 !== null && network.gateway6 !== null) {
    lines.push(['lxc.net.0.ipv6.address', network.address6]);
    lines.push(['lxc.net.0.ipv6.gateway', network.gateway6]);
  }
  return lines;
}

/** The text of the container's `config` file. */
export function renderLxcConfig(input: ContainerInput): string {
  const lines = [
    ...identity(input),
    ...confinement(input),
    ...mounts(input),
    ...networking(input),
  ].map(([key, value]) => `${key} = ${value}`);
  return `# Written by mailctl; changes here are lost. Options: /etc/config/mailserver\n${lines.join('\n')}\n`;
}
