// Converges the web container to UCI: files, certificate, start or reload, a probe, and the way back to the last good
// generation when the probe fails. The mail container is never touched.

import { dirname } from 'node:path';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { bareAddress } from '../../host/ip.ts';
import { isRunning } from '../../host/lxc.ts';
import type { Appliance } from '../appliance.ts';
import { type Change, effectsOf, planGeneration } from '../apply/changes.ts';
import {
  acceptGeneration,
  type Generation,
  generationHere,
  switchTo,
  writeGeneration,
} from '../apply/generation.ts';
import { findRepairs, repairNetwork } from '../apply/network-repair.ts';
import { takeUp } from '../apply/take-up.ts';
import { containerRef } from '../container/container.ts';
import { type DataDirectory, ensureDataDirectories } from '../container/data-folders.ts';
import { requireFreeAddresses } from '../container/free-address.ts';
import { currentImage, forgetOtherImages, type Image, useImage } from '../container/image.ts';
import { hasVeth } from '../container/veth-apply.ts';
import { ids } from '../ids.ts';
import { readLog } from '../mail/logs.ts';
import { readProbePassword } from '../probe/secret.ts';
import { webFiles } from '../render/web.ts';
import { type CertificatePair, fingerprintOf } from '../tls/certificate.ts';
import { desiredWeb, findWebContainer } from './desired.ts';
import { installWebPair, mailPair, planTrust, type Trust } from './pair.ts';
import { probeWeb, webPlace } from './probe.ts';
import { ensureSessionKey } from './secret.ts';
import type { WebContainer } from './web-container.ts';

export interface WebConvergence {
  readonly changes: readonly Change[];
  readonly started: boolean;
}

function folders({ paths }: WebContainer): DataDirectory[] {
  const root = ids.root.uid;
  return [
    { path: paths.data, mode: 0o755, owner: null },
    { path: paths.rendered, mode: 0o755, owner: null },
    { path: paths.ssl, mode: 0o755, owner: null },
    { path: paths.state, mode: 0o755, owner: root },
    { path: paths.log, mode: 0o750, owner: ids.log.uid },
  ];
}

interface Input {
  readonly web: WebContainer;
  readonly pair: CertificatePair;
  readonly trust: Trust;
  /** Of the internal account. */
  readonly password: string;
}

async function readInput(host: Host, target: Appliance): Promise<Input> {
  const web = await findWebContainer(host, target);
  const pair = await mailPair(host, target);
  const password = await readProbePassword(host, target.paths);
  return { web, pair, password, trust: await planTrust(host, target, pair) };
}

const PROBE_TIMEOUT_MS = 30_000;

async function requireProbe(
  host: Host,
  { web, pair, password }: Input,
  { host: part }: Generation,
) {
  const place = webPlace(web.settings, {
    address: bareAddress(part.network.address),
    fingerprint: fingerprintOf(pair.chain[0]),
    password,
  });
  await probeWeb(host, place, PROBE_TIMEOUT_MS);
}

/** Makes the container use the generation, and proves it. */
async function use(
  host: Host,
  input: Input,
  step: { generation: Generation; changes: readonly Change[] },
): Promise<boolean> {
  const { web } = input;
  const { generation, changes } = step;
  const effects = effectsOf(changes);
  const started = await takeUp(host, web, { generation, effects, start: true });
  const { network } = generation.host;
  if ((await findRepairs(host, web, network)).length > 0) await repairNetwork(host, web, network);
  await requireProbe(host, input, generation);
  return started;
}

const LAST_LINES = 5;

/** Throws PROBE_FAILED with the cause, after the last good generation is in use again. */
async function goBack(
  host: Host,
  input: Input,
  step: { failed: Generation; good: Generation | null; cause: unknown },
): Promise<never> {
  const { paths } = input.web;
  const { failed, good, cause } = step;
  if (!(cause instanceof MailctlError)) throw cause;
  const hint = 'mailctl webmail status';
  const { lines } = await readLog(host, paths, { count: LAST_LINES });
  for (const { text } of lines) host.say(`its log says: ${text}`);
  if (good === null || good.name === failed.name) {
    throw new MailctlError('PROBE_FAILED', `webmail does not work: ${cause.message}`, {
      hint,
      cause,
    });
  }
  await switchTo(host, paths, good.name);
  await useImage(host, paths, good.host.image);
  await use(host, input, { generation: good, changes: planGeneration(failed, good, webFiles) });
  const message = `webmail rolled back to its last good configuration: ${cause.message}`;
  throw new MailctlError('PROBE_FAILED', message, { hint, cause });
}

/**
 * LXC mounts it as the container's root, who passes through the folder above as its owner. The group of that folder, and
 * the owner of this one, are those that `mailctl web` needs.
 */
async function ensureSocketFolder(host: Host, path: string, root: number): Promise<void> {
  const above = dirname(path);
  const gid = (await host.files.stat(above))?.gid ?? 0;
  await host.files.makeDirectory(above, { mode: 0o710, owner: { uid: root, gid } });
  if ((await host.files.stat(path)) === null) await host.files.makeDirectory(path, { mode: 0o711 });
}

/** Throws HOST_UNFIT, CERTIFICATE_INVALID, PROBE_FAILED. */
export async function convergeWeb(
  host: Host,
  target: Appliance,
  image: Image,
): Promise<WebConvergence> {
  const input = await readInput(host, target);
  const { web } = input;
  const { paths } = web;
  await ensureDataDirectories(host, web, folders(web));
  await ensureSocketFolder(host, target.paths.webFront, web.settings.main.idmapBase);
  await ensureSessionKey(host, paths);
  await installWebPair(host, web, input);
  await useImage(host, paths, image.sha256);
  const desired = await desiredWeb(host, target, { ...input, image: image.sha256 });
  const running = await isRunning(host, containerRef(web));
  if (!running && hasVeth(desired.host.network)) {
    await requireFreeAddresses(host, web, desired.host.network);
  }
  const present = await generationHere(host, web, 'current');
  const good = await generationHere(host, web, 'good');
  const changes = planGeneration(present, desired, webFiles);
  const unchanged = present !== null && changes.length === 0;
  if (unchanged && running && good?.name === present.name) {
    const { network } = present.host;
    if ((await findRepairs(host, web, network)).length === 0) return { changes, started: false };
  }
  const generation = unchanged ? present : await writeGeneration(host, paths, desired);
  if (!unchanged) await switchTo(host, paths, generation.name);
  // a run that was interrupted after the switch may have left daemons on the old or the new configuration
  const all = [...changes, ...planGeneration(good, desired, webFiles)];
  try {
    const started = await use(host, input, { generation, changes: all });
    await acceptGeneration(host, paths, generation.name);
    await forgetOtherImages(host, paths, image.sha256);
    return { changes, started };
  } catch (cause) {
    return goBack(host, input, { failed: generation, good, cause });
  }
}

/** What `apply` would change in the web container; nothing where it is not installed. */
export async function planWeb(host: Host, target: Appliance): Promise<Change[]> {
  if (!target.settings.web.enabled) return [];
  const { paths } = await findWebContainer(host, target);
  const image = await currentImage(host, paths);
  return image === null ? [] : planWebImage(host, target, image.sha256);
}

/** What the web container would get with this image. */
export async function planWebImage(
  host: Host,
  target: Appliance,
  image: string,
): Promise<Change[]> {
  const input = await readInput(host, target);
  const desired = await desiredWeb(host, target, { ...input, image });
  const present = await generationHere(host, input.web, 'current');
  return planGeneration(present, desired, webFiles);
}
