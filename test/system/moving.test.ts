// The data folder is copied to another place, as people copy it; and UCI names another place while the server runs.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { plainMessage } from './clients/mail.ts';
import type { Appliance } from './lab/appliance.ts';
import { type Lab, PASSWORD, startLab } from './lab/lab.ts';
import { NETWORK, WORK_DIRECTORY } from './lab/plan.ts';

const ALICE = { user: 'alice@example.test', password: PASSWORD };
const SCRIPT = 'require "fileinto"; if header :contains "subject" "bill" { fileinto "Bills"; }';
const FOLDER = join(WORK_DIRECTORY, 'copy');
/** scp starts this in place of ssh; the command runs on this machine. */
const SSH = '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift 2\nexec sh -c "$*"\n';

let lab: Lab;
let box: Appliance;

async function sh(script: string): Promise<string> {
  const { status, stdout, stderr } = await lab.router.run(['sh', '-c', script]);
  if (status !== 0) throw new Error(`${script}: ${stderr}`);
  return stdout.trim();
}

/** Delivers a message to alice and returns her inbox. */
async function inboxWith(subject: string): Promise<string> {
  const from = 'visitor@outside.test';
  const message = plainMessage({ from, to: ALICE.user, subject });
  const sent = await lab.wan.deliver(
    { from, to: [ALICE.user], message },
    { from: NETWORK.stranger },
  );
  expect(sent.code).toBe(250);
  const session = await lab.lan.mailbox(ALICE);
  for (;;) {
    const inbox = (await session.messages('INBOX')).join('\n');
    if (!inbox.includes(subject)) continue;
    session.close();
    return inbox;
  }
}

async function sieveScripts(): Promise<string[]> {
  const session = await lab.lan.sieve();
  await session.starttls();
  await session.login(ALICE.user, PASSWORD);
  const { lines } = await session.command('LISTSCRIPTS');
  session.close();
  return lines;
}

const fingerprint = async (of: Appliance) =>
  (await of.json<{ fingerprint: string }>('ssl-status')).fingerprint;

beforeAll(async () => {
  lab = await startLab();
  box = await lab.appliance({ features: { greylist: 0 } }, ['alice']);
  const session = await lab.lan.sieve();
  await session.starttls();
  await session.login(ALICE.user, PASSWORD);
  for (const name of ['other', 'main']) await session.putScript(name, `# ${name}\n${SCRIPT}`);
  await session.command('SETACTIVE "main"');
  session.close();
}, 300_000);

afterAll(() => lab?.down());

describe('install on a copy of the data folder', () => {
  let copy: Appliance;
  let before: { fingerprint: string; scripts: string[] };

  beforeAll(async () => {
    await inboxWith('before the move');
    before = { fingerprint: await fingerprint(box), scripts: await sieveScripts() };
    expect(before.scripts).toContain('"main" ACTIVE');
    await box.does('stop');
    const network = { bridge: 'br-copy', address: '10.99.0.2/24' };
    copy = await lab.prepare({ network, features: { greylist: 0 } }, 'copy');
    await writeFile(join(FOLDER, 'ssh'), SSH, { mode: 0o755 });
  }, 60_000);

  // every way to copy: test/appliance/apply/adopt.test.ts
  test('gives the same server at its own place, with owners and links that scp has lost', async () => {
    // scp names the sockets of the queue as not copied
    await sh(
      `rm -r ${copy.data}; cd ${FOLDER}; scp -qOr -S ./ssh other:${box.data} . 2>/dev/null || :`,
    );
    await copy.does('install');

    const inbox = await inboxWith('after the move');
    const containers = ['mail', 'queue', 'state', 'log'].map((name) => join(copy.data, name));
    expect(inbox).toContain('before the move');
    expect(await sh(`find ${containers.join(' ')} -uid -100000 -o -gid -100000`)).toBe('');
    expect((await copy.mailctl('doctor --only files apply')).status).toBe(0);
    expect(await fingerprint(copy)).toBe(before.fingerprint);
    expect(await sieveScripts()).toEqual(before.scripts);
    expect(await copy.does('plan')).toContain('nothing to change');
  }, 60_000);

  test('does not go back to the other place when the container cannot start here', async () => {
    await copy.does('stop');
    await rm(copy.data, { recursive: true });
    await sh(`cp -a ${box.data} ${FOLDER}`);
    const broken = join(FOLDER, 'broken');
    await sh(
      `mkdir ${broken}; printf '#!/bin/sh\nexit 1\n' >${broken}/lxc-start; chmod +x ${broken}/*`,
    );
    const install = [lab.source.binary, '--config', copy.config, 'install'];
    const path = `PATH=${broken}:/usr/sbin:/usr/bin:/sbin:/bin`;
    const { status, stderr } = await lab.router.run(['env', path, ...install]);

    expect(status).toBe(1);
    expect(stderr).toContain('there is no other good one to roll back to');
    expect(await sh('ls /sys/class/net')).not.toContain('br-mail');
    const config = `${FOLDER}/lxc/$(ls ${FOLDER}/lxc)/config`;
    expect(await sh(`grep ipv4.address ${config}`)).toContain('10.99.0.2');
  }, 60_000);

  test('uninstall removes the bridge that was made, also when UCI names another', async () => {
    await copy.configure({ network: { bridge: 'br-never' } });
    await copy.does('uninstall');

    expect(await sh('ip -o link show type bridge')).toBe('');
    expect(await sh('cat /proc/sys/net/ipv4/ip_forward')).toBe('0');
  }, 60_000);
});

describe('while the server runs', () => {
  beforeAll(() => box.does('start'), 60_000);

  const initPid = () => sh('pidof s6-svscan');

  /** The commands of a hint, typed by an operator. */
  const type = (hint: string) =>
    sh(hint.replaceAll('mailctl ', `${lab.source.binary} --config ${box.config} `));

  /** Plan and apply refuse alike, and change nothing. Returns the hint. */
  async function refuses(message: string): Promise<string> {
    const pid = await initPid();
    const [plan, apply] = [await box.mailctl('plan'), await box.mailctl('apply')];
    const status = await box.mailctl('status');

    expect([plan.status, apply.status, status.status]).toEqual([69, 69, 0]);
    expect(plan.stderr).toContain(message);
    expect(apply.stderr).toContain(message);
    expect(status.stdout).toContain(`unapplied   ${message}`);
    expect(await initPid()).toBe(pid);
    return /^hint: (.*?)(?: {3}|$)/m.exec(apply.stderr)?.[1] ?? '';
  }

  test('another data folder is refused with the commands that move the data, there and back', async () => {
    const [here, there] = [box.data, join(WORK_DIRECTORY, 'box/elsewhere')];
    await box.configure({ main: { data_path: there } });
    const restart = await box.mailctl('restart');
    const hint = await refuses(
      `main.data_path is ${there}, and the data of the server is in ${here}`,
    );
    await box.does('stop');
    const start = await box.mailctl('start');
    expect([restart.status, start.status]).toEqual([69, 69]);
    expect(await sh(`ls ${join(there, '..')}`)).not.toContain('elsewhere');

    await type(hint);
    expect(await inboxWith('in the second folder')).toContain('before the move');
    expect(await box.does('plan')).toContain('nothing to change');

    await box.configure({ main: { data_path: here } });
    await refuses(`main.data_path is ${here}, and the data of the server is in ${there}`);
    await box.configure({ main: { data_path: there } });
    expect(await box.does('plan')).toContain('nothing to change');
  }, 90_000);

  test('another container on the same data is refused', async () => {
    const name = (await sh(`grep -o 'container .*' ${box.config} | head -1`)).split("'")[1] ?? '';
    await box.configure({ main: { container: `${name}2` } });
    const { status, stderr } = await box.mailctl('install');
    await box.configure({ main: { container: name } });

    expect(status).toBe(69);
    expect(stderr).toContain(`the container ${name}`);
    expect(await box.does('plan')).toContain('nothing to change');
  }, 60_000);

  test('another id range is refused by apply, and restart changes the owners', async () => {
    await box.configure({ main: { idmap_base: 300000 } });
    const hint = await refuses('main.idmap_base is 300000, and the container runs with 100000');
    await type(hint);

    expect(hint).toBe('mailctl restart');
    expect(await inboxWith('with other ids')).toContain('before the move');
    expect(await sh(`find ${box.data}/../elsewhere/mail ! -uid 305000`)).toBe('');
    expect(await box.does('plan')).toContain('nothing to change');
  }, 90_000);

  test('another bridge and address leave nothing of the ones before', async () => {
    await box.configure({ network: { bridge: 'br-next' } });
    const doctor = await box.mailctl('doctor --only apply.pending');
    expect(await box.does('plan')).toContain('network and ports');
    await box.does('apply');
    expect(await inboxWith('over another bridge')).toContain('before the move');
    expect(await sh('ip -o link show type bridge')).not.toContain('br-mail');

    await box.configure({ network: { address: '10.77.0.2/24' } });
    expect((await box.mailctl('status')).stdout).toMatch(/unapplied +changes of the UCI file: \d/);
    await box.does('apply');
    expect(await inboxWith('to another address')).toContain('before the move');
    expect(await sh('ip -o -4 addr show dev br-next')).not.toContain('10.82.25.1');

    expect(doctor.status).toBe(1);
    expect(doctor.stdout).toContain('changes of the UCI file that are not applied yet');
    expect(await box.does('plan')).toContain('nothing to change');
    expect((await box.mailctl('status')).stdout).not.toContain('unapplied');
  }, 120_000);

  test('an address of another machine on the bridge is refused before it is taken', async () => {
    await sh(`ip link add br-own type bridge; ip link set br-own up; ip link set lan0 master br-own
      ip addr flush dev lan0; ip addr add ${NETWORK.router.lan}/24 dev br-own
      ip addr add ${NETWORK.router.lan6}/64 dev br-own nodad`);
    const { stdout } = await lab.lan.run(['ip', '-o', 'link', 'show', 'eth0']);
    const mac = / link\/ether (\S+)/.exec(stdout)?.[1] ?? 'no address';
    const attempts = [
      { address: `${NETWORK.lan.address}/24`, address6: '' },
      { address: '192.168.77.25/24', address6: `${NETWORK.lan.address6}/64` },
      { address: `${NETWORK.router.lan}/24`, address6: '' },
    ];
    const refusals: string[] = [];
    for (const attempt of attempts) {
      await box.configure({ network: { bridge: 'br-own', ...attempt } });
      const pid = await initPid();
      const { status, stderr } = await box.mailctl('apply');
      expect([status, await initPid()]).toEqual([69, pid]);
      refusals.push(stderr);
    }
    await box.configure({ network: { address: '192.168.77.25/24', address6: 'fd77::25/64' } });
    await box.does('apply');

    expect(refusals[0]).toContain(`network.address ${NETWORK.lan.address} is taken by another`);
    expect(refusals[0]).toContain(mac);
    expect(refusals[1]).toContain(`network.address6 ${NETWORK.lan.address6} is taken by another`);
    expect(refusals[2]).toContain('is taken by this host on br-own');
    expect(await sh('ip -o link show type bridge')).not.toContain('br-next');
    const rules = await sh('nft list ruleset inet');
    expect(rules).toContain('table inet mailserver_');
    expect(rules).not.toContain('dnat ip');
    expect(await box.does('plan')).toContain('nothing to change');
    expect((await lab.lan.smtp({ host: '192.168.77.25' })).greeting.code).toBe(220);
  }, 120_000);
});
