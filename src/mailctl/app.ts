// What every command gets: the host, the output, and the appliance.

import { resolve } from 'node:path';
import type { Appliance } from '../appliance/appliance.ts';
import { appliancePaths } from '../appliance/paths.ts';
import { readSettings } from '../appliance/settings/uci-file.ts';
import { type ExitStatus, MailctlError, STATUS } from '../errors.ts';
import { createHost, dryRun, type Host } from '../host/host.ts';
import { createOutput, type Output, type Planned, type Sink } from './output.ts';
import { askLine } from './terminal.ts';

export interface GlobalOptions {
  readonly config: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly color?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly debug?: boolean;
}

/** One change of the appliance: its plan, the work, and the report of it. */
export interface Change<T> {
  /** The command's name; the LOCKED error of a waiting command shows it. */
  readonly word: string;
  /**
   * What `apply` would do, found without changing anything. Without it, a dry run goes through `apply` on a
   * host that records its changes; recorded changes are added either way.
   */
  readonly plan?: (target: Appliance) => Promise<Planned & { readonly status?: ExitStatus }>;
  /** Runs before the lock is taken: slow preparation, and ending a process that may hold the lock. */
  readonly before?: () => Promise<void>;
  readonly apply: (target: Appliance) => Promise<T>;
  /** Prints what was done. Not called in a dry run. */
  readonly report: (done: T, target: Appliance) => ExitStatus | Promise<ExitStatus>;
  /** The lock is not taken: the change may run beside another one. */
  readonly unlocked?: true;
}

/** A change of the UCI file itself, which may be missing or wrong. */
export interface FileChange<T> {
  readonly apply: () => Promise<T>;
  /** Lines below `would` in a dry run. */
  readonly details: (done: T) => readonly string[];
  /** Prints what was done. Not called in a dry run. */
  readonly report: (done: T) => ExitStatus | Promise<ExitStatus>;
}

export interface App {
  readonly host: Host;
  readonly output: Output;
  readonly options: GlobalOptions;
  readonly isRoot: boolean;
  /** Absolute path of the UCI file. */
  readonly uciFile: string;
  /** Reads and checks the UCI file. Throws CONFIG_INVALID with every problem. */
  appliance(): Promise<Appliance>;
  /**
   * Runs `change` as the only changing command on this appliance; a dry run takes no lock and changes nothing.
   * Throws NOT_ROOT, LOCKED.
   */
  change<T>(change: Change<T>): Promise<ExitStatus>;
  /** Runs a change that needs no appliance; a dry run records it. Throws NOT_ROOT. */
  changeFile<T>(change: FileChange<T>): Promise<ExitStatus>;
  /** Asks the operator to confirm. Throws NOT_CONFIRMED without --yes or a terminal. */
  confirm(question: string): Promise<void>;
  /** Asks the operator for input; a dry run uses `instead` without asking. */
  ask<T>(question: () => Promise<T>, instead: () => T): Promise<T>;
}

/** The environment of the program: path prefix, variables, output streams. */
export interface Surroundings {
  /** Prefix of every path: MAILCTL_ROOT. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: Sink;
  readonly stderr: Sink;
}

function processSurroundings(): Surroundings {
  const { env, stdout, stderr } = process;
  return { root: env.MAILCTL_ROOT ?? '/', env, stdout, stderr };
}

const LOCK_WAIT_MS = 30_000;

function requireRoot(isRoot: boolean): void {
  if (isRoot) return;
  throw new MailctlError('NOT_ROOT', 'this command changes the system and needs root', {
    hint: 'repeat the command as root (sudo)',
  });
}

async function askYes(question: string): Promise<boolean> {
  const answer = await askLine(`${question} Type yes to go on: `);
  return answer.toLowerCase() === 'yes';
}

/** A relative path starts at the working directory, or at MAILCTL_ROOT where that is set. */
function absoluteConfig(file: string, root: string): string {
  return resolve(root === '/' ? process.cwd() : '/', file);
}

/** The folder of LXC's containers, which differs between Debian and OpenWrt. */
async function lxcPath(host: Host): Promise<string | undefined> {
  if (!host.programs.exists('lxc-config')) return undefined;
  const { stdout } = await host.programs.query(['lxc-config', 'lxc.lxcpath']);
  return stdout.trim() || undefined;
}

function outputFor(options: GlobalOptions, { env, stdout, stderr }: Surroundings): Output {
  return createOutput({
    json: options.json ?? false,
    quiet: options.quiet ?? false,
    color: (options.color ?? true) && env.NO_COLOR === undefined && !!stdout.isTTY,
    debug: options.debug ?? false,
    dryRun: options.dryRun ?? false,
    ...{ stdout, stderr },
  });
}

function confirmation(options: GlobalOptions): App['confirm'] {
  return async (question) => {
    if (options.yes || options.dryRun) return;
    if (!process.stdin.isTTY) {
      const message = `not confirmed, no terminal: ${question}`;
      throw new MailctlError('NOT_CONFIRMED', message, { hint: 'repeat with --yes' });
    }
    if (await askYes(question)) return;
    throw new MailctlError('NOT_CONFIRMED', 'not confirmed; nothing was changed');
  };
}

export function createApp(options: GlobalOptions, around = processSurroundings()): App {
  const { root, env } = around;
  const output = outputFor(options, around);
  const real = createHost({ root, env, say: (message) => output.note(message) });
  const would: string[] = [];
  const host = options.dryRun ? dryRun(real, would) : real;
  const isRoot = process.geteuid?.() === 0;
  const uciFile = absoluteConfig(options.config, root);

  const appliance = async (): Promise<Appliance> => {
    const settings = await readSettings(host, options.config);
    const lxc = settings.main.lxcPath ?? (await lxcPath(host));
    return { settings, paths: appliancePaths(settings, { lxc, uciFile }) };
  };

  const showPlan = async <T>(change: Change<T>, target: Appliance): Promise<ExitStatus> => {
    if (change.plan === undefined) await change.apply(target);
    const plan = (await change.plan?.(target)) ?? { would: [] };
    output.planned({ ...plan, would: [...plan.would, ...would] });
    return plan.status ?? STATUS.OK;
  };

  return {
    ...{ host, output, options, isRoot, uciFile, appliance },
    change: async (change) => {
      requireRoot(isRoot);
      const target = await appliance();
      if (options.dryRun) return showPlan(change, target);
      await change.before?.();
      const lock = {
        path: target.paths.lock,
        holder: `mailctl ${change.word}`,
        wait: LOCK_WAIT_MS,
      };
      const done = change.unlocked
        ? await change.apply(target)
        : await host.locks.hold(lock, () => change.apply(target));
      return change.report(done, target);
    },
    changeFile: async ({ apply, details, report }) => {
      requireRoot(isRoot);
      const done = await apply();
      if (!options.dryRun) return report(done);
      output.planned({ would, details: details(done) });
      return STATUS.OK;
    },
    confirm: confirmation(options),
    ask: async (question, instead) => (options.dryRun ? instead() : question()),
  };
}
