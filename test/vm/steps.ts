// The steps, in the order of the README's chapter "On a router". Each begins where the one before it ended.

import { NETWORK } from '../system/lab/plan.ts';
import type { Answer } from './agent.ts';
import { DATA_DISK, type Machine } from './machine.ts';
import { ALICE, DOMAIN, HOSTNAME, publishedAddress, receive, send } from './mail.ts';
import { between, commandsBelow } from './readme.ts';
import { LAN, WAN, type World } from './world.ts';

export interface Scene {
  readonly machine: Machine;
  readonly world: World;
  /** Names of the files in /media on the machine. */
  readonly files: { readonly first: string; readonly newer: string; readonly image: string };
}

interface Step {
  readonly title: string;
  run(scene: Scene): Promise<void>;
}

const MINUTE = 60_000;
const DATA = '/mnt/mail/mailserver';

function expect(text: string, ...wanted: string[]): void {
  for (const one of wanted)
    if (!text.includes(one)) throw new Error(`${JSON.stringify(one)} is missing in:\n${text}`);
}

/** Throws with the output when the script fails. */
async function must({ machine }: Scene, script: string, timeout?: number): Promise<string> {
  const { status, text } = await machine.sh(script, timeout);
  if (status !== 0) throw new Error(`status ${status}: ${script}\n${text}`);
  return text;
}

/** What an operator types in place of the README's examples. */
function typed(line: string, { files }: Scene): string {
  return line
    .replaceAll('example.com', DOMAIN)
    .replace('./mailserver_*.ipk', `./${files.first}`)
    .replace(/mailserver-arm64-\S*\.squashfs/, files.image)
    .replace('uuid=UUID', `uuid=${DATA_DISK}`)
    .replace(/^(mailctl user add .*)$/, `echo '${ALICE.password}' | $1 --password-stdin`)
    .replace(/^mailctl dns-setup$/, 'mailctl dns-setup --yes');
}

/** Runs the line in /media, where the package and the image are. */
async function follow(scene: Scene, line: string): Promise<Answer> {
  return scene.machine.sh(`cd /media && ${typed(line, scene)}`, 60 * MINUTE);
}

async function followAll(scene: Scene, lines: readonly string[]): Promise<string> {
  let said = '';
  for (const line of lines) {
    const { status, text } = await follow(scene, line);
    if (status !== 0) throw new Error(`status ${status}: ${typed(line, scene)}\n${text}`);
    said += text;
  }
  return said;
}

const main = () => commandsBelow('On a router');

/** What this world has in place of the Internet: its root, its CA, a DNS server that accepts updates. */
const outsideOptions = ({ world }: Scene): Readonly<Record<string, string | number>> => ({
  'dns.provider': 'rfc2136',
  'dns.server': world.dns.address,
  'ssl.directory': world.ca.directory,
  'ssl.ca_file': '/media/ca.crt',
  // Rspamd compiles its patterns for an hour without KVM
  ...{ 'features.spam_filter': 0, 'features.spf': 0, 'features.dmarc': 0, 'features.greylist': 0 },
});

const configure = (options: Readonly<Record<string, string | number>>) =>
  [
    'set -e',
    ...Object.entries(options).map(([name, value]) => `uci set 'mailserver.${name}=${value}'`),
    'uci commit mailserver',
  ].join('\n');

/** What install must refuse on this router, each a part of the reason. */
const REFUSALS = ['is on the root overlay, which sysupgrade erases', 'br-lan.1 is VLAN 1'];

/** In and out, from then on. */
async function mailFlows({ world }: Scene, when: string, timeout = 15 * MINUTE): Promise<void> {
  await receive(world, `in ${when}`, timeout);
  await send(world, `out ${when}`, timeout);
}

async function reboot(scene: Scene): Promise<void> {
  await scene.machine.sh('(sleep 1; reboot) >/dev/null 2>&1 &');
  await scene.machine.booted();
}

const INSTALLATION: readonly Step[] = [
  {
    title: 'the router boots: cgroup2 alone, BusyBox, a bridge that filters VLANs',
    run: async (scene) => {
      await scene.machine.booted();
      const text = await must(
        scene,
        'cat /proc/mounts; readlink /bin/sh; cat /sys/class/net/br-lan/bridge/vlan_filtering; uname -r',
      );
      expect(text, 'cgroup2', ' / overlay ', 'busybox\n1\n');
      if (/ cgroup [^\n]*\n/.test(text)) throw new Error(`cgroup 1 is mounted:\n${text}`);
    },
  },
  {
    title: 'README: the package installs, enables its service and warns of what is missing',
    run: async (scene) => {
      const said = await followAll(scene, between(await main(), 'opkg install', 'uci set'));
      expect(said, 'mailserver: mailctl install will refuse this router', ...REFUSALS);
      expect(await must(scene, 'ls /etc/rc.d'), 'S95mailserver', 'K05mailserver');
    },
  },
  {
    title: 'README: install refuses the root overlay and a bridge whose VLAN is not named',
    run: async (scene) => {
      const lines = await main();
      expect(await followAll(scene, between(lines, 'uci set', 'mailctl install')), 'no problems');
      const [install = ''] = between(lines, 'mailctl install');
      const { status, text } = await follow(scene, install);
      if (status !== 69) throw new Error(`status ${status}: ${text}`);
      expect(text, ...REFUSALS);
    },
  },
  {
    title: 'README: install on a data disk, with the VLAN, starts the server',
    run: async (scene) => {
      await followAll(scene, await commandsBelow('A data disk'));
      await must(scene, `mkdir -p ${DATA} && cp -a /media/data/. ${DATA}/`);
      await must(scene, configure(outsideOptions(scene)));
      await must(scene, 'mailctl set network.vlan 1');
      await followAll(scene, between(await main(), 'mailctl install', 'mailctl firewall-setup'));
      expect(await must(scene, 'mailctl status'), 'running');
    },
  },
  {
    title: 'README: the firewall, an account, DNS records and a certificate',
    run: async (scene) => {
      const lines = await main();
      await followAll(scene, between(lines, 'mailctl firewall-setup', 'mailctl doctor'));
      const { world } = scene;
      expect(await publishedAddress(world), WAN.first);
      const { stdout } = await world.lan.run(['dig', '+short', `@${LAN.router}`, HOSTNAME, 'A']);
      expect(stdout, LAN.server);
      expect(await must(scene, 'mailctl ssl-status'), HOSTNAME);
    },
  },
  {
    title: 'a message from outside is delivered and read, one of a user goes out by 587',
    run: async (scene) => {
      await mailFlows(scene, 'after the installation');
      // not the router's: fw4 only translates the destination
      expect(await must(scene, 'mailctl logs 500'), `[${NETWORK.stranger}]`);
    },
  },
  {
    title: 'README: doctor finds no fault',
    run: async (scene) => {
      const [doctor = ''] = between(await main(), 'mailctl doctor');
      const { text } = await follow(scene, doctor);
      const faults = text.split('\n').filter((line) => /^(?:error|warning) /.test(line));
      if (faults.length > 0) throw new Error(faults.join('\n'));
      expect(text, ' in order');
    },
  },
];

const LIFE: readonly Step[] = [
  {
    title: 'a network restart, which makes the bridge anew, ends with mail flowing',
    run: async (scene) => {
      await must(scene, '/etc/init.d/network restart');
      await mailFlows(scene, 'after the network restart');
    },
  },
  {
    title: 'a new WAN address is published and ends with mail flowing',
    run: async (scene) => {
      // by its path: Debian's ash prefers BusyBox's own ifup
      const change = `uci set network.wan.ipaddr=${WAN.second}; uci commit network; /sbin/ifup wan`;
      await must(scene, change);
      const deadline = Date.now() + 15 * MINUTE;
      while ((await publishedAddress(scene.world)) !== WAN.second) {
        if (Date.now() > deadline) throw new Error(`DNS has no ${WAN.second} after 15 min`);
        await Bun.sleep(1000);
      }
      await mailFlows(scene, 'after the WAN change');
    },
  },
  {
    title: 'a reboot ends with mail flowing',
    run: async (scene) => {
      await reboot(scene);
      await mailFlows(scene, 'after the reboot', 30 * MINUTE);
    },
  },
  {
    title: 'a power-up with a late disk and a later network ends with mail flowing',
    run: async (scene) => {
      // seconds after the services have started
      await must(scene, 'echo 20 40 >/etc/late; sync');
      await reboot(scene);
      await mailFlows(scene, 'after the late start', 30 * MINUTE);
    },
  },
  {
    title: 'an upgrade keeps the configuration and ends with mail flowing',
    run: async (scene) => {
      await must(scene, `opkg install /media/${scene.files.newer}`, 30 * MINUTE);
      expect(await must(scene, 'cat /usr/lib/opkg/info/mailserver.control'), '-r2');
      expect(await must(scene, 'uci get mailserver.main.domain'), DOMAIN);
      await mailFlows(scene, 'after the upgrade', 30 * MINUTE);
    },
  },
  {
    title: 'a stop leaves no container, mount or table',
    run: async (scene) => {
      await must(scene, '/etc/init.d/mailserver stop');
      const look = 'lxc-info -n mailserver -H -s; mount; nft list tables; ls /sys/class/net';
      const left = await must(scene, look);
      expect(left, 'STOPPED');
      const remains = /mailserver\S* type squashfs|table .*mailserver|veth-/.exec(left);
      if (remains !== null) throw new Error(`left: ${remains[0]}\n${left}`);
    },
  },
];

export const STEPS: readonly Step[] = [...INSTALLATION, ...LIFE];
