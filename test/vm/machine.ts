// One virtual machine with two network interfaces, LAN and WAN. A program in it runs scripts that come through a
// virtio port, which loses nothing; its console is kept as a log.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { capture } from '../../scripts/programs.ts';
import { type Accelerator, acceleratorWords } from './accelerator.ts';
import { type Answer, openAgent } from './agent.ts';
import type { RouterDisk } from './disk.ts';

export interface Machine {
  /** Runs a shell script as root and waits for its end. */
  sh(script: string, timeout?: number): Promise<Answer>;
  /** Waits until the machine has booted (again). */
  booted(timeout?: number): Promise<void>;
  /** The end of the console, for a failure. */
  console(): Promise<string>;
  end(): Promise<void>;
}

export interface Wiring {
  /** Folder for disks, sockets and logs. */
  readonly folder: string;
  readonly disk: RouterDisk;
  readonly accelerator: Accelerator;
  /** A folder whose files the machine finds in /media. */
  readonly media: string;
  /** Tap devices in the namespace that `command` enters. */
  readonly taps: { readonly lan: string; readonly wan: string };
  command(argv: string[]): string[];
}

/** UUID of the data disk's file system. */
export const DATA_DISK = '6d61696c-0000-4000-8000-000000000001';

// on a loaded machine, the emulated one gets a tenth of its speed
const MINUTE = 60_000;
const SCRIPT_TIMEOUT = 15 * MINUTE;
const BOOT_TIMEOUT = 30 * MINUTE;

/**
 * As NTP does after a boot without a battery clock, the time jumps. Ahead, because the clock of a slow machine is slow,
 * and the CA's certificates are not valid before now.
 */
const AHEAD_S = 3600;

async function makeDisks({ folder, media }: Wiring): Promise<string[]> {
  const [overlay, data, files] = ['overlay', 'data', 'media'].map(
    (name) => `${folder}/${name}.disk`,
  );
  for (const path of [overlay, data]) await capture(['truncate', '-s', '1G', path ?? '']);
  await capture(['mkfs.ext4', '-q', overlay ?? '']);
  await capture(['mkfs.ext4', '-q', '-U', DATA_DISK, data ?? '']);
  // the image and the packages are compressed already
  const plain = ['-noI', '-noD', '-noF', '-quiet', '-noappend'];
  await capture(['mksquashfs', media, files ?? '', ...plain]);
  return [overlay, data, files].flatMap((path) => path ?? []);
}

async function commandLine(wiring: Wiring): Promise<string[]> {
  const { folder, disk, taps, accelerator } = wiring;
  const disks = [`${disk.rom},readonly=on`, ...(await makeDisks(wiring))];
  const card = (id: keyof typeof taps, mac: string) => [
    ...['-netdev', `tap,id=${id},ifname=${taps[id]},script=no,downscript=no`],
    ...['-device', `virtio-net-pci,netdev=${id},mac=${mac},romfile=`],
  ];
  return [
    ...['nice', '-n', '5', 'qemu-system-x86_64', '-machine', 'pc', '-m', '1024'],
    ...acceleratorWords(accelerator),
    ...['-display', 'none', '-nodefaults', '-serial', `file:${folder}/console`],
    ...['-kernel', disk.kernel, '-initrd', disk.initramfs],
    ...['-append', 'console=ttyS0 panic=-1 quiet apparmor=0'],
    ...disks.flatMap((file) => ['-drive', `file=${file},format=raw,if=virtio,cache=unsafe`]),
    // in the order of eth0 and eth1
    ...card('lan', '52:54:00:00:00:01'),
    ...card('wan', '52:54:00:00:00:02'),
    ...['-device', 'virtio-serial-pci', '-device', 'virtserialport,chardev=agent'],
    ...['-chardev', `socket,id=agent,path=${folder}/agent,server=on,wait=on`],
  ];
}

export async function startMachine(wiring: Wiring): Promise<Machine> {
  const { folder } = wiring;
  const output = Bun.file(join(folder, 'qemu'));
  const child = Bun.spawn(wiring.command(await commandLine(wiring)), {
    ...{ stdin: 'ignore', stdout: output, stderr: output },
  });
  const end = async () => {
    child.kill('SIGKILL');
    await child.exited;
  };
  const agent = await openAgent(join(folder, 'agent')).catch(async (error) => {
    await end();
    throw new Error(`QEMU did not start: ${await output.text()}`, { cause: error });
  });
  return {
    sh: (script, timeout = SCRIPT_TIMEOUT) => agent.run(script, timeout),
    booted: async (timeout = BOOT_TIMEOUT) => {
      await agent.ready(timeout);
      await agent.run(`date -s @${Math.floor(Date.now() / 1000) + AHEAD_S}`, SCRIPT_TIMEOUT);
    },
    console: async () => {
      const text = await readFile(join(folder, 'console'), 'utf8').catch(() => '');
      return text.split('\n').slice(-40).join('\n');
    },
    end,
  };
}
