// What root in the container can do to the host and the LAN, while mail flows; and manual changes to the
// container's network on the host.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { plainMessage } from './clients/mail.ts';
import type { Appliance } from './lab/appliance.ts';
import { type Lab, PASSWORD, startLab } from './lab/lab.ts';
import { NETWORK, PREFIX, WORK_DIRECTORY } from './lab/plan.ts';

const ALICE = { user: 'alice@example.test', password: PASSWORD };
const ADDRESS6 = 'fd82:25::2';
const GATEWAY6 = 'fd82:25::1';
const EPERM = 1;
const ENOSYS = 38;
// linux/capability.h
const CAPABILITIES = {
  ...{ chown: 0, dac_override: 1, fowner: 3, kill: 5, setgid: 6, setuid: 7 },
  ...{ net_bind_service: 10, net_admin: 12, sys_chroot: 18 },
};

let lab: Lab;
let box: Appliance;
let veth: string;
let mac: string;

beforeAll(async () => {
  lab = await startLab();
  const network = { address6: `${ADDRESS6}/64`, gateway6: GATEWAY6 };
  box = await lab.appliance({ features: { greylist: 0 }, network }, ['alice']);
  ({ veth, mac } = await readVeth(box));
}, 300_000);

afterAll(() => lab?.down());

async function readVeth({ name }: Appliance) {
  const folder = join(WORK_DIRECTORY, name, 'lxc', `${PREFIX}${name}`);
  const config = await readFile(join(folder, 'config'), 'utf8');
  const value = (key: string) =>
    new RegExp(`^lxc\\.net\\.0\\.${key} = (\\S+)$`, 'm').exec(config)?.[1];
  return { veth: value('veth.pair') ?? '', mac: value('hwaddr') ?? '' };
}

const onRouter = async (command: string): Promise<string> =>
  (await lab.router.run(['sh', '-c', command])).stdout.trim();

const initPid = ({ name } = box): Promise<string> =>
  onRouter(`lxc-info -P ${WORK_DIRECTORY}/${name}/lxc -n ${PREFIX}${name} -H -p`);

/** Whether a message from outside can be read in INBOX over IMAP. */
async function mailFlows(subject: string): Promise<boolean> {
  const from = 'visitor@outside.test';
  const message = plainMessage({ from, to: ALICE.user, subject });
  const reply = await lab.wan.deliver(
    { from, to: [ALICE.user], message },
    { from: NETWORK.stranger },
  );
  if (reply.code !== 250) return false;
  const session = await lab.lan.mailbox(ALICE);
  await session.command('SELECT INBOX');
  for (;;) {
    const { untagged } = await session.command(`SEARCH SUBJECT "${subject}"`);
    if (untagged.some((line) => /^SEARCH \d/.test(line))) break;
  }
  session.close();
  return true;
}

describe('root in the container', () => {
  test('finds nosuid, nodev and noexec in force on every writable folder of the host', async () => {
    const mounts = (await box.inside(['cat', '/proc/mounts'])).stdout.trim().split('\n');
    const options = (path: string) =>
      mounts
        .find((line) => line.split(' ')[1] === path)
        ?.split(' ')[3]
        ?.split(',') ?? [];

    for (const path of [
      '/srv/mail',
      '/var/spool/postfix',
      '/var/lib/mailserver',
      '/var/log/mail',
    ]) {
      expect({ path, options: options(path) }).toMatchObject({
        path,
        options: expect.arrayContaining(['rw', 'nosuid', 'nodev', 'noexec']),
      });
    }
    const writable = mounts
      .map((line) => line.split(' '))
      .filter(([, , , o]) => /^rw/.test(o ?? ''));
    const open = writable.filter(([, , , o]) => !/nosuid/.test(o ?? ''));
    expect(open.map(([, path]) => path).filter((path) => !path?.startsWith('/dev'))).toEqual([]);
  }, 30_000);

  test('has nine capabilities: eight, and net_admin for the bans of fail2ban', async () => {
    const { stdout } = await box.inside(['grep', 'CapBnd', '/proc/1/status']);

    const bits = Object.values(CAPABILITIES).reduce((sum, bit) => sum + 2 ** bit, 0);
    expect(Object.keys(CAPABILITIES)).toHaveLength(9);
    expect(stdout.trim().split(/\s+/)[1]).toBe(bits.toString(16).padStart(16, '0'));
  }, 30_000);

  test('creates and enters no namespace, by any of the four system calls', async () => {
    const program = await readFile(join(import.meta.dir, 'jail/calls.py'), 'utf8');
    const { stdout, stderr } = await box.inside(['python3', '-'], { stdin: program });
    expect(stderr).toBe('');
    const calls = Object.entries(JSON.parse(stdout) as Record<string, number>);

    const allowed = calls.filter(([, errno]) => errno === 0).map(([name]) => name);
    expect(allowed).toEqual(['clone', 'netlink ROUTE', 'netlink NETFILTER']);
    const wrong = calls.filter(
      ([name, errno]) => errno !== 0 && errno !== (name.startsWith('clone3') ? ENOSYS : EPERM),
    );
    expect(wrong).toEqual([]);
    expect(await mailFlows('behind a closed door')).toBe(true);
  }, 60_000);

  test('discloses and destroys nothing of the host by links in the folders that it may write to', async () => {
    const secret = join(box.data, '../outside');
    await mkdir(join(secret, 'cur'), { recursive: true });
    await writeFile(join(secret, 'current'), 'the secret of the host\n');
    await writeFile(join(secret, 'cur/1.M1.host,S=6:2,'), 'a secret\n');
    const listed = async () => (await readdir(secret, { recursive: true })).sort();
    const before = await listed();
    expect(await mailFlows('before the links')).toBe(true);
    await box.does('user add planted@example.test --password-stdin', { stdin: PASSWORD });
    // Each folder that mailctl reads, walks, measures or removes; the name outside is that of the host
    const plant = [
      'mv /var/log/mail/current /var/log/mail/moved',
      `ln -s ${secret}/current /var/log/mail/current`,
      `ln -s ${secret}/current /var/log/mail/@4000000065a0000000000000.s`,
      'rm -rf /srv/mail/example.test/planted',
      `ln -s ${secret} /srv/mail/example.test/planted`,
      `mkdir -p /var/lib/mailserver/sieve/example.test`,
      `ln -s ${secret} /var/lib/mailserver/sieve/example.test/planted`,
      `ln -sfn ${secret} /var/lib/mailserver/rspamd/planted`,
      `ln -s ${secret} /var/spool/postfix/planted`,
    ];
    const planted = await box.inside(['sh', '-ec', plant.join('\n')]);
    expect(planted.stderr).toBe('');
    try {
      const words = ['logs 100', 'user list --sizes', 'user show planted@example.test', 'status'];
      for (const word of [...words, 'doctor', 'queue list']) {
        const { stdout, stderr, status } = await box.mailctl(word);
        expect({ word, known: status === 0 || status === 1 }).toEqual({ word, known: true });
        expect(`${word}: ${stdout}${stderr}`).not.toContain('secret of the host');
      }

      await box.does('user del planted@example.test --purge --yes');
      await box.does('apply');
      expect(await listed()).toEqual(before);
    } finally {
      const back = 'rm -f @*.s current; mv moved current; s6-svc -r /run/service/log 2>&1 || true';
      await box.inside(['sh', '-c', `cd /var/log/mail && ${back}`]);
    }
    expect(await mailFlows('past planted links')).toBe(true);
  }, 120_000);

  test('sends no frame to the bridge with a foreign address, or to a closed destination', async () => {
    expect(await forge()).toEqual(HONEST);
    expect(await mailFlows('with its own address')).toBe(true);
  }, 60_000);

  test('has the same hardware address and interface on the host after a restart', async () => {
    await box.does('restart');

    expect(await readVeth(box)).toEqual({ veth, mac });
    expect(mac).toMatch(/^02(:[0-9a-f]{2}){5}$/);
    expect(await onRouter(`ip -o link show ${veth}`)).toContain('master br-mail');
    expect((await box.inside(['cat', '/sys/class/net/eth0/address'])).stdout.trim()).toBe(mac);
  }, 120_000);
});

const HONEST4 = [
  'honest: ACK from port 25',
  'honest: ARP request',
  'honest: ICMP error about its own packets',
  'honest: answer to a ping',
  'honest: refused connection',
];
const HONEST = [
  ...HONEST4,
  'honest: ACK from port 25 over IPv6',
  'honest: answer to a ping over IPv6',
  'honest: multicast listener report',
  'honest: neighbour advertisement',
  'honest: packet too big',
].sort();

/** Names of the frames from the container's eth0, forged and honest, that left the bridge. */
async function forge(from = box, [gateway, bridge] = ['10.82.25.1', 'br-mail']): Promise<string[]> {
  const script = join(import.meta.dir, 'jail/forge.py');
  const own = [(await readVeth(from)).mac, from.address, gateway, ADDRESS6, GATEWAY6];
  const words = ['python3', script, ...own, bridge, await initPid(from)];
  const { stdout, stderr } = await lab.router.run(words);
  expect(stderr).toBe('');
  return JSON.parse(stdout) as string[];
}

interface Plan {
  changes: { what: string; name: string; action: string; effect: string }[];
}

const table = `mailserver_${`${PREFIX}box`.replaceAll(/[^A-Za-z0-9]/g, '_')}`;

describe('a manual change to the network of a running container', () => {
  beforeAll(() => box.endServe());

  test.each([
    ['the veth is taken off the bridge', 'ip link set $VETH nomaster', ['container veth $VETH']],
    [
      'the bridge is deleted',
      'ip link del br-mail',
      ['firewall bridge br-mail', 'container veth $VETH'],
    ],
    [
      'the bridge is made again, without its address and its port',
      'ip link del br-mail; ip link add br-mail type bridge; ip link set br-mail up',
      ['firewall bridge br-mail', 'container veth $VETH'],
    ],
    ['the bridge loses its address', 'ip addr flush dev br-mail', ['firewall bridge br-mail']],
    ['the table is deleted', 'nft delete table inet $TABLE', ['firewall table inet $TABLE']],
    [
      'a rule of the table is gone',
      'nft flush chain inet $TABLE prerouting',
      ['firewall table inet $TABLE'],
    ],
    ['the filter is gone', 'nft delete table netdev $TABLE', ['firewall table netdev $TABLE']],
    [
      'every rule of the host is gone',
      'nft flush ruleset',
      ['firewall table inet $TABLE', 'firewall table netdev $TABLE'],
    ],
    [
      'forwarding is switched off',
      'sysctl -qw net.ipv4.ip_forward=0',
      ['firewall /proc/sys/net/ipv4/ip_forward'],
    ],
  ])(
    'is reverted: %s',
    async (what, command, expected) => {
      const named = (text: string) => text.replaceAll('$VETH', veth).replaceAll('$TABLE', table);
      const pid = await initPid();
      await onRouter(named(command));

      const { changes } = await box.json<Plan>('plan');
      expect(changes.map((change) => `${change.what} ${change.name}`)).toEqual(expected.map(named));
      expect(new Set(changes.map(({ effect }) => effect))).toEqual(new Set(['none']));
      await box.does('apply');

      expect(await box.does('plan')).toContain('nothing to change');
      expect(await initPid()).toBe(pid);
      expect(await mailFlows(`put back: ${what}`)).toBe(true);
    },
    90_000,
  );

  test('is a doctor warning while the filter is missing and every forged frame passes', async () => {
    await onRouter(`nft delete table netdev ${table}`);
    const gone = await box.mailctl('doctor --only network.filter');
    const passed = await forge();
    // The ARP cache entry that the forged frame set
    await onRouter('ip neigh flush dev br-mail');
    await box.does('apply');

    expect(passed.length).toBeGreaterThan(HONEST.length + 10);
    expect(await forge()).toEqual(HONEST);

    expect(gone.stdout).toContain(
      "the address filter of the container's interface was removed or changed",
    );
    expect(gone.status).toBe(1);
    expect(await box.does('doctor --only network.filter')).toContain('are dropped');
  }, 60_000);

  test('is degraded in status while the veth has no bridge', async () => {
    await onRouter(`ip link set ${veth} nomaster`);
    const { status, stdout } = await box.mailctl('status');
    await box.does('apply');

    expect(status).toBe(1);
    expect(stdout).toContain(`the container's interface ${veth} is not attached to a bridge`);
    expect((await box.json<{ state: string }>('status')).state).toBe('running');
  }, 60_000);

  test('is degraded in status while the address does not answer', async () => {
    await onRouter('ip addr flush dev br-mail; ip route add blackhole 10.82.25.2');
    const { status, stdout } = await box.mailctl('status');
    await onRouter('ip route del blackhole 10.82.25.2');
    await box.does('apply');

    expect(status).toBe(1);
    expect(stdout).toContain('10.82.25.2 does not answer');
    expect((await box.json<{ state: string }>('status')).state).toBe('running');
  }, 60_000);

  test('starts again when its veth is deleted', async () => {
    await onRouter(`ip link del ${veth}`);

    const { changes } = await box.json<Plan>('plan');
    expect(changes).toContainEqual({
      ...{ what: 'container', name: `veth ${veth}` },
      ...{ action: 'add', effect: 'restart container' },
    });
    await box.does('apply');
    expect(await mailFlows('after a new veth')).toBe(true);
  }, 120_000);
});

describe('on a bridge that belongs to the host', () => {
  const make =
    'ip link add br-own type bridge; ip addr add 192.168.90.1/24 dev br-own; ip link set br-own up';
  let two: Appliance;
  let port: string;

  beforeAll(async () => {
    await onRouter(make);
    const network = { bridge: 'br-own', address: '192.168.90.25/24' };
    two = await lab.prepare({ network }, 'two');
    await two.does('install');
    await two.endServe();
    port = (await readVeth(two)).veth;
  }, 120_000);

  test('the same filter is active', async () => {
    expect(port).not.toBe(veth);
    expect(await forge(two, ['192.168.90.1', 'br-own'])).toEqual(HONEST4);
    expect(await two.does('plan')).toContain('nothing to change');
  }, 60_000);

  test('a missing bridge is not created, and a bridge that is back is joined again', async () => {
    await onRouter('ip link del br-own');
    const gone = await two.mailctl('apply');
    expect(await onRouter('ls /sys/class/net')).not.toContain('br-own');
    await onRouter(make);

    const { changes } = await two.json<Plan>('plan');
    await two.does('apply');

    expect(gone.status).toBe(69);
    expect(gone.stderr).toContain('the bridge br-own is missing, and mailctl did not create it');
    expect(changes.map(({ what, name }) => `${what} ${name}`)).toEqual([`container veth ${port}`]);
    expect((await two.json<{ state: string }>('status')).state).toBe('running');
  }, 90_000);
});
