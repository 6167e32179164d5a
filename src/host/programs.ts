// Other programs, started with argument arrays and a time limit; secrets are passed on standard input.
// `query` only reads, `run` changes something: --dry-run depends on this distinction.

import { type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { execa, type Options } from 'execa';
import { MailctlError } from '../errors.ts';
import { type Attendance, attend, type Ending } from './attendance.ts';
import { killTree } from './process-tree.ts';
import { withoutControls } from './terminal-text.ts';

/** For `accept`: the caller handles every status. */
export const ANY_STATUS: readonly number[] = Array.from({ length: 255 }, (_, index) => index + 1);

export interface ProgramOptions {
  /** Standard input of the program; the place for secrets. */
  readonly input?: string;
  /** Milliseconds; default: 30,000. */
  readonly timeout?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Exit statuses that are not failures, in addition to 0. */
  readonly accept?: readonly number[];
  /** Text to remove from errors, in addition to `input`. */
  readonly secrets?: readonly string[];
  /** Kills the program and its descendants. */
  readonly signal?: AbortSignal;
  /** The name of the command in a dry run; default: the command line. */
  readonly shown?: string;
  /** Called with the process id when the program has started. */
  readonly onStart?: (pid: number) => void;
}

export interface ProgramResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number;
}

export interface Programs {
  /** Runs a program that only reads. */
  query(command: readonly string[], options?: ProgramOptions): Promise<ProgramResult>;
  /** Runs a program that changes something. */
  run(command: readonly string[], options?: ProgramOptions): Promise<ProgramResult>;
  /**
   * Starts a program that keeps running after this one, in its own session.
   * @param log real path of the file for its output
   */
  launch(command: readonly string[], log: string): Promise<void>;
  /** Runs a program that stays, until it ends or `end` is aborted. */
  attend(command: readonly string[], options: Attendance): Promise<Ending>;
  /** True when the program is on PATH. */
  exists(name: string): boolean;
  /** The program's absolute path, for starting it with another PATH. */
  find(name: string): string | null;
}

/** Output of a program for a message: the last `lines`, without control characters and secrets. */
export function presentable(text: string, secrets: readonly string[] = [], lines = 5): string {
  const clean = withoutControls(text).trim().split('\n').slice(-lines).join('\n');
  return secrets
    .filter((secret) => secret.trim() !== '')
    .reduce((shown, secret) => shown.replaceAll(secret.trim(), '(secret)'), clean);
}

function execaOptions(env: NodeJS.ProcessEnv, options: ProgramOptions): Options {
  return {
    env: { ...env, LC_ALL: 'C', ...options.env },
    extendEnv: false,
    reject: false,
    stripFinalNewline: false,
    maxBuffer: 256 * 1024 * 1024,
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
  };
}

function missing(program: string, cause: unknown): MailctlError {
  return new MailctlError('PROGRAM_MISSING', `the program ${program} is not installed`, {
    hint: 'mailctl install   (lists the required packages)',
    cause,
  });
}

async function start(
  env: NodeJS.ProcessEnv,
  command: readonly string[],
  options: ProgramOptions,
): Promise<ProgramResult> {
  const [program = '', ...args] = command;
  const { timeout = 30_000 } = options;
  const child = execa(program, args, execaOptions(env, options));
  let timedOut = false;
  const end = () => {
    if (child.pid !== undefined) killTree(child.pid);
  };
  const timer = setTimeout(() => {
    timedOut = true;
    end();
  }, timeout);
  if (child.pid !== undefined) options.onStart?.(child.pid);
  options.signal?.addEventListener('abort', end);
  const result = await child.finally(() => {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', end);
  });
  if (result.code === 'ENOENT') throw missing(program, result);
  if (timedOut) {
    const seconds = timeout / 1000;
    throw new MailctlError('TIMED_OUT', `${program} did not finish within ${seconds} s`);
  }
  const status = result.exitCode ?? 128;
  const stdout = String(result.stdout ?? '');
  const stderr = String(result.stderr ?? '');
  if (status !== 0 && !options.accept?.includes(status)) {
    const secrets = [...(options.secrets ?? []), options.input ?? ''];
    const said = presentable(stderr.trim() === '' ? stdout : stderr, secrets);
    const { signal } = result;
    const how = signal ? `was killed by ${signal}` : `ended with status ${status}`;
    throw new MailctlError('PROGRAM_FAILED', `${program} ${how}${said ? `: ${said}` : ''}`, {
      ...(signal ? { signal } : { status }),
    });
  }
  return { stdout, stderr, status };
}

async function launch(env: NodeJS.ProcessEnv, command: readonly string[], log: string) {
  const [program = '', ...args] = command;
  const output = openSync(log, 'a', 0o600);
  try {
    // its working directory must not block an unmount
    const options: SpawnOptions = { cwd: '/', detached: true, env };
    const child = spawn(program, args, { ...options, stdio: ['ignore', output, output] });
    await once(child, 'spawn');
    child.unref();
  } finally {
    closeSync(output);
  }
}

export function createPrograms(env: Readonly<Record<string, string | undefined>>): Programs {
  const environment = { ...env };
  const find = (name: string) => Bun.which(name, { PATH: environment.PATH ?? '' });
  return {
    query: (command, options = {}) => start(environment, command, options),
    run: (command, options = {}) => start(environment, command, options),
    launch: (command, log) => launch(environment, command, log),
    attend: (command, options) => attend(environment, command, options),
    exists: (name) => find(name) !== null,
    find,
  };
}
