// What root in the container reaches on the LAN, the router and outside, on a bridge of the router, where the router's
// own rules publish the ports. Each closed destination is reached as soon as the rules are gone.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { plainMessage } from './clients/mail.ts';
import type { Appliance } from './lab/appliance.ts';
import { type Lab, PASSWORD, startLab } from './lab/lab.ts';
import { onHost } from './lab/network.ts';
import { NETWORK, PREFIX, RUN_DIRECTORY, WORK_DIRECTORY } from './lab/plan.ts';
import { must, startInBackground, waitFor } from './lab/programs.ts';
import { pauseScheduler } from './lab/scheduler.ts';

const ALICE = { user: 'alice@example.test', password: PASSWORD };
const BOX = '192.168.77.25';
const BOX6 = 'fd77::25';
const METADATA = '169.254.169.254';
const METADATA6 = 'fd00:ec2::254';
/** A public address of a LAN station, in no network that the bridge shows. */
const ON_LAN = { four: '203.0.113.200', six: '2001:db8:77::200' };
const OUTSIDE = { four: NETWORK.stranger, six: NETWORK.stranger6 };
const TABLE = `mailserver_${`${PREFIX}box`.replaceAll(/[^A-Za-z0-9]/g, '_')}`;

type Target = [protocol: 'tcp' | 'udp', address: string, port: number];

const PORTS = [22, 53, 80, 443, 853];
const { router, lan } = NETWORK;
const NEAR = [router.lan, router.lan6, router.wan, router.wan6, lan.address, lan.address6];

const targets = (addresses: readonly string[], ports: readonly number[]): Target[] =>
  addresses.flatMap((address) =>
    ports.flatMap((port): Target[] => [
      ['tcp', address, port],
      ['udp', address, port],
    ]),
  );

const CLOSED = [
  ...targets([...NEAR, METADATA, METADATA6, ON_LAN.four, ON_LAN.six], PORTS),
  ...targets([OUTSIDE.four, OUTSIDE.six], [22, 80, 443, 853]),
];

let lab: Lab;
let box: Appliance;
let resume: () => Promise<void>;

const onRouter = (script: string) => must(lab.router.command(['sh', '-ec', script]));
const on = (host: 'lan' | 'wan', script: string) => must(onHost(host, ['sh', '-ec', script]));

/** Bridges the LAN, and publishes the container's ports as a router's firewall does. */
const ROUTER = `
ip link add br-lan type bridge forward_delay 0
ip addr flush dev lan0
ip link set lan0 master br-lan
ip addr add ${router.lan}/24 dev br-lan
ip addr add ${router.lan6}/64 dev br-lan nodad
ip link set br-lan up
ip route add ${ON_LAN.four} dev br-lan
ip route add ${ON_LAN.six} dev br-lan
sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
nft -f - <<END
table inet router {
  chain publish {
    type nat hook prerouting priority dstnat
    iifname wan0 meta nfproto ipv4 tcp dport { 25, 587, 465, 143, 993 } dnat ip to ${BOX}
  }
  chain leave {
    type nat hook postrouting priority srcnat
    oifname wan0 masquerade
  }
}
END`;

async function listenOn(name: string, argv: string[], ports: number[]): Promise<void> {
  const log = `${RUN_DIRECTORY}/listen-${name}`;
  startInBackground(
    [...argv, join(import.meta.dir, 'egress/listen.py'), ...ports.map(String)],
    log,
  );
  await waitFor(`the listeners on ${name}`, async () => {
    const said = (await Bun.file(log).exists()) ? await Bun.file(log).text() : '';
    if (said.includes('Error')) throw new Error(said);
    return said.includes('ready') || undefined;
  });
}

beforeAll(async () => {
  lab = await startLab();
  await onRouter(ROUTER);
  await on(
    'lan',
    `ip addr add ${ON_LAN.four}/32 dev eth0; ip addr add ${ON_LAN.six}/128 dev eth0 nodad`,
  );
  await on('wan', `ip addr add ${METADATA}/32 dev lo; ip addr add ${METADATA6}/128 dev lo nodad`);
  await listenOn('router', lab.router.command(['python3']), PORTS);
  await listenOn('lan', onHost('lan', ['python3']), [25, ...PORTS]);
  await listenOn('wan', onHost('wan', ['python3']), [22, 80, 443, 853]);
  const network = { bridge: 'br-lan', address: `${BOX}/24`, address6: `${BOX6}/64` };
  box = await lab.appliance({ features: { greylist: 0 }, network }, ['alice']);
  resume = await pauseScheduler(box, lab.router);
}, 300_000);

afterAll(() => lab?.down());

async function reach(wanted: readonly Target[]): Promise<Target[]> {
  const program = await readFile(join(import.meta.dir, 'egress/reach.py'), 'utf8');
  const { stdout, stderr } = await box.inside(['python3', '-', JSON.stringify(wanted)], {
    stdin: program,
  });
  expect(stderr).toBe('');
  return (JSON.parse(stdout) as Target[]).sort();
}

const initPid = (): Promise<string> =>
  onRouter(`lxc-info -P ${WORK_DIRECTORY}/box/lxc -n ${PREFIX}box -H -p`);

/** Whether mail comes in from outside, is read from the LAN over `host`, and goes out. */
async function mailFlows(subject: string, host = BOX): Promise<void> {
  const from = 'visitor@outside.test';
  const message = plainMessage({ from, to: ALICE.user, subject }, 'x'.repeat(70).repeat(100));
  const envelope = { from, to: [ALICE.user], message };
  expect((await lab.wan.deliver(envelope, { from: NETWORK.stranger })).code).toBe(250);
  const session = await lab.lan.mailbox(ALICE, { host });
  await session.command('SELECT INBOX');
  await waitFor(`${subject} in INBOX`, async () => {
    const { untagged } = await session.command(`SEARCH SUBJECT "${subject}"`);
    return untagged.some((line) => /^SEARCH \d/.test(line)) || undefined;
  });
  session.close();
  await lab.lan.submit(ALICE, { from: ALICE.user, to: from, subject, text: subject }, { host });
  await lab.mx.receive(({ raw }) => raw.includes(`Subject: ${subject}`));
}

describe('root in the container', () => {
  test('reaches DNS and mail servers of the internet', async () => {
    const open: Target[] = [
      ['tcp', NETWORK.mx, 25],
      ['tcp', NETWORK.dns, 53],
    ];

    expect(await reach(open)).toEqual([...open].sort());
  }, 30_000);

  test.each([
    ['IPv4', BOX],
    ['IPv6', BOX6],
  ])('leaves mail in and out as it is, with a client on the LAN over %s', async (name, host) => {
    await mailFlows(`confined ${name}`, host);
  });

  test('reaches neither the router, nor the LAN, nor metadata addresses, nor other ports', async () => {
    expect(await reach(CLOSED)).toEqual([]);
  }, 30_000);

  test('reaches all of them once the rules are gone, until apply loads them again', async () => {
    await onRouter(`nft delete table netdev ${TABLE}; nft delete table inet ${TABLE}`);
    const { changes } = await box.json<{ changes: { name: string; effect: string }[] }>('plan');
    const reached = await reach(CLOSED);
    await box.does('apply');

    expect(reached).toEqual([...CLOSED].sort());
    expect(changes).toMatchObject([
      { name: `table inet ${TABLE}`, effect: 'none' },
      { name: `table netdev ${TABLE}`, effect: 'none' },
    ]);
    expect(await reach(CLOSED)).toEqual([]);
  }, 60_000);
});

describe('the router', () => {
  test('may redirect DNS to its own resolver', async () => {
    // not routed in the lab
    const elsewhere = targets(['9.9.9.9'], [53]);
    const before = await reach(elsewhere);
    const hook = 'type nat hook prerouting priority dstnat - 1;';
    const rule = `ip saddr ${BOX} meta l4proto { tcp, udp } th dport 53 redirect;`;
    await onRouter(`nft 'table inet force { chain dns { ${hook} ${rule} }; }'`);
    const redirected = await reach(elsewhere);
    await onRouter('nft delete table inet force');

    expect({ before, redirected }).toEqual({ before: [], redirected: elsewhere.sort() });
  }, 60_000);
});

describe('an option', () => {
  test('opens a destination, and nothing beside it, without a restart', async () => {
    const pid = await initPid();
    await box.configure({
      network: { egress: [`${lan.address}:853`, `[${lan.address6}]:443/udp`] },
    });
    const planned = await box.does('plan');
    await box.does('apply');

    const listed: Target[] = [
      ['tcp', lan.address, 853],
      ['udp', lan.address6, 443],
    ];
    expect(planned).toContain('network and ports');
    expect(await reach(CLOSED)).toEqual([...listed].sort());
    expect(await initPid()).toBe(pid);
    await box.configure({ network: { egress: [] } });
    await box.does('apply');
    expect(await reach(CLOSED)).toEqual([]);
  }, 90_000);

  test('dns_forward opens port 53 of the router, and closes it elsewhere', async () => {
    await box.configure({ network: { dns_forward: [router.lan, router.lan6] } });
    await box.does('apply');

    const resolvers = targets([router.lan, router.lan6], [53]);
    expect(await reach([...CLOSED, ['tcp', NETWORK.dns, 53]])).toEqual([...resolvers].sort());
    await box.configure({ network: { dns_forward: [] } });
    await box.does('apply');
  }, 90_000);
});

describe('doctor', () => {
  const check = 'doctor --only network.egress';

  test('tries from inside, and finds that the container is confined', async () => {
    expect(await box.does(check)).toContain('the host, the gateway and metadata do not');
  }, 60_000);

  test('warns when the rules are gone, and loads them again', async () => {
    await onRouter(`nft delete table inet ${TABLE}`);
    const gone = await box.mailctl(check);
    const fixed = await box.does(`${check} --fix --yes`);

    expect(gone.status).toBe(1);
    expect(gone.stdout).toContain('were removed or changed');
    expect(fixed).toContain('network.egress: DNS answers');
    expect(await box.does('plan')).toContain('nothing to change');
  }, 60_000);

  test('names what the container reaches although the rules are loaded', async () => {
    const public6 = '2001:db8:77::201';
    // untracked packets of neighbour discovery pass, so other rules of the host can open it
    const untrack = 'type filter hook prerouting priority raw; meta l4proto tcp notrack;';
    await onRouter(
      `ip addr add ${public6}/128 dev br-lan nodad; nft 'table inet open { chain untrack { ${untrack} }; }'`,
    );
    const { status, stdout } = await box.mailctl(check);
    await onRouter(`ip addr del ${public6}/128 dev br-lan; nft delete table inet open`);

    expect(stdout).toContain(`a connection from the container reaches ${public6} port 53`);
    expect(status).toBe(1);
  }, 60_000);

  test('warns of a server that an earlier version started, which the next apply confines', async () => {
    await onRouter(`nft delete table netdev ${TABLE}; nft delete table inet ${TABLE}`);
    const file = join(box.data, 'rendered/current/host.json');
    const part = JSON.parse(await readFile(file, 'utf8')) as { network: { egress?: object } };
    delete part.network.egress;
    await writeFile(file, JSON.stringify(part));
    const { status, stdout } = await box.mailctl(check);
    const pid = await initPid();
    await box.does('apply');

    expect(stdout).toContain('the container was started without limits on its connections');
    expect(status).toBe(1);
    expect(await reach(CLOSED)).toEqual([]);
    expect(await initPid()).toBe(pid);
  }, 60_000);

  test('warns where the kernel cannot filter at the interface', async () => {
    const folder = join(RUN_DIRECTORY, 'old-kernel');
    await mkdir(folder, { recursive: true });
    const refuse =
      'case "$text" in *"table netdev"*) echo "Error: Operation not supported" >&2; exit 1; esac';
    const script = `#!/bin/sh\n[ "$1" = -f ] || exec /usr/sbin/nft "$@"\ntext=$(cat); ${refuse}\necho "$text" | exec /usr/sbin/nft -f -\n`;
    await writeFile(join(folder, 'nft'), script, { mode: 0o755 });
    const env = { PATH: `${folder}:${process.env.PATH}` };
    await onRouter(`nft delete table netdev ${TABLE}`);
    const { stderr } = await box.mailctl('apply', { env });
    const { status, stdout } = await box.mailctl(check, { env });
    // tmpfs: as after a start on a kernel that has it
    await onRouter('rm /run/mailserver/*/nft-netdev.json');
    await box.does('apply');

    expect(stderr).toContain('the veth filter is not loaded');
    expect(stderr).toContain('Operation not supported');
    expect(stdout).toContain(`nftables of this host refused the table netdev ${TABLE}`);
    expect(status).toBe(1);
    expect(await reach(CLOSED)).toEqual([]);
  }, 60_000);

  test('the scheduler loads rules again that were flushed', async () => {
    await onRouter(`nft delete table netdev ${TABLE}; nft delete table inet ${TABLE}`);
    // it looks every five minutes, and when it is woken
    await resume();

    await waitFor('the rules to be loaded', async () => {
      const { status } = await lab.router.run(['nft', 'list', 'table', 'netdev', TABLE]);
      return status === 0 || undefined;
    });
    expect(await reach(CLOSED)).toEqual([]);
  }, 60_000);
});
