// Makes the lab's router look like OpenWrt: a bridge of its own with a delegated IPv6 prefix, /etc/config, a uci, a real
// dnsmasq, and the rulesets that a real fw4 printed (test/fw4), with the addresses and names of the lab.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Lab } from '../lab/lab.ts';
import { onHost } from '../lab/network.ts';
import { NETWORK, PREFIX, WORK_DIRECTORY } from '../lab/plan.ts';
import { must, startInBackground, waitFor } from '../lab/programs.ts';

export const LAN6 = '2001:db8:77';
export const NEXT_LAN6 = '2001:db8:78';
export const CONTAINER = '192.168.77.25';

const TEST = resolve(import.meta.dir, '../..');
const FOLDER = join(WORK_DIRECTORY, 'openwrt');
const HOSTS = join(FOLDER, 'hosts');

/** PATH with the stand-in uci. */
export const ENV = {
  PATH: [join(TEST, 'stand-ins'), join(TEST, '../node_modules/.bin'), process.env.PATH].join(':'),
};

/** The prefix of the names of our sections: container `mslab-box` becomes `mslab_box_`. */
export const SECTIONS = `${PREFIX}box_`.replaceAll('-', '_');

/** A ruleset of test/fw4 for the interfaces and addresses of the lab. */
async function ruleset(name: string): Promise<string> {
  const text = await readFile(join(TEST, 'fw4', `${name}.nft`), 'utf8');
  return (
    text
      .replaceAll('eth1', 'wan0')
      .replaceAll('192.168.1.', '192.168.77.')
      .replaceAll('203.0.113.0/24', '192.0.2.0/24')
      .replaceAll('203.0.113.2', NETWORK.router.wan)
      .replaceAll('mailserver_', SECTIONS)
      // our DROP rules name the container, those of the printed ruleset do not
      .replace(/(@\w+_banned) counter/, `$1 ip daddr ${CONTAINER} counter`)
      .replace(/(@\w+_banned6) counter/, '$1 ip6 daddr & ::ffff:ffff:ffff:ffff == ::25 counter')
  );
}

const FILES: Readonly<Record<string, string>> = {
  'config/network': "config interface 'lan'\n\toption device 'br-lan'\n",
  'config/dhcp': "config dnsmasq\n\toption domain 'lan'\n\n",
  // fw4 is not there: what it printed for the sections is loaded instead
  'init.d/firewall': `#!/bin/sh
if grep -q ${SECTIONS}drop6 /etc/config/firewall; then nft -f ${FOLDER}/bans-first.nft; else nft -f ${FOLDER}/default.nft; fi
`,
  // as OpenWrt's: one line of the hosts file for each section \`domain\`
  'init.d/dnsmasq': `#!/bin/sh
awk -F"'" '/^config/{if(n&&i)print i,n;n=i=""} /option name/{n=$2} /option ip/{i=$2} END{if(n&&i)print i,n}' \\
  /etc/config/dhcp >${HOSTS}
kill -HUP "$(cat ${FOLDER}/dnsmasq.pid)"
`,
};

const NETWORKING = `
ip link add br-lan type bridge forward_delay 0
ip addr flush dev lan0
ip link set lan0 master br-lan
ip link set br-lan up
ip addr add ${NETWORK.router.lan}/24 dev br-lan
ip addr add ${NETWORK.router.lan6}/64 dev br-lan nodad
ip addr add ${LAN6}::1/64 dev br-lan nodad
sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
sysctl -q -w net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0 2>/dev/null || true
`;

/** Runs a shell script on the router. */
export async function onRouter(lab: Lab, script: string): Promise<string> {
  const { status, stdout, stderr } = await lab.router.run(['sh', '-ec', script]);
  if (status !== 0) throw new Error(`${script}\nended with status ${status}: ${stderr}`);
  return stdout;
}

async function makeFiles(lab: Lab): Promise<void> {
  const upper = join(FOLDER, 'etc');
  for (const folder of ['config', 'init.d', 'nftables.d']) {
    await mkdir(join(upper, folder), { recursive: true });
  }
  await mkdir(join(FOLDER, 'work'), { recursive: true });
  for (const [path, text] of Object.entries(FILES)) {
    await writeFile(join(upper, path), text, { mode: 0o755 });
  }
  const fresh = await readFile(join(TEST, 'cli/firewalls/01-fresh'), 'utf8');
  await writeFile(join(upper, 'config/firewall'), fresh);
  for (const name of ['default', 'bans-first']) {
    await writeFile(join(FOLDER, `${name}.nft`), await ruleset(name));
  }
  await writeFile(HOSTS, '');
  const layers = `lowerdir=/etc,upperdir=${upper},workdir=${join(FOLDER, 'work')}`;
  await onRouter(lab, `mount -t overlay overlay -o ${layers} /etc`);
}

async function startDnsmasq(lab: Lab): Promise<void> {
  const pid = join(FOLDER, 'dnsmasq.pid');
  const options = [
    ...['--keep-in-foreground', '--user=root', '--no-resolv', '--no-hosts', '--bind-interfaces'],
    ...[`--addn-hosts=${HOSTS}`, `--pid-file=${pid}`, `--listen-address=${NETWORK.router.lan}`],
    ...[`--server=${NETWORK.dns}`, '--conf-file=/dev/null'],
  ];
  startInBackground(lab.router.command(['dnsmasq', ...options]), join(FOLDER, 'dnsmasq.log'));
  await waitFor('dnsmasq', async () => ((await Bun.file(pid).exists()) ? true : undefined));
}

/** Routes a delegated prefix to the router, and gives the LAN client an address in it. */
export async function delegate(prefix: string): Promise<void> {
  const ip = (host: 'wan' | 'lan', words: string) =>
    must(onHost(host, ['ip', ...words.split(' ')]));
  await ip('wan', `-6 route add ${prefix}::/64 via ${NETWORK.router.wan6}`);
  await ip('lan', `addr add ${prefix}::10/64 dev eth0 nodad`);
}

export async function makeOpenWrt(lab: Lab): Promise<void> {
  await onRouter(lab, NETWORKING);
  await delegate(LAN6);
  await makeFiles(lab);
  await startDnsmasq(lab);
  await onRouter(lab, '/etc/init.d/firewall reload');
}
