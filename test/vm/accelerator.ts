// What runs the machine's code: KVM where it boots Debian's kernel, else QEMU's own emulation.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RouterDisk } from './disk.ts';

export type Accelerator = 'kvm' | 'tcg';

const WORDS: Readonly<Record<Accelerator, readonly string[]>> = {
  kvm: ['-accel', 'kvm', '-cpu', 'host', '-smp', '2'],
  tcg: [
    // an Atom as in x86 routers, without AVX
    ...['-accel', 'tcg', '-cpu', 'Denverton', '-smp', '1'],
    // its clock counts instructions, so that limits of time in it do not depend on the load of this machine
    ...['-icount', 'shift=1'],
  ],
};

export const acceleratorWords = (accelerator: Accelerator): readonly string[] => WORDS[accelerator];

const LIMIT_MS = 30_000;

/** Boots as far as the initramfs: some hosts have a /dev/kvm that runs only kernels made for it. */
export async function chooseAccelerator(disk: RouterDisk, folder: string): Promise<Accelerator> {
  if (!existsSync('/dev/kvm')) return 'tcg';
  const log = join(folder, 'kvm');
  const words = [
    ...['qemu-system-x86_64', '-machine', 'pc', '-m', '512', ...WORDS.kvm],
    ...['-display', 'none', '-nodefaults', '-no-reboot', '-serial', `file:${log}`],
    ...['-kernel', disk.kernel, '-initrd', disk.initramfs],
    ...['-append', 'console=ttyS0 panic=-1 quiet probe'],
  ];
  const child = Bun.spawn(words, {
    ...{ stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' },
    ...{ timeout: LIMIT_MS, killSignal: 'SIGKILL' },
  });
  await child.exited;
  const console = await readFile(log, 'utf8').catch(() => '');
  return console.includes('the initramfs runs') ? 'kvm' : 'tcg';
}
