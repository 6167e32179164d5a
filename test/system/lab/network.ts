// Builds and removes the hosts: a router with a line to the outside world and one to a client on its LAN.

import { rm } from 'node:fs/promises';
import {
  type HostName,
  NETWORK,
  namespaceOf,
  PREFIX,
  RUN_DIRECTORY,
  WORK_DIRECTORY,
} from './plan.ts';
import { must, run } from './programs.ts';

const HOSTS: HostName[] = ['router', 'wan', 'lan'];

/** Removes the remains of a lab with this prefix, also after a crash. Idempotent. */
export async function labDown(): Promise<void> {
  for (const host of HOSTS) await removeHost(namespaceOf(host));
  await removeCgroups();
  await rm(RUN_DIRECTORY, { recursive: true, force: true });
  await rm(WORK_DIRECTORY, { recursive: true, force: true });
}

/** Creates the three hosts and the links between them; each reaches only its neighbour. */
export async function networkUp(): Promise<void> {
  for (const host of HOSTS) {
    await must(['ip', 'netns', 'add', namespaceOf(host)]);
    await ip(host, 'link set lo up');
  }
  await connect('router', 'wan0', 'wan', 'line');
  await connect('router', 'lan0', 'lan', 'eth0');
  await addressRouter();
  await addressOutsideWorld();
  await ip('lan', `addr add ${NETWORK.lan.address}/24 dev eth0`);
  await ip('lan', `addr add ${NETWORK.lan.address6}/64 dev eth0 nodad`);
  await ip('lan', `route add default via ${NETWORK.router.lan}`);
  await ip('lan', `route add default via ${NETWORK.router.lan6}`);
}

/** The argument vector that runs a program in the network namespace of a host. */
export function onHost(host: HostName, argv: string[]): string[] {
  return ['nsenter', `--net=/run/netns/${namespaceOf(host)}`, '--', ...argv];
}

async function ip(host: HostName, words: string): Promise<void> {
  await must(['ip', '-n', namespaceOf(host), ...words.split(' ')]);
}

async function connect(left: HostName, leftName: string, right: HostName, rightName: string) {
  const peer = ['peer', 'name', rightName, 'netns', namespaceOf(right)];
  const link = ['ip', 'link', 'add', leftName, 'netns', namespaceOf(left), 'type', 'veth', ...peer];
  await must(link);
  await ip(left, `link set ${leftName} up`);
  await ip(right, `link set ${rightName} up`);
}

async function addressRouter(): Promise<void> {
  await ip('router', `addr add ${NETWORK.router.wan}/24 dev wan0`);
  await ip('router', `addr add ${NETWORK.router.wan6}/64 dev wan0 nodad`);
  await ip('router', `addr add ${NETWORK.router.lan}/24 dev lan0`);
  await ip('router', `addr add ${NETWORK.router.lan6}/64 dev lan0 nodad`);
  await ip('router', `route add default via ${NETWORK.wan.address}`);
  await ip('router', `route add default via ${NETWORK.wan.address6}`);
}

async function addressOutsideWorld(): Promise<void> {
  await ip('wan', `addr add ${NETWORK.wan.address}/24 dev line`);
  await ip('wan', `addr add ${NETWORK.wan.address6}/64 dev line nodad`);
  for (const network of NETWORK.strangers) await ip('wan', `route add local ${network} dev lo`);
  await ip('wan', `route add local ${NETWORK.strangers6} dev lo`);
  await ip('wan', `addr add ${NETWORK.dns}/32 dev lo`);
  await must(onHost('wan', ['sh', '-c', 'echo 1 > /proc/sys/net/ipv6/ip_nonlocal_bind']));
}

async function removeHost(namespace: string): Promise<void> {
  const { status, stdout } = await run(['ip', 'netns', 'pids', namespace]);
  if (status !== 0) return;
  const pids = stdout.split('\n').filter(Boolean);
  if (pids.length > 0) await run(['kill', '-9', ...pids]);
  await must(['ip', 'netns', 'del', namespace]);
}

// A killed container leaves empty control groups behind
async function removeCgroups(): Promise<void> {
  const names = ['payload', 'monitor', 'pivot'].flatMap((kind) => [
    '-o',
    '-name',
    `lxc.${kind}.${PREFIX}*`,
  ]);
  const found = ['find', '/sys/fs/cgroup', '-depth', '-type', 'd', '(', ...names.slice(1), ')'];
  await run([...found, '-exec', 'rmdir', '{}', ';']);
}
