// A Debian host with systemd as its first process, in namespaces of its own, without other network than its loopback.
// Its disk survives a reboot.

import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../../../scripts/programs.ts';
import { PREFIX, WORK_DIRECTORY } from '../lab/plan.ts';
import {
  type Finished,
  type RunOptions,
  run,
  startInBackground,
  waitFor,
} from '../lab/programs.ts';

const FOLDER = join(WORK_DIRECTORY, 'debian');
const CONTROL = '/sys/fs/cgroup';
const GROUP = `${PREFIX}debian`;

export interface DebianHost {
  run(argv: string[], options?: RunOptions): Promise<Finished>;
  /** Like `run`, but throws on a status other than 0. Returns stdout. */
  must(argv: string[], options?: RunOptions): Promise<string>;
  /** Ends it as `systemctl poweroff` does. */
  powerOff(): Promise<void>;
  /** Pulls the plug. */
  kill(): void;
}

/** The control groups in which the host's processes are; one for each hierarchy of cgroup v1. */
async function groups(): Promise<string[]> {
  const unified = await Bun.file(`${CONTROL}/cgroup.controllers`).exists();
  if (unified) return [join(CONTROL, GROUP)];
  const entries = await readdir(CONTROL, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(CONTROL, name, GROUP));
}

/** cpuset refuses processes until it has processors and memory. */
async function makeGroup(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const name of ['cpuset.cpus', 'cpuset.mems']) {
    const file = join(folder, name);
    if (!(await Bun.file(file).exists())) continue;
    await writeFile(file, await readFile(join(folder, '..', name), 'utf8'));
  }
}

/** Where this machine finds a path below /srv of the host, also while that is off. */
export const onDisk = (path: string): string => join(FOLDER, path);

export async function bootDebian(): Promise<DebianHost> {
  await mkdir(FOLDER, { recursive: true });
  await rm(join(FOLDER, 'console'), { force: true });
  const folders = await groups();
  for (const folder of folders) await makeGroup(folder);
  const enterGroups = folders.map((folder) => `echo $$ >${folder}/cgroup.procs`).join('; ');
  const kinds = ['--pid', '--mount', '--net', '--uts', '--ipc', '--cgroup'];
  const boot = `${ROOT}/test/system/debian/boot "$@"`;
  const script = `${enterGroups}; exec setsid unshare --fork --kill-child ${kinds.join(' ')} ${boot}`;
  const child = startInBackground(['sh', '-c', script, 'sh', FOLDER, ROOT], `${FOLDER}/log`);
  const pid = await waitFor('Debian to boot', async () => {
    if (child.exitCode !== null) {
      throw new Error(`Debian did not boot: ${await readFile(`${FOLDER}/log`, 'utf8')}`);
    }
    const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
    const first = Number(children.trim().split(' ')[0]);
    const { stdout } = await run(enter(first, ['systemctl', 'is-system-running']));
    return ['running', 'degraded', 'starting'].includes(stdout.trim()) ? first : undefined;
  });
  const must: DebianHost['must'] = async (argv, options) => {
    const { status, stdout, stderr } = await run(enter(pid, argv), options);
    if (status === 0) return stdout;
    throw new Error(`${argv.join(' ')} ended with status ${status}\n${stderr}${stdout}`);
  };
  return {
    run: (argv, options) => run(enter(pid, argv), options),
    must,
    powerOff: async () => {
      await run(enter(pid, ['systemctl', 'poweroff']));
      const gone = async () => ((await Bun.file(`/proc/${pid}/stat`).exists()) ? undefined : true);
      await waitFor('Debian to end', gone, 150_000);
    },
    kill: () => child.kill('SIGKILL'),
  };
}

const enter = (pid: number, argv: string[]) => [
  'nsenter',
  '-t',
  String(pid),
  '--all',
  '--',
  ...argv,
];

/** Ends one that an interrupted test has left, too. */
export async function removeDebian(): Promise<void> {
  const folders = await groups();
  const found = [...folders, '-name', 'cgroup.procs', '-exec', 'cat', '{}', '+'];
  const { stdout } = await run(['find', ...found]);
  const pids = [...new Set(stdout.split('\n').filter(Boolean))];
  if (pids.length > 0) await run(['kill', '-9', ...pids]);
  // a group is busy until its last process has been reaped
  await waitFor('the control groups of Debian to be empty', async () => {
    await run(['find', ...folders, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', ';']);
    return (await Promise.all(folders.map(exists))).includes(true) ? undefined : true;
  });
  await rm(FOLDER, { recursive: true, force: true });
}

const exists = (folder: string) => Bun.file(`${folder}/cgroup.procs`).exists();
