// The owner of the container's life: `mailctl serve` starts the container when UCI wants it and its host can run it,
// attaches it again after a network restart, and stops it. Other commands change it only under the lock of the
// appliance, or say with container/stopped.ts what they want.

import { MailctlError, STATUS } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import { isApplied } from '../apply/applied.ts';
import { queryRunningJob, runJob } from '../schedule/run.ts';
import type { Serving } from '../schedule/serve.ts';
import { type Known, knownNetwork, look, nothingKnown } from './sight.ts';
import { nextStep, remaining, retryPause, type Sight, type Step } from './step.ts';
import { publishWait } from './wait.ts';

/** A network restart is noticed within this time; a look costs a router less than a millisecond. */
const LOOK_MS = 3000;
/** LXC is asked this often about a container that is stopped. */
const ASK_MS = 60_000;
/** A container that has run this long starts without a pause when it ends. */
const STABLE_MS = 10 * 60_000;

const MINUTE = 60_000;

/** The commands run as children, so that their memory is freed when they end. */
const COMMANDS = {
  start: { name: 'start', words: ['start', '--scheduled'], timeout: 10 * MINUTE },
  stop: { name: 'stop', words: ['stop', '--scheduled'], timeout: 5 * MINUTE },
  apply: { name: 'apply', words: ['apply', '--scheduled'], timeout: 10 * MINUTE },
} as const;

/** This process as the owner of one container. */
interface Owner {
  readonly serving: Serving;
  target: Appliance;
  readonly known: Known;
  /** After a signal: LXC and the UCI file are asked, and pauses are over. */
  fresh: boolean;
  behind: boolean;
  lacked: boolean;
  attempts: number;
  /** Milliseconds since 1970, as all times here. No attempt is made before it. */
  notBefore: number;
  /** When LXC was asked last. */
  askedAt: number;
  /** Since when the container runs; null while it does not. */
  runsSince: number | null;
  /** Null while it waits for nothing. */
  waitsFor: string | null;
}

async function waitFor(host: Host, owner: Owner, reason: string | null): Promise<void> {
  if (owner.waitsFor === reason) return;
  owner.waitsFor = reason;
  if (reason !== null) owner.serving.log(reason);
  try {
    await publishWait(host, owner.target.paths, reason);
  } catch (error) {
    // a full tmpfs must not end the owner
    if (!(error instanceof MailctlError)) throw error;
    owner.serving.log(`status cannot show what serve waits for: ${error.message}`);
  }
}

/** Reads the UCI file again; keeps the last target while it cannot be read, which the scheduler reports. */
async function reread(host: Host, owner: Owner): Promise<void> {
  try {
    const target = await owner.serving.readTarget();
    // the scheduler ends this process when the UCI file names another container
    if (target.paths.serveLock !== owner.serving.target.paths.serveLock) return;
    owner.target = target;
    owner.behind = !(await isApplied(host, target));
  } catch (error) {
    if (!(error instanceof MailctlError)) throw error;
  }
}

function endPause(owner: Owner): void {
  owner.attempts = 0;
  owner.notBefore = 0;
}

function startPause(host: Host, owner: Owner): void {
  owner.attempts += 1;
  owner.notBefore = host.clock.now().getTime() + retryPause(owner.attempts);
}

/** A job may hold the lock for minutes while it waits for DNS. It runs again later; mail does not wait for it. */
async function endJobInTheWay(host: Host, { serving, target }: Owner): Promise<boolean> {
  const holder = host.locks.query(target.paths.lock);
  if (holder === null) return true;
  const job = await queryRunningJob(host, target.paths);
  if (job?.pid !== holder.pid) return false;
  serving.log(`${job.job} is ended, so that the mail server can start`);
  host.processes.killTree(job.pid);
  return true;
}

async function run(host: Host, owner: Owner, step: keyof typeof COMMANDS): Promise<void> {
  const { program, end, log } = owner.serving;
  if (owner.attempts === 0) log(`${step} begins`);
  startPause(host, owner);
  const job = { job: COMMANDS[step], program, signal: end, file: owner.target.paths.serveStep };
  const { outcome, status, said } = await runJob(host, owner.target, job);
  if (end.aborted) return;
  owner.known.init = null;
  owner.fresh = true;
  await reread(host, owner);
  // a configuration that fails its probes is applied again only after another change
  const temporary = status === STATUS.TRY_AGAIN || status === STATUS.UNAVAILABLE;
  if (step === 'apply' && !temporary) owner.behind = false;
  if (outcome === 'done' && step === 'stop') endPause(owner);
  if (outcome === 'done') log(`${step} ended`);
  const lines = said.split('\n').map((line) => line.trim());
  const reason = `${step} failed with status ${status}: ${lines.join('; ')}`;
  await waitFor(host, owner, outcome === 'done' ? null : reason);
  host.processes.releaseMemory();
}

async function attach(host: Host, owner: Owner): Promise<void> {
  const network = await knownNetwork(host, owner.target, owner.known);
  if (network === null) return;
  const module = await import('./attach.ts');
  if (!(await module.attach(host, owner.target, network))) return;
  owner.serving.log(`the container is attached to the bridge ${network.bridge} again`);
  host.processes.releaseMemory();
}

/** Does a step when its time has come. Returns the milliseconds until the next look. */
async function take(host: Host, owner: Owner, step: NonNullable<Step>): Promise<number> {
  if (step === 'attach') {
    await attach(host, owner);
    return LOOK_MS;
  }
  const pause = remaining(owner.notBefore, host.clock.now().getTime());
  if (pause > 0) return Math.min(pause, LOOK_MS);
  // another command is at work, and may be doing this very step
  const busy = host.locks.query(owner.target.paths.lock) !== null;
  if (busy && !(step === 'start' && (await endJobInTheWay(host, owner)))) return LOOK_MS;
  await run(host, owner, step);
  return 0;
}

/** A container that keeps ending is started at growing intervals. */
function note(owner: Owner, { running, lack }: Sight, now: number): void {
  owner.runsSince = running ? (owner.runsSince ?? now) : null;
  const stable = owner.runsSince !== null && now - owner.runsSince >= STABLE_MS && !owner.behind;
  if (stable || (owner.lacked && lack === null)) endPause(owner);
}

function reasonToWait({ running, port, lack }: Sight): string | null {
  if (lack !== null) return `the mail server is not started: ${lack}`;
  return running && port === 'no bridge' ? 'the bridge of the container is missing' : null;
}

/** One look and at most one step. Returns the milliseconds until the next look. */
async function round(host: Host, owner: Owner): Promise<number> {
  const now = host.clock.now().getTime();
  const { known, behind, target } = owner;
  const thorough = owner.fresh || Math.abs(now - owner.askedAt) >= ASK_MS;
  if (thorough) owner.askedAt = now;
  const sight = await look(host, target, { known, thorough, behind });
  owner.fresh = false;
  note(owner, sight, now);
  if (owner.lacked && sight.lack === null) await waitFor(host, owner, null);
  owner.lacked = sight.lack !== null;
  const step = nextStep(sight);
  if (step !== null) return take(host, owner, step);
  await waitFor(host, owner, reasonToWait(sight));
  return LOOK_MS;
}

/** Retries after errors of the disk or of a program. */
async function roundOrWait(host: Host, owner: Owner): Promise<number> {
  try {
    return await round(host, owner);
  } catch (error) {
    if (!(error instanceof MailctlError)) throw error;
    await waitFor(host, owner, error.message);
    return LOOK_MS;
  }
}

/**
 * Runs until `serving.end`, which must also ring the bell. The container then stays as it is.
 * @param settled called when the container runs, cannot run for now, or is left alone
 */
export async function supervise(host: Host, serving: Serving, settled: () => void): Promise<void> {
  const { target } = serving;
  const owner: Owner = {
    ...{ serving, target, known: nothingKnown(), fresh: true, lacked: false },
    ...{ behind: !(await isApplied(host, target)), attempts: 0, notBefore: 0, askedAt: 0 },
    ...{ runsSince: null, waitsFor: null },
  };
  await publishWait(host, target.paths, null);
  let heard = serving.bell.listen();
  while (!serving.end.aborted) {
    if (heard.aborted) {
      heard = serving.bell.listen();
      endPause(owner);
      owner.fresh = true;
      await reread(host, owner);
    }
    const wait = await roundOrWait(host, owner);
    if (wait > 0) settled();
    await host.clock.sleep(wait, heard);
  }
  settled();
  await publishWait(host, target.paths, null);
}
