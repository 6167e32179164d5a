// One LXC container of this host: state, start, stop, and programs inside it.

import { join } from 'node:path';
import { MailctlError } from '../errors.ts';
import { pollUntil } from './clock.ts';
import type { Host } from './host.ts';
import { type ProgramOptions, type ProgramResult, presentable } from './programs.ts';

export interface ContainerRef {
  readonly name: string;
  /** Folder that holds the container's folder (lxc-start -P). */
  readonly lxcPath: string;
  /** LXC's log of the last start. */
  readonly logFile: string;
}

function lxc(host: Host, program: string, container: ContainerRef): string[] {
  return [program, '-P', host.files.path(container.lxcPath), '-n', container.name];
}

/** The host's id of the container's PID 1; null when the container is not running. */
export async function queryInitPid(host: Host, container: ContainerRef): Promise<number | null> {
  if ((await host.files.stat(join(container.lxcPath, container.name, 'config'))) === null) {
    return null;
  }
  const info = [...lxc(host, 'lxc-info', container), '-H', '-p'];
  const { stdout } = await host.programs.query(info, { accept: [1] });
  const pid = Number(stdout.trim());
  return Number.isInteger(pid) && pid > 0 ? pid : null;
}

export async function isRunning(host: Host, container: ContainerRef): Promise<boolean> {
  return (await queryInitPid(host, container)) !== null;
}

/** Starts the container. Throws PROGRAM_FAILED with the errors of LXC's log. */
export async function startContainer(host: Host, container: ContainerRef): Promise<void> {
  const log = host.files.path(container.logFile);
  await host.files.remove(container.logFile);
  const program = host.programs.find('lxc-start') ?? 'lxc-start';
  const command = [...lxc(host, program, container), '-d', '-o', log, '-l', 'WARN'];
  // root can write the id map itself; with newuidmap on PATH, LXC would instead require a range for root
  // in /etc/subuid, which belongs to the host
  const { status } = await host.programs.run(command, {
    env: { PATH: await pathWithout(host, 'newuidmap') },
    accept: [1],
    timeout: 60_000,
  });
  if (status === 0) return;
  const said = presentable((await host.files.read(container.logFile)) ?? '', [], 12);
  throw new MailctlError('PROGRAM_FAILED', `LXC could not start the container: ${said}`, {
    hint: 'mailctl doctor',
  });
}

async function pathWithout(host: Host, program: string): Promise<string> {
  const folders = ['/usr/sbin', '/sbin', '/usr/bin', '/bin'];
  const kept: string[] = [];
  for (const folder of folders) {
    if ((await host.files.stat(join(folder, program))) === null) kept.push(folder);
  }
  return kept.join(':');
}

/** Waits until a start has ended: it goes on when the program that began it is killed. */
async function untilStarted(host: Host, container: ContainerRef): Promise<void> {
  const info = [...lxc(host, 'lxc-info', container), '-H', '-s'];
  await pollUntil(host.clock, { timeout: 5000, interval: 50 }, async () => {
    const { stdout } = await host.programs.query(info, { accept: [1] });
    return stdout.trim() === 'STARTING' ? null : true;
  });
}

/** Asks the container's init to shut down, and kills it after `timeout` seconds. */
export async function stopContainer(host: Host, container: ContainerRef, timeout: number) {
  if (!(await isRunning(host, container))) await untilStarted(host, container);
  if (!(await isRunning(host, container))) return;
  const stop = [...lxc(host, 'lxc-stop', container), '-t', String(timeout)];
  await host.programs.run(stop, { timeout: (timeout + 20) * 1000, accept: [1, 2] });
  const gone = await pollUntil(host.clock, { timeout: 5000, interval: 50 }, async () =>
    (await isRunning(host, container)) ? null : true,
  );
  if (gone === null) {
    throw new MailctlError('PROGRAM_FAILED', `the container ${container.name} does not stop`, {
      hint: `lxc-stop -k -n ${container.name}`,
    });
  }
}

// the image has only this locale, and rspamc aborts (SIGABRT) when its locale is missing
const INSIDE_PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

function insideCommand(host: Host, container: ContainerRef, command: readonly string[]): string[] {
  const attach = [...lxc(host, 'lxc-attach', container), '--clear-env'];
  return [...attach, '-v', `PATH=${INSIDE_PATH}`, '-v', 'LC_ALL=C', '--', ...command];
}

async function requireRunning(host: Host, container: ContainerRef): Promise<void> {
  if (await isRunning(host, container)) return;
  throw new MailctlError('NOT_RUNNING', `the container ${container.name} is not running`, {
    hint: 'mailctl start',
  });
}

/** Runs a read-only program inside the container. Throws NOT_RUNNING. */
export async function queryInside(
  host: Host,
  container: ContainerRef,
  command: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  await requireRunning(host, container);
  return host.programs.query(insideCommand(host, container, command), options);
}

/** Runs a program that changes something inside the container. Throws NOT_RUNNING. */
export async function runInside(
  host: Host,
  container: ContainerRef,
  command: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  await requireRunning(host, container);
  const shown = `${command.join(' ')}, in the container ${container.name}`;
  return host.programs.run(insideCommand(host, container, command), { shown, ...options });
}
