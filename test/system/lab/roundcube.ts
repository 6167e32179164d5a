// A Roundcube that mailctl has not made: a container with the files of the web image, configured by hand.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Machine } from './machine.ts';
import { must, waitFor } from './programs.ts';

const CONFIG = `<?php
// Edited by hand
$config['db_dsnw'] = 'sqlite:////var/lib/own.sqlite?mode=0640';
$config['des_key'] = "a key with 'quotes'-----";
$config['imap_host'] = 'ssl://old.example.test:993';
$config['plugins'] = ['emoticons', 'archive'];
`;

export interface HandMade {
  name: string;
  /** Folder of the container's files on the host. */
  root: string;
  inside(argv: string[]): Promise<{ status: number; stdout: string; stderr: string }>;
}

/** @param place LXC's folder, the bridge, and the address of the container (CIDR) */
export async function startRoundcube(
  machine: Machine,
  image: string,
  place: { name: string; lxc: string; bridge: string; address: string },
): Promise<HandMade> {
  const { name, lxc, bridge, address } = place;
  const folder = join(lxc, name);
  const root = join(folder, 'rootfs');
  await mkdir(folder, { recursive: true });
  await must(['unsquashfs', '-q', '-n', '-d', root, image]);
  const config = join(root, 'etc/roundcube/config.inc.php');
  await must(['rm', '-f', config, join(root, 'etc/hosts'), join(root, 'etc/resolv.conf')]);
  await writeFile(config, CONFIG, { mode: 0o640 });
  await writeFile(
    join(folder, 'config'),
    [
      `lxc.uts.name = ${name}`,
      `lxc.rootfs.path = dir:${root}`,
      'lxc.init.cmd = /usr/bin/sleep 100000',
      'lxc.net.0.type = veth',
      `lxc.net.0.link = ${bridge}`,
      'lxc.net.0.flags = up',
      `lxc.net.0.ipv4.address = ${address}`,
      '',
    ].join('\n'),
  );
  const lxcWords = ['-P', lxc, '-n', name];
  const started = await machine.run(['lxc-start', ...lxcWords, '-d']);
  if (started.status !== 0) throw new Error(`lxc-start: ${started.stderr}`);
  const inside: HandMade['inside'] = (argv) =>
    machine.run(['lxc-attach', ...lxcWords, '--', ...argv]);
  await waitFor('the container', async () =>
    (await inside(['true'])).status === 0 ? true : undefined,
  );
  return { name, root, inside };
}
