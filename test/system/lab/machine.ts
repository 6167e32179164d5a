// The router as a separate machine: own processes, mounts, network, host name, /etc/subuid. Killing its first
// process ends all of its processes, including containers.

import { mkdir, readFile } from 'node:fs/promises';
import { onHost } from './network.ts';
import { namespaceOf, RUN_DIRECTORY } from './plan.ts';
import { type Finished, type RunOptions, run, startInBackground, waitFor } from './programs.ts';

export interface Machine {
  /** process id of its first process, as the host sees it */
  pid: number;
  run(argv: string[], options?: RunOptions): Promise<Finished>;
  /** The argument vector that runs a program on the machine. */
  command(argv: string[]): string[];
}

// sysfs shows the network namespace of the process that mounted it, and LXC looks there for the bridge. The shell
// stays as first process to reap orphans of the daemons.
const BOOT = `
set -e
mount -t proc proc /proc
mkdir -p "$1/cgroup"
mount --rbind /sys/fs/cgroup "$1/cgroup"
umount -l /sys
mount -t sysfs sysfs /sys
mount --move "$1/cgroup" /sys/fs/cgroup
for file in subuid subgid; do
  touch "/etc/$file"
  cp "/etc/$file" "$1/$file"
  mount --bind "$1/$file" "/etc/$file"
done
for volatile in /run/mailserver /run/lxc; do
  mkdir -p "$volatile"
  mount -t tmpfs tmpfs "$volatile"
done
hostname router
touch "$1/ready"
sleep infinity &
while kill -0 $!; do wait $! || true; done
`;

export async function startMachine(): Promise<Machine> {
  const directory = `${RUN_DIRECTORY}/machine`;
  await mkdir(directory, { recursive: true });
  const unshare = ['unshare', '--fork', '--kill-child', '--pid', '--mount', '--uts', '--ipc'];
  const boot = ['sh', '-c', BOOT, namespaceOf('router'), directory];
  const child = startInBackground(
    onHost('router', ['setsid', ...unshare, ...boot]),
    `${directory}/log`,
  );
  await waitFor('the router to boot', async () => {
    if (child.exitCode !== null)
      throw new Error(`the router did not boot: ${await readFile(`${directory}/log`, 'utf8')}`);
    return (await Bun.file(`${directory}/ready`).exists()) ? true : undefined;
  });
  const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
  return machineOf(Number(children.trim().split(' ')[0]));
}

function machineOf(pid: number): Machine {
  const command = (argv: string[]) => ['nsenter', '-t', String(pid), '--all', '--', ...argv];
  return { pid, command, run: (argv, options) => run(command(argv), options) };
}
