// The package as opkg and a feed read it; the format is that of OpenWrt's package-pack.mk and opkg.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { capture, ROOT } from '../../scripts/programs.ts';
import { makePackages } from './system.ts';

let work = '';
let ipk = '';

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'mailserver-ipk-'));
  ipk = await makePackages('x86_64', work);
}, 300_000);

afterAll(() => rm(work, { recursive: true, force: true }));

const member = (name: string, ...words: string[]) =>
  capture(['sh', '-c', 'tar -xzOf "$0" "./$1" | tar "$2" -', ipk, name, ...words]);

const controlFile = (name: string) =>
  capture(['sh', '-c', 'tar -xzOf "$0" ./control.tar.gz | tar -xzOf - "./$1"', ipk, name]);

const sha256 = async (path: string) =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');

test('the file name has version, release and architecture', () => {
  expect(ipk.slice(dirname(ipk).length + 1)).toBe('mailserver_0.1.0-r1_x86_64.ipk');
});

test('the outer file is a gzipped tar of three members below ./', async () => {
  const listing = await capture(['tar', '-tzf', ipk]);

  expect(listing.trim().split('\n').sort()).toEqual([
    './',
    './control.tar.gz',
    './data.tar.gz',
    './debian-binary',
  ]);
  expect(await capture(['tar', '-xzOf', ipk, './debian-binary'])).toBe('2.0\n');
});

test('every file belongs to root and has the expected mode', async () => {
  const listing = await member('data.tar.gz', '-tvzf');
  const files = listing
    .trim()
    .split('\n')
    .map((line) => line.split(/\s+/));

  expect(new Set(files.map(([, owner]) => owner))).toEqual(new Set(['0/0']));
  expect(
    Object.fromEntries(
      files.filter(([mode]) => mode?.startsWith('-')).map((fields) => [fields.at(-1), fields[0]]),
    ),
  ).toEqual({
    './etc/config/mailserver': '-rw-------',
    './etc/hotplug.d/iface/95-mailserver': '-rwxr-xr-x',
    './etc/init.d/mailserver': '-rwxr-xr-x',
    './lib/upgrade/keep.d/mailserver': '-rw-r--r--',
    './usr/sbin/mailctl': '-rwxr-xr-x',
  });
});

describe('the control file', () => {
  const field = async (name: string) =>
    new RegExp(`^${name}: (.*)$`, 'm').exec(await controlFile('control'))?.[1];

  test('depends on packages by their names in OpenWrt 24.10', async () => {
    const depends = (await field('Depends'))?.split(', ') ?? [];

    expect(depends[0]).toBe('libc');
    expect(depends).toContain('libstdcpp6');
    expect(depends.filter((name) => !/^[a-z0-9-]+$/.test(name))).toEqual([]);
  });

  test('replaces secubox-app-mailserver', async () => {
    expect(await field('Conflicts')).toBe('secubox-app-mailserver');
    expect(await field('Provides')).toBe('secubox-app-mailserver');
  });

  test('asks for the system users of the processes that face the network', async () => {
    const users = (await field('Require-User'))?.split(' ') ?? [];

    expect(users).toContain('mailserver-mesh:mailserver-mesh');
    expect(users).toContain('mailserver-web:mailserver-web');
    // user_add of OpenWrt's /lib/functions.sh chooses the ids
    expect(users.filter((user) => !/^mailserver-(\w+):mailserver-\1$/.test(user))).toEqual([]);
  });

  test('has the size of the unpacked data', async () => {
    const bytes = await capture([
      'sh',
      '-c',
      'tar -xzOf "$0" ./data.tar.gz | gzip -d | wc -c',
      ipk,
    ]);

    expect(await field('Installed-Size')).toBe(bytes.trim());
  });

  test('lists the UCI file as conffile, so that an upgrade keeps it', async () => {
    expect(await controlFile('conffiles')).toBe('/etc/config/mailserver\n');
  });
});

test('sysupgrade keeps accounts and keys, but not mail, queue or log', async () => {
  const text = await readFile(join(ROOT, 'files/lib/upgrade/keep.d/mailserver'), 'utf8');
  const kept = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

  expect(kept).toContain('/srv/mailserver/config/');
  expect(kept).toContain('/srv/mailserver/dkim/');
  expect(kept.filter((path) => /mailserver\/?$|mail\/|queue|log/.test(path))).toEqual([
    '/etc/config/mailserver',
  ]);
});

test('a removal prints the folders that stay; an upgrade and an offline root print nothing', async () => {
  const script = await controlFile('prerm-pkg');
  const said = (env: string, word: string) =>
    capture(['env', env, 'busybox', 'ash', '-c', script, 'prerm', word]);

  expect(await said('PKG_UPGRADE=0', 'remove')).toContain('/srv/mailserver');
  expect(await said('PKG_UPGRADE=1', 'upgrade')).toBe('');
  expect(await said('IPKG_INSTROOT=/tmp/root', 'remove')).toBe('');
});

describe('after the installation', () => {
  const OPTIONS =
    "config mailserver 'main'\n\toption enabled 'E'\n\toption domain 'D'\n\nconfig ports 'ports'\n";
  const uci = (enabled: string, domain: string) =>
    OPTIONS.replace('E', enabled).replace('D', domain);

  /** Runs postinst for an offline root; returns the files in etc/config. */
  async function configured(files: Record<string, string>): Promise<string[]> {
    const root = await mkdtemp(join(work, 'root-'));
    await mkdir(join(root, 'etc/config'), { recursive: true });
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(root, 'etc/config', name), text);
    }
    const script = await controlFile('postinst-pkg');
    const env = ['env', `IPKG_INSTROOT=${root}`];
    // a mailctl of this machine must not be called for an offline root
    expect(await capture([...env, 'busybox', 'ash', '-c', script])).toBe('');
    return (await readdir(join(root, 'etc/config'))).sort();
  }

  test.each(['mailserver-opkg', 'mailserver.apk-new'])(
    '%s is removed when only main.enabled differs, as after install',
    async (left) => {
      const files = { mailserver: uci('1', 'example.com'), [left]: uci('0', 'example.com') };

      expect(await configured(files)).toEqual(['mailserver']);
    },
  );

  test('a new UCI file that differs in another option stays for the operator', async () => {
    const files = {
      mailserver: uci('1', 'example.test'),
      'mailserver-opkg': uci('0', 'example.com'),
    };

    expect(await configured(files)).toEqual(['mailserver', 'mailserver-opkg']);
  });

  test('an image without a UCI file is no error', async () => {
    expect(await configured({})).toEqual([]);
  });
});

test('the index lists the file with its size and hash', async () => {
  const index = await readFile(join(dirname(ipk), 'Packages'), 'utf8');

  expect(index).toContain(`Filename: mailserver_0.1.0-r1_x86_64.ipk\n`);
  expect(index).toContain(`SHA256sum: ${await sha256(ipk)}\n`);
  expect(index.endsWith('\n\n')).toBe(true);
  expect(await capture(['gzip', '-dc', join(dirname(ipk), 'Packages.gz')])).toBe(index);
});

test('the same commit gives the same bytes, and a key signs the index', async () => {
  const key = join(work, 'feed');
  await capture(['signify-openbsd', '-G', '-n', '-p', `${key}.pub`, '-s', `${key}.sec`]);
  const again = await makePackages('x86_64', join(work, 'again'), '--key', `${key}.sec`);

  expect(await sha256(again)).toBe(await sha256(ipk));
  const index = join(dirname(again), 'Packages');
  const verify = ['signify-openbsd', '-V', '-p', `${key}.pub`, '-m', index, '-x', `${index}.sig`];
  expect(await capture(verify)).toContain('Signature Verified');
}, 300_000);

test('an unknown architecture is refused with the list of known ones', async () => {
  const child = Bun.spawn([process.execPath, 'scripts/package.ts', '--arch', 'mips_24kc'], {
    ...{ cwd: ROOT, stdout: 'ignore', stderr: 'pipe' },
  });

  expect(await new Response(child.stderr).text()).toContain('aarch64_cortex-a72');
  expect(await child.exited).toBe(64);
});
