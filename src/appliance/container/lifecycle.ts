// Starts and stops the appliance: network, image, container. Each step checks the present state first, so
// that an interrupted command can be repeated.

import { join } from 'node:path';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { isRunning, startContainer, stopContainer } from '../../host/lxc.ts';
import { mountImage, queryMountedImage, unmountImage } from '../../host/mounts.ts';
import type { Appliance } from '../appliance.ts';
import type { Paths } from '../paths.ts';
import { containerRef } from './container.ts';
import type { HostPart } from './host-part.ts';
import { applyNetwork, removeNetwork } from './network-apply.ts';
import { madeBridges, recordParts } from './network-former.ts';
import { attachVeth, removeVeth } from './veth-apply.ts';

const STOP_TIMEOUT_S = 10;

async function replaceIfChanged(host: Host, path: string, text: string): Promise<void> {
  if ((await host.files.read(path)) !== text) await host.files.replace(path, text, { mode: 0o644 });
}

async function writeContainer(host: Host, paths: Paths, part: HostPart): Promise<void> {
  await host.files.makeDirectory(paths.container, { mode: 0o755 });
  await replaceIfChanged(host, join(paths.container, 'seccomp'), part.seccomp);
  await replaceIfChanged(host, paths.lxcConfig, part.lxcConfig);
}

async function ensureMounted(host: Host, paths: Paths, part: HostPart): Promise<void> {
  const image = join(paths.images, part.image, 'image.squashfs');
  const mounted = await queryMountedImage(host, paths.rootfs);
  if (mounted === (await host.files.realPath(image))) return;
  if ((await host.files.stat(image)) === null) {
    throw new MailctlError('NOT_INSTALLED', `the image ${image} is missing`, {
      hint: 'mailctl install',
    });
  }
  await unmountImage(host, paths.rootfs);
  await mountImage(host, image, paths.rootfs);
}

/** Starts the container with this host part; false when it was already running. */
export async function bringUp(host: Host, target: Appliance, part: HostPart): Promise<boolean> {
  const { paths } = target;
  await host.files.makeDirectory(paths.run, { mode: 0o755 });
  const container = containerRef(target);
  if (await isRunning(host, container)) return false;
  const network = { container: container.name, plan: part.network };
  await recordParts(host, paths, part.network);
  await applyNetwork(host, paths, network);
  await writeContainer(host, paths, part);
  await ensureMounted(host, paths, part);
  await removeVeth(host, part.network);
  await startContainer(host, container);
  await attachVeth(host, paths, network);
  return true;
}

/**
 * Stops the container and unmounts its image; the network stays.
 * @param timeout seconds for the daemons to stop before they are killed
 */
export async function stopRunning(
  host: Host,
  target: Appliance,
  timeout = STOP_TIMEOUT_S,
): Promise<void> {
  await stopContainer(host, containerRef(target), timeout);
  await unmountImage(host, target.paths.rootfs);
}

/** Stops the container and removes its mount, interface, rules and run folder. */
export async function takeDown(host: Host, target: Appliance, timeout?: number): Promise<void> {
  const { main, network } = target.settings;
  await stopRunning(host, target, timeout);
  const bridges = [...new Set([network.bridge, ...(await madeBridges(host, target.paths))])];
  await removeNetwork(host, target.paths, { container: main.container, bridges });
  await host.files.removeTree(target.paths.run);
}
