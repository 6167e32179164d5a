// Life cycle of the appliance: install, apply, rollback, kill at any moment, stop, uninstall.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Appliance } from './lab/appliance.ts';
import { type Lab, startLab } from './lab/lab.ts';
import { NETWORK, PREFIX, WORK_DIRECTORY } from './lab/plan.ts';
import { waitFor } from './lab/programs.ts';

/** A program of this host that listens on an address and a port; resolves when it is listening. */
const LISTENER = `
  const [hostname, port] = process.argv.slice(-2);
  Bun.listen({ hostname, port: Number(port), socket: { data() {} } });
  console.log('listening');
`;
const BRIDGE = '/sys/class/net/br-mail';

let lab: Lab;
let box: Appliance;
let untouched: string;

/** The objects of the appliance on its machine outside the data folder. */
async function traces(): Promise<string> {
  const look = [
    'ls /run/mailserver | grep -v lock',
    `grep ${PREFIX}box /proc/mounts`,
    'ip -o link show type bridge',
    'ip -o link show type veth | grep -v eth',
    'nft list tables',
    'cat /proc/sys/net/ipv4/ip_forward',
    'ps -eo args | grep -E "s6-svscan|lxc-start|\\[lxc" | grep -v grep',
    `ls ${join(WORK_DIRECTORY, 'box/lxc')}`,
  ];
  const { stdout } = await lab.router.run(['sh', '-c', look.join('; ')]);
  return stdout.replace(/state \w+|mtu \d+|qdisc \w+/g, '');
}

/** Files newer than the mark, except those that the daemons write at run time. */
async function changed(): Promise<string[]> {
  const list = ['find', box.data, '-xdev', '!', '-path', '*/log/*', '-newer', '/run/lab-mark'];
  const paths = (await lab.router.run(list)).stdout.split('\n').filter((path) => path !== '');
  return paths.filter((path) => !/\/(state|queue)\//.test(path));
}
/** Files that change after this are newer; a file system may have timestamps of whole seconds only. */
async function mark(): Promise<void> {
  const later = join(WORK_DIRECTORY, 'later');
  await lab.router.run(['touch', '/run/lab-mark']);
  await waitFor('a file to be newer', async () => {
    await lab.router.run(['touch', later]);
    const { stdout } = await lab.router.run(['find', later, '-newer', '/run/lab-mark']);
    return stdout === '' ? undefined : true;
  });
}

beforeAll(async () => {
  lab = await startLab();
  box = await lab.prepare();
  untouched = await traces();
}, 300_000);

afterAll(() => lab?.down());

describe('install', () => {
  test('refuses a damaged image with both hashes and leaves nothing behind', async () => {
    const folder = join(WORK_DIRECTORY, 'damaged');
    await mkdir(folder, { recursive: true });
    const good = lab.source.image;
    const bad = join(folder, 'bad.squashfs');
    await cp(good, bad);
    await cp(good.replace('.squashfs', '.manifest.json'), join(folder, 'bad.manifest.json'));
    const bytes = await readFile(bad);
    bytes.writeUInt8(bytes.readUInt8(5000) ^ 1, 5000);
    await writeFile(bad, bytes);

    const { status, stderr } = await box.mailctl(['install', '--image', bad]);

    expect(status).toBe(65);
    expect(stderr).toMatch(/is damaged: its SHA-256 is [0-9a-f]{64}, and its manifest says/);
    expect(await traces()).toBe(untouched);
  }, 60_000);

  test('an image for another machine is refused with the machine it is for', async () => {
    const folder = join(WORK_DIRECTORY, 'foreign');
    await mkdir(folder, { recursive: true });
    const manifest = await readFile(
      lab.source.image.replace('.squashfs', '.manifest.json'),
      'utf8',
    );
    await cp(lab.source.image, join(folder, 'x.squashfs'));
    const foreign = manifest.replace('"amd64"', '"arm64"');
    await writeFile(join(folder, 'x.manifest.json'), foreign);

    const { status, stderr } = await box.mailctl([
      'install',
      '--image',
      join(folder, 'x.squashfs'),
    ]);

    expect(status).toBe(65);
    expect(stderr).toContain('is for arm64, and this machine is amd64');
  }, 60_000);

  test('a port in use is named with the program that uses it', async () => {
    const squatter = Bun.spawn(
      lab.router.command([process.execPath, '-e', LISTENER, NETWORK.router.wan, '587']),
      { stdout: 'pipe', stderr: 'inherit' },
    );
    await squatter.stdout.getReader().read();
    const { status, stderr } = await box.mailctl('install');
    squatter.kill('SIGKILL');
    await lab.router.run(['pkill', '-9', '-f', 'Bun.listen']);

    expect(status).toBe(69);
    expect(stderr).toContain('port 587 of this host is in use by bun');
  }, 60_000);

  test('after a kill at any moment the next run converges and leaves nothing behind', async () => {
    for (const delay of [60, 200, 350, 600, 1200, 2500]) {
      const child = Bun.spawn(
        lab.router.command([lab.source.binary, '--config', box.config, 'install']),
        { stdout: 'ignore', stderr: 'ignore' },
      );
      await Bun.sleep(delay);
      await lab.router.run(['pkill', '-9', '-x', 'mailctl']);
      await child.exited;
    }
    await box.does('install');
    const leftovers = await lab.router.run(['find', box.data, '-name', '*.tmp']);

    expect(leftovers.stdout).toBe('');
    expect((await box.json<{ state: string }>('status')).state).toBe('running');
  }, 180_000);

  test('a second install and apply change nothing on the disk', async () => {
    await mark();

    expect(await box.does('install')).toContain('is installed and running');
    expect(await box.does('apply')).toBe(
      'nothing to change\nin force, and proven when it was applied; to prove it again: mailctl doctor\n',
    );
    expect(await changed()).toEqual([]);
  }, 60_000);
});

describe('apply', () => {
  test('ends with the probes that show that the new configuration works', async () => {
    await box.configure({ smtp: { rate_limit: 100 } });

    const lines = (await box.does('apply')).trimEnd().split('\n');

    const [heading = '', ...proven] = lines.slice(lines.findIndex((line) => !/^[ +~-]/.test(line)));
    expect(heading).toBe('in force, and proven now:');
    const names = ['smtp', 'submission', 'smtps', 'imap', 'imaps', 'pop3', 'pop3s', 'sieve'];
    expect(proven.map((line) => line.trim().split(': ')[0])).toEqual([
      ...names,
      'login',
      'delivery',
    ]);
    expect(proven[0]).toContain('certificate as installed');
    expect(proven.at(-1)).toBe('  delivery: a message sent on submission arrived (read on imaps)');
  }, 60_000);

  test('a changed option reloads its daemon and keeps every process', async () => {
    const postfix = await box.inside(['pidof', 'master']);
    await box.configure({ smtp: { message_size_limit: '30M' } });

    expect(await box.does('plan')).toContain('+message_size_limit = 31457280');
    expect(await box.does('apply')).toContain('reload postfix');
    expect((await box.inside(['pidof', 'master'])).stdout).toBe(postfix.stdout);
    expect((await box.inside(['postconf', '-h', 'message_size_limit'])).stdout.trim()).toBe(
      '31457280',
    );
  }, 60_000);

  test('own lines for a daemon are applied, and removed again with their file', async () => {
    const custom = join(box.data, 'custom/dovecot.conf');
    const limit = async () =>
      (await box.inside(['doveconf', '-h', 'mail_max_userip_connections'])).stdout.trim();
    const before = await limit();
    await writeFile(custom, 'mail_max_userip_connections = 77\n');
    expect(await box.does('apply')).toContain('reload dovecot');
    expect(await limit()).toBe('77');
    await rm(custom);
    expect(await box.does('apply')).toContain('reload dovecot');
    expect(await limit()).toBe(before);
  }, 60_000);

  test('a mail domain entered by hand is in the plan with its key, and gets the key', async () => {
    const file = join(box.data, 'config/vdomains');
    const before = await readFile(file, 'utf8');
    await writeFile(file, `${before}byhand.test\n`);

    const plan = await box.does('plan');
    expect(plan).toContain('directory.db');
    expect(plan).toContain('dkim keys');
    await box.does('apply');

    expect(await box.does('plan')).toContain('nothing to change');
    expect(await box.does('dkim show byhand.test')).toContain('mail._domainkey.byhand.test');
    await writeFile(file, before);
    await box.does('apply');
  }, 60_000);

  test('an invalid UCI file is reported with its lines and nothing changes', async () => {
    const text = await readFile(box.config, 'utf8');
    await writeFile(
      box.config,
      `${text}\nconfig ports 'ports'\n\toption smtp '99999'\n\toptio x\n`,
    );
    await mark();
    const { status, stderr } = await box.mailctl('apply');
    await writeFile(box.config, text);

    expect(status).toBe(78);
    expect(stderr).toContain("'99999'");
    expect(await changed()).toEqual([]);
    expect((await box.json<{ state: string }>('status')).state).toBe('running');
  }, 60_000);

  test('a configuration that fails its probes is rolled back, and the server keeps running', async () => {
    const custom = join(box.data, 'custom/postfix-main.cf');
    await writeFile(
      custom,
      'smtpd_relay_restrictions = permit\nsmtpd_recipient_restrictions = permit\n',
    );
    const { status, stderr } = await box.mailctl('apply');
    await rm(custom);

    expect(status).toBe(1);
    expect(stderr).toContain('the log says: smtpd: fatal: in parameter smtpd_relay_restrictions');
    expect(stderr).toContain('rolled back to the last good configuration');
    expect((await lab.lan.smtp()).greeting.code).toBe(220);
    await box.does('apply');
  }, 90_000);

  test('an image whose daemons do not start is rolled back', async () => {
    const before = (await box.json<{ image: { sha256: string } }>('status')).image.sha256;
    const folder = join(WORK_DIRECTORY, 'broken');
    await mkdir(join(folder, 'root'), { recursive: true });
    const image = join(folder, 'broken.squashfs');
    const pack = `mksquashfs ${join(folder, 'root')} ${image} -quiet -no-progress >/dev/null &&
      sha256sum ${image} | cut -d ' ' -f 1`;
    const digest = (await lab.router.run(['sh', '-c', pack])).stdout.trim();
    const manifest = JSON.parse(
      await readFile(lab.source.image.replace('.squashfs', '.manifest.json'), 'utf8'),
    );
    const text = JSON.stringify({ ...manifest, image_sha256: digest });
    await writeFile(join(folder, 'broken.manifest.json'), text);

    const { status, stderr } = await box.mailctl(['install', '--image', image]);

    expect(status).toBe(1);
    expect(stderr).toContain('rolled back');
    const after = await box.json<{ state: string; image: { sha256: string } }>('status');
    expect(after).toMatchObject({ state: 'running', image: { sha256: before } });
  }, 120_000);
});

describe('stop and uninstall', () => {
  test('stop removes interface, rules and mounts within ten seconds, and start restores them', async () => {
    const began = Date.now();
    await box.does('stop');
    // The bound is the timeout of lxc-stop, not a measurement
    expect(Date.now() - began).toBeLessThan(15_000);
    expect(await Bun.file(`${BRIDGE}/ifalias`).exists()).toBe(false);
    expect((await lab.router.run(['nft', 'list', 'tables'])).stdout).not.toContain('mailserver_');

    expect((await box.json<{ state: string }>('start')).state).toBe('running');
    expect((await lab.lan.smtp()).greeting.code).toBe(220);
  }, 90_000);

  test('uninstall leaves only the data, also after a kill on the way', async () => {
    await box.does('user add keeper@example.test --generate');
    for (const delay of [100, 400, 1500]) {
      const child = Bun.spawn(
        lab.router.command([lab.source.binary, '--config', box.config, 'uninstall']),
        { stdout: 'ignore', stderr: 'ignore' },
      );
      await Bun.sleep(delay);
      await lab.router.run(['pkill', '-9', '-x', 'mailctl']);
      await child.exited;
    }
    await box.does('uninstall');

    const left = await traces();
    expect(left).toBe(untouched);
    expect((await lab.router.run(['ls', box.data])).stdout.split('\n')).toContain('mail');
    expect(await box.does('user list')).toContain('keeper@example.test');
  }, 120_000);

  test('install on existing data gives the same server', async () => {
    await box.does('install');

    expect(await box.does('user list')).toContain('keeper@example.test');
    expect((await box.json<{ state: string }>('status')).state).toBe('running');
  }, 90_000);
});
