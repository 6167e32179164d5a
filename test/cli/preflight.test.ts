// Missing requirements of a host are listed together, each with its fix, before any change.

import { expect, test } from 'bun:test';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../system/lab/programs.ts';

const MAIN = join(import.meta.dir, '../../src/mailctl/main.ts');

/** A host with nothing but a UCI file and, on PATH, the programs named. */
async function bareHost(programs: string[], kernel = '6.6.0') {
  const root = await mkdtemp(join(tmpdir(), 'mailctl-host-'));
  await mkdir(join(root, 'bin'));
  await mkdir(join(root, 'proc/sys/kernel'), { recursive: true });
  await writeFile(join(root, 'proc/sys/kernel/osrelease'), `${kernel}\n`);
  await writeFile(join(root, 'proc/filesystems'), 'nodev\tproc\n\tsquashfs\n');
  await mkdir(join(root, 'etc/config'), { recursive: true });
  const uci = "config mailserver 'main'\n\toption domain 'example.test'\n";
  await writeFile(join(root, 'etc/config/mailserver'), uci);
  for (const name of programs) await symlink(`/bin/true`, join(root, 'bin', name));
  return {
    root,
    mailctl: (words: string[]) =>
      run([process.execPath, MAIN, ...words], {
        env: { PATH: join(root, 'bin'), MAILCTL_ROOT: root },
      }),
    remove: () => rm(root, { recursive: true }),
  };
}

const ALL = ['lxc-start', 'lxc-stop', 'lxc-info', 'lxc-attach', 'ip', 'mount', 'nft'];

test('without LXC, install names every missing program and the packages to install', async () => {
  const host = await bareHost(['ip', 'mount', 'nft', 'apt-get']);
  const { status, stderr } = await host.mailctl(['install']);
  await host.remove();

  expect(status).toBe(69);
  expect(stderr).toContain('lxc-start, lxc-stop, lxc-info, lxc-attach');
  expect(stderr).toContain('hint: apt-get install lxc');
});

test('doctor names the missing requirements before the first install, each with its fix', async () => {
  const host = await bareHost(['ip', 'mount', 'nft', 'opkg'], '5.15.0-91');
  const words = ['doctor', '--only', 'host.requirements', '--json'];
  const { status, stdout } = await host.mailctl(words);
  await host.remove();

  expect(status).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    checks: [
      {
        id: 'host.requirements',
        severity: 'error',
        message: 'missing programs: lxc-start, lxc-stop, lxc-info, lxc-attach',
        fix: 'opkg update && opkg install lxc-start lxc-stop lxc-info lxc-attach',
      },
      { message: expect.stringContaining('the kernel is 5.15.0-91') },
    ],
  });
});

test('a bridge that filters VLANs needs network.vlan and the program bridge', async () => {
  const host = await bareHost(ALL);
  const bridge = join(host.root, 'sys/class/net/br-lan/bridge');
  await mkdir(bridge, { recursive: true });
  await mkdir(join(host.root, 'proc/net/vlan'), { recursive: true });
  await writeFile(join(bridge, 'vlan_filtering'), '1\n');
  await writeFile(join(bridge, 'default_pvid'), '0\n');
  await writeFile(join(host.root, 'proc/net/vlan/config'), 'br-lan.3 | 3 | br-lan\n');
  const { status, stderr } = await host.mailctl(['install']);
  await host.remove();

  expect(status).toBe(69);
  expect(stderr).toContain('missing programs: bridge');
  expect(stderr).toContain('the bridge br-lan filters VLANs and has no default VLAN');
  expect(stderr).toContain('br-lan.3 is VLAN 3');
});

test('an old kernel is named with the required version', async () => {
  const host = await bareHost(ALL, '5.15.0-91');
  const { status, stderr } = await host.mailctl(['install']);
  await host.remove();

  expect(status).toBe(69);
  expect(stderr).toContain('the kernel is 5.15.0-91');
  expect(stderr).toContain('6.2 or newer');
});

test.each(['example.com', 'mail.example.org'])(
  'install refuses the domain %s with the command that sets one',
  async (domain) => {
    const host = await bareHost(ALL);
    const uci = `config mailserver 'main'\n\toption domain '${domain}'\n`;
    await writeFile(join(host.root, 'etc/config/mailserver'), uci);
    const { status, stderr } = await host.mailctl(['install']);
    const dry = await host.mailctl(['install', '--dry-run']);
    await host.remove();

    expect(status).toBe(78);
    expect(stderr).toContain(`main.domain is '${domain}', which is reserved for documentation`);
    expect(stderr).toContain('hint: mailctl set main.domain <your domain>; mailctl install');
    expect(dry.status).toBe(78);
  },
);

test('install refuses a UCI file that leaves the domain at its default', async () => {
  const host = await bareHost(ALL);
  await writeFile(join(host.root, 'etc/config/mailserver'), "config mailserver 'main'\n");
  const { status, stderr } = await host.mailctl(['install']);
  await host.remove();

  expect(status).toBe(78);
  expect(stderr).toContain("main.domain is 'example.com'");
});

test('a missing bridge of a router is named', async () => {
  const host = await bareHost(ALL);
  await writeFile(join(host.root, 'etc/openwrt_release'), "DISTRIB_ID='OpenWrt'\n");
  const { status, stderr } = await host.mailctl(['install']);
  await host.remove();

  expect(status).toBe(69);
  expect(stderr).toContain('the bridge br-lan (network.bridge) does not exist on this router');
});

test('a stock router needs no losetup, since it is not used', async () => {
  const host = await bareHost(ALL.filter((name) => name !== 'nft'));
  await writeFile(join(host.root, 'etc/openwrt_release'), "DISTRIB_ID='OpenWrt'\n");
  const { stderr } = await host.mailctl(['install']);
  await host.remove();

  expect(stderr).not.toContain('losetup');
});

test.each([
  [['opkg'], 'hint: opkg update && opkg install lxc-start'],
  [['opkg', 'apk'], 'hint: apk update && apk add lxc-start'],
  [[], 'hint: install the packages lxc-start'],
])('on a router with %j the hint is a command that it has', async (managers, hint) => {
  const host = await bareHost(['ip', 'mount', 'nft', ...managers]);
  await writeFile(join(host.root, 'etc/openwrt_release'), "DISTRIB_ID='OpenWrt'\n");
  const { stderr } = await host.mailctl(['install']);
  await host.remove();

  expect(stderr).toContain(hint);
});

async function withMounts(mounts: string, words: string[] = []) {
  const host = await bareHost(ALL);
  await mkdir(join(host.root, 'proc/self'));
  await mkdir(join(host.root, 'srv'));
  await writeFile(join(host.root, 'proc/self/mounts'), mounts);
  await writeFile(join(host.root, 'proc/meminfo'), 'MemTotal:         262144 kB\n');
  const result = await host.mailctl(['install', ...words]);
  await host.remove();
  return result;
}

const DATA_ON_USB = '/dev/root / ext4 rw 0 0\n/dev/sda1 /srv vfat rw 0 0\n';

test('a disk without file owners is refused with the name of its file system', async () => {
  const { status, stderr } = await withMounts(DATA_ON_USB);

  expect(status).toBe(69);
  expect(stderr).toContain('main.data_path /srv/mailserver is on a vfat file system (/srv)');
});

const OVERLAY = 'overlayfs:/overlay / overlay rw 0 0\n';

test('mail on the root overlay is refused, since sysupgrade erases it', async () => {
  const { stderr } = await withMounts(OVERLAY);

  expect(stderr).toContain('/srv/mailserver is on the root overlay, which sysupgrade erases');
  expect(stderr).toContain('--on-root');
});

test('--on-root accepts the overlay, and the memory is still checked', async () => {
  const { stderr } = await withMounts(OVERLAY, ['--on-root']);

  expect(stderr).not.toContain('sysupgrade');
  expect(stderr).toContain('main.memory is 640 MB, and this machine has only 256 MB');
});

const readable = await run(['runuser', '-u', 'nobody', '--', 'test', '-r', MAIN]);

// a clone below a folder that only root can enter is not executable for other users
test.skipIf(readable.status !== 0)(
  'without root, a changing command ends with 77 and says so',
  async () => {
    const host = await bareHost(ALL);
    const words = ['-u', 'nobody', '--', process.execPath, MAIN, 'install'];
    const { status, stderr } = await run(['runuser', ...words], {
      env: { MAILCTL_ROOT: host.root },
    });
    await host.remove();

    expect([status, stderr.includes('needs root') || stderr.includes('ermission')]).toEqual([
      77,
      true,
    ]);
  },
);

test('an invalid SHA-256 is refused before any check', async () => {
  const host = await bareHost(ALL);
  const short = await host.mailctl(['install', '--image', 'x.squashfs', '--sha256', 'abc']);
  await host.remove();

  expect(short.status).toBe(64);
  expect(short.stderr).toContain('a SHA-256 has 64 hexadecimal digits');
});
