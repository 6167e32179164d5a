// The router binary in a root file system like the router's: musl, BusyBox, and a libstdc++ of GCC 12.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { capture } from '../../scripts/programs.ts';
import { makePackages, makeRouter, type Router } from './system.ts';

const MAILCTL = '/usr/sbin/mailctl';

const KINDS = [
  { architecture: 'x64', name: 'x86_64', libc: 'libc.musl-x86_64.so.1' },
  { architecture: 'arm64', name: 'aarch64_cortex-a53', libc: 'libc.musl-aarch64.so.1' },
] as const;

describe.each(KINDS)('on $name', ({ architecture, name, libc }) => {
  let work = '';
  let router: Router;

  beforeAll(async () => {
    work = await mkdtemp(join(tmpdir(), 'mailserver-musl-'));
    router = await makeRouter(architecture, await makePackages(name, work));
  }, 600_000);

  afterAll(async () => {
    await router?.remove();
    await rm(work, { recursive: true, force: true });
  });

  test('the binary needs musl and libstdc++ only', async () => {
    const dynamic = await capture(['readelf', '-d', join(router.root, 'usr/sbin/mailctl')]);

    expect([...dynamic.matchAll(/\[(\S+\.so[^\]]*)\]/g)].map((match) => match[1]).sort()).toEqual(
      [libc, 'libstdc++.so.6'].sort(),
    );
  });

  test('the libstdc++ of GCC 12 has every C++ symbol that it imports', async () => {
    // musl has no lazy binding: the loader resolves all symbols at the start
    const { status, stdout } = await router.run([MAILCTL, 'version', '--json']);

    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ v: 1 });
  });

  test('the shipped UCI file has no problems', async () => {
    const { status, stdout } = await router.run([MAILCTL, 'config', 'check']);

    expect([status, stdout.split('\n')[0]]).toEqual([0, '/etc/config/mailserver: no problems']);
  });

  test('user add creates a mailbox and user list shows it', async () => {
    const add = [MAILCTL, 'user', 'add', 'alice@example.com', '--password-stdin'];

    expect((await router.run(add, 'correct horse battery\n')).status).toBe(0);
    const listed = await router.run([MAILCTL, 'user', 'list']);
    expect(listed.stdout).toContain('alice@example.com');
    const users = await readFile(join(router.root, 'srv/mailserver/config/users'), 'utf8');
    expect(users).toContain('alice@example.com');
  });

  test('status and plan report that nothing is installed', async () => {
    expect((await router.run([MAILCTL, 'status'])).status).toBe(69);
    expect((await router.run([MAILCTL, 'plan'])).status).toBe(69);
  });

  test('doctor lists its checks', async () => {
    const { status, stdout } = await router.run([MAILCTL, 'doctor', '--list']);

    expect(status).toBe(0);
    expect(stdout).toContain('tls.ports');
  });

  // Without binfmt_misc, the emulated shell cannot start mailctl
  test.if(architecture === process.arch)(
    'the installation of the package warns of what is missing, and succeeds',
    async () => {
      const script = '/usr/lib/opkg/info/postinst-pkg';
      const { status, stdout } = await router.run(['/bin/sh', script]);

      expect(status).toBe(0);
      expect(stdout).toContain('mailserver: mailctl install will refuse this router');
      expect(stdout).toContain('missing programs: lxc-start');
    },
  );

  test('install names the missing requirements of this router', async () => {
    // install refuses the shipped domain
    const uci = await readFile(join(router.root, 'etc/config/mailserver'), 'utf8');
    const own = uci.replace("'example.com'", "'example.test'");
    await writeFile(join(router.root, 'etc/config/own'), own);
    const install = [MAILCTL, 'install', '--config', '/etc/config/own'];
    const { status, stderr } = await router.run(install);

    expect(status).toBe(69);
    expect(stderr).toContain('lxc-start');
  });
});
