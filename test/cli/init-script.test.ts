// The init script of the OpenWrt package under BusyBox ash: what it declares to procd, and which mailctl commands it runs.

import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../../scripts/programs.ts';

const SCRIPT = join(ROOT, 'files/etc/init.d/mailserver');
const RC_COMMON = join(ROOT, 'test/stand-ins/rc.common');
// In its own mount namespace: the script names mailctl and /var/run by their paths on a router
const ENTER = `
mount -t tmpfs tmpfs /usr/sbin && mount -t tmpfs tmpfs /run && mkdir -p /run/mailserver$UP &&
cp "$MAILCTL" /usr/sbin/mailctl && touch /run/mailserver/mailserver.stopped &&
busybox ash "$0" "$@"
status=$?
ls /run/mailserver >"$MARKS"
exit $status`;

const ON = ['1', 'yes', 'on', 'true', 'enabled'];
const OFF = ['0', 'no', 'off', 'false'];

let folder: string;
const path = (name: string) => join(folder, name);

async function program(name: string, script: string): Promise<void> {
  await writeFile(path(name), `#!/bin/sh\n${script}\n`);
  chmodSync(path(name), 0o755);
}

const configure = (enabled: string, more = '') =>
  writeFile(path('uci'), `config mailserver 'main'\n\toption enabled '${enabled}'\n${more}`);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'init-script-'));
  mkdirSync(path('bin'));
  await program('mailctl', 'echo "mailctl $*" >>"$RECORD"');
  await program('bin/logger', 'cat >/dev/null');
  await program('bin/uci', 'echo Europe/Berlin');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Ran {
  readonly status: number;
  /** The calls of procd's functions and of mailctl, in order. */
  readonly calls: readonly string[];
  /** The mark of `mailctl stop` is still there. */
  readonly keptStopped: boolean;
}

/** @param running procd has a running instance. @param up the container runs */
async function act(words: string, { running = false, up = false, env = {} } = {}): Promise<Ran> {
  const child = Bun.spawn(
    ['unshare', '--mount', 'sh', '-c', ENTER, RC_COMMON, SCRIPT, ...words.split(' ')],
    {
      env: {
        ...{ PATH: `${path('bin')}:/usr/bin:/bin`, RECORD: path('record'), UCI_FILE: path('uci') },
        ...{ MAILCTL: path('mailctl'), MARKS: path('marks'), RUNNING: running ? '1' : '' },
        UP: up ? '/mailserver' : '',
        ...env,
      },
      stdout: 'ignore',
      stderr: 'inherit',
    },
  );
  const status = await child.exited;
  const calls = existsSync(path('record')) ? readFileSync(path('record'), 'utf8') : '';
  const keptStopped = readFileSync(path('marks'), 'utf8').includes('mailserver.stopped');
  return { status, calls: calls.split('\n').filter(Boolean), keptStopped };
}

const INSTANCE = [
  'open_instance serve',
  'set_param command /usr/sbin/mailctl serve',
  'set_param respawn 3600 30 0',
  'set_param term_timeout 10',
  'set_param nice 10',
  'set_param stdout 1',
  'set_param stderr 1',
  'set_param env TZ=Europe/Berlin',
  'close_instance',
];
const TRIGGERS = [
  'add_reload_trigger mailserver',
  'open_trigger',
  'add_raw_trigger interface.*.up 2000 /etc/init.d/mailserver reload',
  'close_trigger',
  'add_reload_mount_trigger /mnt/mail/data',
];
const DECLARED = ['open_service', ...INSTANCE, ...TRIGGERS, 'close_service'];
const STOPPED = ['mailctl --quiet stop --service', 'kill mailserver'];
const DATA = "\toption data_path '/mnt/mail/data'\n";

describe.each(ON)('with enabled %p', (enabled) => {
  beforeEach(() => configure(enabled, DATA));

  test.each(['start', 'boot'])('%s only declares the instance and the triggers', async (word) => {
    expect(await act(word)).toEqual({ status: 0, calls: DECLARED, keptStopped: false });
  });

  test('reload starts an instance that does not run', async () => {
    expect((await act('reload')).calls).toEqual(DECLARED);
  });

  test('reload, on any of the three events, signals a running instance', async () => {
    const { calls, keptStopped } = await act('reload', { running: true });

    expect(calls).toEqual(['send_signal mailserver serve HUP']);
    expect(keptStopped).toBe(true);
  });
});

describe.each(OFF)('with enabled %p', (enabled) => {
  beforeEach(() => configure(enabled, DATA));

  test.each(['start', 'boot'])('%s declares the triggers alone', async (word) => {
    const { calls, keptStopped } = await act(word);

    expect(calls).toEqual(['open_service', ...TRIGGERS, 'close_service']);
    expect(keptStopped).toBe(true);
  });

  test('reload does nothing while no instance runs', async () => {
    expect(await act('reload')).toMatchObject({ status: 0, calls: [] });
  });

  test.each([
    ['a running instance and the container', { running: true, up: true }],
    ['a container that mailctl install has started', { up: true }],
  ])('reload stops %s, and keeps the triggers', async (_, state) => {
    expect((await act('reload', state)).calls).toEqual([
      ...STOPPED,
      ...['open_service', ...TRIGGERS, 'close_service'],
    ]);
  });
});

describe('with a value that is no boolean, or without a UCI file', () => {
  test('start declares no instance', async () => {
    await configure('perhaps');
    expect((await act('start')).calls).not.toContain('open_instance serve');
    rmSync(path('uci'));
    expect((await act('start')).calls).not.toContain('open_instance serve');
  });
});

describe('in any configuration', () => {
  beforeEach(() => configure('1', DATA));

  test('stop stops the container, and procd then ends the instance', async () => {
    expect((await act('stop')).calls).toEqual(STOPPED);
  });

  test('restart stops and declares again', async () => {
    expect((await act('restart')).calls).toEqual([...STOPPED, ...DECLARED]);
  });

  test('shutdown waits for no lock', async () => {
    expect((await act('shutdown')).calls).toEqual(['mailctl --quiet stop --shutdown']);
  });

  test.each([
    ['apply --dry-run', 'mailctl apply --dry-run'],
    ['doctor --list', 'mailctl doctor --list'],
    ['logs 50', 'mailctl logs 50'],
    ['status', 'mailctl status'],
  ])('%s runs the command', async (words, call) => {
    expect((await act(words)).calls).toEqual([call]);
  });

  test('an extra command ends with the status of mailctl', async () => {
    await program('mailctl', 'exit 69');

    expect((await act('apply')).status).toBe(69);
  });

  test('the default data folder is watched when the option is not set', async () => {
    await configure('1');

    expect((await act('start')).calls).toContain('add_reload_mount_trigger /srv/mailserver');
  });

  test.each(['enable', 'disable'])('%s in an offline root runs no program', async (word) => {
    const { calls } = await act(word, { env: { IPKG_INSTROOT: path('root') } });

    expect(calls).toEqual([word === 'enable' ? 'enable S95 K05' : 'disable']);
  });

  test('start in an offline root leaves the marks of this host alone', async () => {
    expect((await act('start', { env: { IPKG_INSTROOT: path('root') } })).keptStopped).toBe(true);
  });
});
