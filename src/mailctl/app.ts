// What every command is given: the outside world, the output, and the appliance the words are about.

import { resolve } from 'node:path';
import type { Appliance } from '../appliance/appliance.ts';
import { appliancePaths } from '../appliance/paths.ts';
import { MailctlError } from '../errors.ts';
import { createHost, dryRun, type Host } from '../host/host.ts';
import { createOutput, type Output } from './output.ts';

export interface GlobalOptions {
  readonly config: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly color?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly debug?: boolean;
}

export interface App {
  readonly host: Host;
  readonly output: Output;
  readonly options: GlobalOptions;
  /** Reads and checks the UCI file. Throws CONFIG_INVALID with every problem. */
  appliance(): Promise<Appliance>;
  /** Runs `work` as the only changing command on this appliance. Throws NOT_ROOT, LOCKED. */
  changing<T>(word: string, work: (appliance: Appliance) => Promise<T>): Promise<T>;
  /** Asks a person before something is destroyed. Throws NOT_CONFIRMED without --yes or a terminal. */
  confirm(question: string): Promise<void>;
}

const LOCK_WAIT_MS = 30_000;

function requireRoot(): void {
  if (process.geteuid?.() === 0) return;
  throw new MailctlError('NOT_ROOT', 'this command changes the system and needs root', {
    hint: 'repeat it as root, for example with sudo',
  });
}

async function askYes(question: string): Promise<boolean> {
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} Type yes to go on: `);
    return answer.trim().toLowerCase() === 'yes';
  } finally {
    terminal.close();
  }
}

function absoluteConfig(file: string): string {
  return resolve(process.env.MAILCTL_ROOT === undefined ? process.cwd() : '/', file);
}

/** LXC's own folder on this host: Debian and OpenWrt differ. */
async function lxcPath(host: Host): Promise<string | undefined> {
  if (!host.programs.exists('lxc-config')) return undefined;
  const { stdout } = await host.programs.query(['lxc-config', 'lxc.lxcpath']);
  return stdout.trim() || undefined;
}

export function createApp(options: GlobalOptions): App {
  const output = createOutput({
    json: options.json ?? false,
    quiet: options.quiet ?? false,
    color: (options.color ?? true) && process.env.NO_COLOR === undefined && !!process.stdout.isTTY,
    debug: options.debug ?? false,
  });
  const real = createHost({
    root: process.env.MAILCTL_ROOT ?? '/',
    env: process.env,
    say: (message) => output.note(message),
  });
  const host = options.dryRun ? dryRun(real) : real;

  const appliance = async (): Promise<Appliance> => {
    const { readSettings } = await import('../appliance/settings/uci-file.ts');
    const settings = await readSettings(host, options.config);
    const lxc = settings.main.lxcPath ?? (await lxcPath(host));
    const uciFile = absoluteConfig(options.config);
    return { settings, paths: appliancePaths(settings, { lxc, uciFile }) };
  };

  return {
    host,
    output,
    options,
    appliance,
    changing: async (word, work) => {
      requireRoot();
      const target = await appliance();
      const lock = { path: target.paths.lock, holder: `mailctl ${word}`, wait: LOCK_WAIT_MS };
      return host.locks.hold(lock, () => work(target));
    },
    confirm: async (question) => {
      if (options.yes || options.dryRun) return;
      if (!process.stdin.isTTY) {
        throw new MailctlError(
          'NOT_CONFIRMED',
          `${question} Nothing was done: there is no terminal`,
          {
            hint: 'repeat with --yes',
          },
        );
      }
      if (!(await askYes(question))) {
        throw new MailctlError('NOT_CONFIRMED', 'nothing was done');
      }
    },
  };
}
