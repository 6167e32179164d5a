// A process that becomes a system user has lost root for good; the user is made with the real useradd, in a root of
// its own.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHost } from '../../src/host/host.ts';

const HOST = join(import.meta.dir, '../../src/host/host.ts');
const rooted = test.skipIf(process.geteuid?.() !== 0);

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mailctl-user-'));
  mkdirSync(join(root, 'etc'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const write = (name: string, text: string) => writeFileSync(join(root, 'etc', name), text);
const usersAt = (prefix: string, env: NodeJS.ProcessEnv = process.env) =>
  createHost({ root: prefix, env, say: () => undefined }).serviceUsers;

async function inChild(script: string): Promise<string> {
  const prelude = `
    const { createHost } = await import(${JSON.stringify(HOST)});
    const fs = await import('node:fs');
    const host = createHost({ root: '/', env: process.env, say: () => undefined });`;
  const child = Bun.spawn([process.execPath, '-e', `${prelude}\n${script}`], {
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return `${out}${err}`.trim();
}

rooted('a process that has become a system user cannot read, write or return as root', async () => {
  const out = await inChild(`
    // more threads than the first
    await Promise.all([fs.promises.stat('/'), fs.promises.readFile('/etc/passwd')]);
    await host.serviceUsers.become('nobody');
    const attempt = async (what, work) => {
      try { await work(); console.log(what, 'possible'); } catch (error) { console.log(what, error.code); }
    };
    await attempt('read', () => fs.readFileSync('/etc/shadow'));
    await attempt('read elsewhere', () => fs.promises.readFile('/etc/shadow'));
    await attempt('write', () => fs.writeFileSync('/etc/of-nobody', ''));
    await attempt('setuid', () => process.setuid(0));
    await attempt('setgroups', () => process.setgroups([0]));
    await attempt('child', () => {
      const { stdout } = Bun.spawnSync(['sh', '-c', 'grep -E "^(Groups|CapEff)" /proc/self/status; umask']);
      console.log(String(stdout).replace(/\\s+/g, ' ').trim());
    });`);

  expect(out.split('\n')).toEqual([
    ...['read EACCES', 'read elsewhere EACCES', 'write EACCES', 'setuid EPERM', 'setgroups EPERM'],
    ...['Groups: CapEff: 0000000000000000 0077', 'child possible'],
  ]);
});

rooted('become fails for a missing user, with the command that makes it', async () => {
  const out = await inChild(`
    try { await host.serviceUsers.become('mailserver-no-such'); } catch (error) {
      console.log(error.code, error.message, '|', error.hint, process.geteuid());
    }`);

  expect(out).toBe(
    'HOST_UNFIT the system user mailserver-no-such is missing | . /lib/functions.sh; ' +
      'user_add mailserver-no-such "" "$(group_add_next mailserver-no-such)" 0',
  );
});

rooted('several processes that need a missing user at once make it once', async () => {
  write('passwd', 'root:x:0:0:root:/root:/bin/sh\n');
  write('group', 'root:x:0:\n');
  write('shadow', 'root:*:20000::::::\n');
  write('gshadow', 'root:*::\n');
  const name = 'mailserver-mesh';

  const found = await Promise.all([1, 2, 3].map(() => usersAt(root).ensure(name)));

  const lines = readFileSync(join(root, 'etc/passwd'), 'utf8').trim().split('\n');
  expect(lines).toHaveLength(2);
  expect(lines[1]).toMatch(/^mailserver-mesh:x:\d+:\d+::\/nonexistent:\/usr\/sbin\/nologin$/);
  const [, , uid, gid] = (lines[1] ?? '').split(':').map(Number);
  expect(new Set(found.map((user) => JSON.stringify(user)))).toEqual(
    new Set([JSON.stringify({ uid, gid })]),
  );
});

test('without useradd a missing user is an error with the command of OpenWrt', async () => {
  write('passwd', 'root:x:0:0:root:/root:/bin/sh\n');

  await expect(usersAt(root, { PATH: '/nowhere' }).ensure('mailserver-mesh')).rejects.toMatchObject(
    {
      code: 'HOST_UNFIT',
      hint: expect.stringContaining('user_add mailserver-mesh'),
    },
  );
});

test.each(['0:1', '5:0', ':', 'x:5'])('a user with the ids %p is refused', async (ids) => {
  write('passwd', `mailserver-mesh:x:${ids}::/:/bin/false\n`);

  await expect(usersAt(root).ensure('mailserver-mesh')).rejects.toMatchObject({
    code: 'HOST_UNFIT',
    message: `the user mailserver-mesh has the ids ${ids} in /etc/passwd`,
  });
});
