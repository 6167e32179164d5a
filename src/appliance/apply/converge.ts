// Converges the appliance to UCI: render, switch, reload only the changed daemons, probe, and roll back to
// the last good generation when a probe fails.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { isRunning } from '../../host/lxc.ts';
import type { Appliance } from '../appliance.ts';
import { desiredNetwork } from '../container/bridge.ts';
import { containerRef } from '../container/container.ts';
import { dataLack, ensureDataDirectories } from '../container/data-folders.ts';
import { requireFreeAddresses } from '../container/free-address.ts';
import { currentImage, forgetOtherImages, type Image, useImage } from '../container/image.ts';
import { forgetReload } from '../dkim/key-files.ts';
import { readLog } from '../mail/logs.ts';
import type { Paths } from '../paths.ts';
import { type ProbeResult, probeAppliance } from '../probe/probe.ts';
import { adoptData } from './adopt.ts';
import { noteApplied } from './applied.ts';
import { type Change, effectsOf, planGeneration } from './changes.ts';
import { desiredGeneration } from './desired.ts';
import {
  acceptGeneration,
  type Generation,
  generationHere,
  switchTo,
  writeGeneration,
} from './generation.ts';
import { findRepairs, planRepairs, repairNetwork } from './network-repair.ts';
import { planPreparation, prepare } from './prepare.ts';
import { requireSameData, requireSamePlace } from './same-place.ts';
import { takeUp } from './take-up.ts';
import { awaitSignatures } from './virus-scan.ts';

export interface Convergence {
  readonly changes: readonly Change[];
  readonly running: boolean;
  /** The container was started by this run. */
  readonly started: boolean;
  /** The probes that this run passed; empty when nothing changed, or the container does not run. */
  readonly proven: readonly ProbeResult[];
}

interface Work {
  readonly image: Image;
  /** Start the container when it is not running. */
  readonly start: boolean;
  /** Wait for the first virus signatures before the probes. */
  readonly waitForSignatures?: boolean | undefined;
  /** Look at the owner of every file, also when the data folder was not copied. */
  readonly everyOwner?: boolean;
}

// Rspamd starts slowly on a router, and Postfix does not answer clients until it is up
const PROBE_TIMEOUT_MS = { fresh: 90_000, running: 30_000 };
// clamd loads its signatures in half a minute on x86-64, in several on a Cortex-A53
const SCANNER_TIMEOUT_MS = 300_000;

async function requireProbes(
  host: Host,
  target: Appliance,
  step: { generation: Generation; started: boolean },
): Promise<ProbeResult[]> {
  const { generation, started } = step;
  const usual = started ? PROBE_TIMEOUT_MS.fresh : PROBE_TIMEOUT_MS.running;
  const timeout = target.settings.features.virusScan ? SCANNER_TIMEOUT_MS : usual;
  const results = await probeAppliance(host, target, generation.host.network, { timeout });
  const failed = results.filter((result) => !result.ok);
  if (failed.length === 0) return results;
  const sentences = failed.map((result) => `${result.name}: ${result.measured}`);
  throw new MailctlError('PROBE_FAILED', sentences.join('; '));
}

const FATAL = /\b(?:fatal|panic): |: (?:Fatal|Panic): /;

/** Fatal log lines since then; read before the rollback, which adds its own lines. */
async function fatalLines(host: Host, paths: Paths, since: Date): Promise<string[]> {
  const { lines } = await readLog(host, paths, { count: 500 });
  const fatal = lines.filter(
    ({ time, text }) => time !== null && time >= since && FATAL.test(text),
  );
  // without the process id, so that repeated lines are equal
  const texts = fatal.map(({ text }) =>
    text.replace(/^.*?(?=\w+\[\d+\]: )/, '').replace(/\[\d+\]/, ''),
  );
  return [...new Set(texts)].slice(0, 3);
}

/** Rolls back to the last good generation. Throws PROBE_FAILED with the cause. */
async function goBack(
  host: Host,
  target: Appliance,
  step: { failed: Generation; good: Generation | null; cause: unknown; since: Date },
): Promise<never> {
  const { failed, good, cause, since } = step;
  const why = cause instanceof Error ? cause.message : String(cause);
  const hint = 'mailctl logs 50';
  for (const line of await fatalLines(host, target.paths, since)) host.say(`the log says: ${line}`);
  if (good === null || good.name === failed.name) {
    throw new MailctlError(
      'PROBE_FAILED',
      `the configuration failed, and there is no other good one to roll back to: ${why}`,
      {
        hint,
        cause,
      },
    );
  }
  host.say(`the new configuration failed: ${why}`);
  host.say('rolling back to the last good configuration');
  await switchTo(host, target.paths, good.name);
  await useImage(host, target.paths, good.host.image);
  const effects = effectsOf(planGeneration(failed, good));
  const started = await takeUp(host, target, { generation: good, effects, start: true });
  const { network } = good.host;
  if ((await findRepairs(host, target, network)).length > 0) {
    await repairNetwork(host, target, network);
  }
  await requireProbes(host, target, { generation: good, started });
  throw new MailctlError('PROBE_FAILED', `rolled back to the last good configuration: ${why}`, {
    hint,
    cause,
  });
}

type Content = Omit<Generation, 'name'>;

const networksOf = (present: Content | null, desired: Content) => ({
  present: present?.host.network,
  desired: desired.host.network,
});

/** Converges the host and the container to `desired`. */
async function bringTo(
  host: Host,
  target: Appliance,
  step: { prepared: readonly Change[]; desired: Content; work: Work },
): Promise<Convergence> {
  const { prepared, desired, work } = step;
  const { paths } = target;
  const present = await generationHere(host, target, 'current');
  const good = await generationHere(host, target, 'good');
  const repairs = await planRepairs(host, target, networksOf(present, desired));
  const rendered = planGeneration(present, desired);
  const changes = [...prepared, ...repairs, ...rendered];
  const unchanged = present !== null && rendered.length === 0;
  const generation = unchanged ? present : await writeGeneration(host, paths, desired);
  if (!unchanged) await switchTo(host, paths, generation.name);
  // a run that was interrupted after the switch may have left daemons on the old or the new configuration
  const effects = effectsOf([...changes, ...planGeneration(good, desired)]);
  const since = host.clock.now();
  try {
    const started = await takeUp(host, target, { generation, effects, start: work.start });
    await forgetReload(host, paths);
    const running = started || (await isRunning(host, containerRef(target)));
    const { network } = generation.host;
    const repaired = (await findRepairs(host, target, network)).length > 0;
    if (repaired) await repairNetwork(host, target, network);
    const touched = started || repaired || !unchanged || good?.name !== generation.name;
    if (!running || !touched) return { changes, running, started, proven: [] };
    if (work.waitForSignatures) await awaitSignatures(host, target);
    const proven = await requireProbes(host, target, { generation, started });
    await acceptGeneration(host, paths, generation.name);
    return { changes, running, started, proven };
  } catch (error) {
    return goBack(host, target, { failed: generation, good, cause: error, since });
  }
}

/** Throws PLACE_CHANGED, HOST_UNFIT. */
async function requireApplicable(host: Host, target: Appliance, starts: boolean): Promise<void> {
  await requireSamePlace(host, target);
  if (!starts && !(await isRunning(host, containerRef(target)))) return;
  await requireFreeAddresses(host, target, await desiredNetwork(host, target));
}

/**
 * Converges to `work.image` and the UCI file. Throws PROBE_FAILED after the rollback, and PLACE_CHANGED and HOST_UNFIT
 * before anything is changed.
 */
export async function converge(host: Host, target: Appliance, work: Work): Promise<Convergence> {
  await requireApplicable(host, target, work.start);
  await adoptData(host, target, { everyOwner: work.everyOwner ?? false });
  await ensureDataDirectories(host, target);
  const prepared = await prepare(host, target);
  await useImage(host, target.paths, work.image.sha256);
  const desired = await desiredGeneration(host, target, work.image.sha256);
  const result = await bringTo(host, target, { prepared, desired, work });
  if (result.running) await forgetOtherImages(host, target.paths, work.image.sha256);
  if (result.running) await noteApplied(host, target);
  return result;
}

/** The image in use. Throws NOT_INSTALLED, also without the data folder; PLACE_CHANGED as `requireSameData`. */
export async function requireInstalled(host: Host, target: Appliance): Promise<Image> {
  const { paths } = target;
  const image = await currentImage(host, paths);
  if (image === null) {
    throw new MailctlError('NOT_INSTALLED', 'the mail server is not installed', {
      hint: 'mailctl install',
    });
  }
  await requireSameData(host, target);
  const lack = await dataLack(host, paths);
  if (lack === null) return image;
  throw new MailctlError('NOT_INSTALLED', lack, {
    hint: `mount the disk of ${paths.data}   (for a new, empty server: mailctl install)`,
  });
}

/**
 * What `apply` would change, or with `fresh` also a first `install`. Changes nothing.
 * Throws NOT_INSTALLED.
 */
export async function planConvergence(
  host: Host,
  target: Appliance,
  fresh = false,
): Promise<Change[]> {
  const installed = await currentImage(host, target.paths);
  const image = fresh ? installed : await requireInstalled(host, target);
  await requireSamePlace(host, target);
  const desired = await desiredGeneration(host, target, image?.sha256 ?? 'to be installed');
  const present = await generationHere(host, target, 'current');
  return [
    ...(await planPreparation(host, target)),
    ...(await planRepairs(host, target, networksOf(present, desired))),
    ...planGeneration(present, desired),
  ];
}
