// serve as the owner of a container, against a clock that is driven by hand. The container is a process of this host;
// lxc-info and the children of serve are stand-ins, which start and end it.

import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { noteApplied } from '../../../src/appliance/apply/applied.ts';
import { createWorld, HOUR, MINUTE, type World } from '../schedule/world.ts';

const RUN = '/var/run/mailserver/box';
const CONFIG = '/etc/config/mailserver --no-color';
const START = `--config ${CONFIG} start --scheduled`;
const STOP = `--config ${CONFIG} stop --scheduled`;
const APPLY = `--config ${CONFIG} apply --scheduled`;
const SECOND = 1000;

let world: World;
let inits: Bun.Subprocess[];
const file = (path: string) => world.host.files.path(path);

/** A process in the place of the container's init. */
function boot(): void {
  const init = Bun.spawn(['sleep', '1000'], { stdio: ['ignore', 'ignore', 'ignore'] });
  inits.push(init);
  world.write('/init', String(init.pid));
}

function die(): void {
  rmSync(file('/init'), { force: true });
  for (const init of inits) init.kill('SIGKILL');
}

/** What the stand-in of mailctl does for `start`, `stop` and `apply`. */
function mailctl(onStart: string, status = 0): void {
  world.program(`case "$*" in
*start*) ${onStart} ;;
*stop*) kill -9 "$(cat ${file('/init')})"; rm ${file('/init')} ;;
esac
exit ${status}`);
}

const starts = () => `sleep 1000 >/dev/null 2>&1 & echo $! >${file('/init')}`;

/** The generation in use, on a bridge of the host. */
function network(): void {
  const plan = {
    ...{ bridge: 'br-lan', makeBridge: false, address: '192.168.1.25/24', gateway: '192.168.1.1' },
    ...{ address6: null, gateway6: null, publish: [], ports: [], mtu: null },
    veth: { name: 'veth-box', mac: '02:00:00:00:00:01' },
  };
  const part = { lxcConfig: '', seccomp: '', network: plan, image: '', inputs: {} };
  world.write('/srv/mailserver/rendered/g1/host.json', JSON.stringify(part));
  symlinkSync('g1', file('/srv/mailserver/rendered/current'));
  mkdirSync(file(RUN));
  world.write('/sys/class/net/veth-box/flags', '0x1003\n');
  joined();
}

function joined(): void {
  mkdirSync(file('/sys/class/net/br-lan/bridge'), { recursive: true });
  symlinkSync('../br-lan', file('/sys/class/net/veth-box/master'));
}

function bridgeGone(): void {
  rmSync(file('/sys/class/net/br-lan'), { recursive: true });
  rmSync(file('/sys/class/net/veth-box/master'));
}

beforeEach(async () => {
  world = createWorld();
  await noteApplied(world.host, await world.target());
  inits = [];
  mkdirSync(file('/srv/mailserver/config'));
  world.write('/bin/lxc-info', `#!/bin/sh\ncat ${file('/init')} 2>/dev/null || exit 1\n`, 0o755);
  world.write('/bin/nft', '#!/bin/sh\nexit 1\n', 0o755);
  mailctl(starts());
});
afterEach(() => {
  const left = world.read('/init');
  if (left !== null) Bun.spawnSync(['kill', '-9', left.trim()]);
  die();
  world.remove();
});

const commands = (name: string) => world.calls().filter((call) => call.includes(name));

test('a container that does not run is started once, and then left alone', async () => {
  await world.superviseFor(HOUR);

  expect(commands('start')).toEqual([START]);
});

test('a container that runs is adopted by a new serve', async () => {
  boot();

  await world.superviseFor(HOUR);

  expect(commands('start')).toEqual([]);
});

test('a container that dies is started at once', async () => {
  await world.superviseFor(12 * MINUTE, [
    [11 * MINUTE, () => Bun.spawnSync(['kill', '-9', world.read('/init')?.trim() ?? ''])],
    [11 * MINUTE, () => rmSync(file('/init'))],
  ]);

  expect(commands('start')).toEqual([START, START]);
});

test('a container that keeps dying is started at growing intervals', async () => {
  mailctl('true');

  await world.superviseFor(HOUR);

  // after 0, 0.5, 1.5, 3.5, 7.5, 15.5, 25.5, 35.5, 45.5 and 55.5 minutes
  expect(commands('start')).toHaveLength(10);
});

test('a start that fails is reported once, with its message, and retried', async () => {
  mailctl('echo "error: missing programs: lxc-start" >&2', 69);

  await world.superviseFor(5 * MINUTE, [
    [4 * MINUTE, () => expect(world.read(`${RUN}.serve.wait`)).toContain('missing programs')],
  ]);

  expect(commands('start')).toHaveLength(4);
  expect(world.said.filter((line) => line.includes('missing programs'))).toEqual([
    'start failed with status 69: error: missing programs: lxc-start',
  ]);
  expect(world.read(`${RUN}.serve.wait`)).toBeNull();
});

test('a signal ends the pause', async () => {
  mailctl('true', 69);

  await world.superviseFor(9 * SECOND, [[6 * SECOND, (bell) => bell.ring()]]);

  expect(commands('start')).toHaveLength(2);
});

describe('without', () => {
  test.each<[string, string, () => void, () => void]>([
    [
      'its data disk, the container',
      'its disk may not be mounted yet',
      () => rmSync(file('/srv/mailserver/config'), { recursive: true }),
      () => mkdirSync(file('/srv/mailserver/config')),
    ],
    [
      'its LXC folder, the container',
      'is not installed',
      () => rmSync(file('/srv/lxc/box/config')),
      () => world.write('/srv/lxc/box/config', ''),
    ],
  ])('%s waits, and starts within seconds when it appears', async (_, words, take, give) => {
    take();

    await world.superviseFor(20 * MINUTE, [
      [19 * MINUTE, () => expect(world.calls()).toEqual([])],
      [19 * MINUTE, () => expect(world.read(`${RUN}.serve.wait`)).toContain(words)],
      [19 * MINUTE, give],
      [19 * MINUTE + 6 * SECOND, () => expect(world.calls()).toHaveLength(1)],
    ]);

    expect(world.said.filter((line) => line.includes(words))).toHaveLength(1);
  });
});

describe('the bridge of a running container', () => {
  beforeEach(() => {
    boot();
    network();
    const ip = `#!/bin/sh\necho "$*" >>${file('/ip')}\nln -s ../br-lan ${file('/sys/class/net/veth-box/master')}\n`;
    world.write('/bin/ip', ip, 0o755);
  });

  test('is missing: serve says so once and starts nothing', async () => {
    bridgeGone();

    await world.superviseFor(HOUR);

    expect(world.calls()).toEqual([]);
    expect(world.said).toEqual(['the bridge of the container is missing']);
  });

  test('is back: the interface joins it within one look', async () => {
    await world.superviseFor(MINUTE, [
      [20 * SECOND, bridgeGone],
      [40 * SECOND, () => mkdirSync(file('/sys/class/net/br-lan/bridge'), { recursive: true })],
      [46 * SECOND, () => expect(world.read('/ip')).toContain('veth-box master br-lan up')],
    ]);

    expect(world.calls()).toEqual([]);
    expect(world.said.at(-1)).toBe('the container is attached to the bridge br-lan again');
  });
});

test('an interface that stays missing is repaired with pauses', async () => {
  boot();
  network();
  rmSync(file('/sys/class/net/veth-box'), { recursive: true });

  await world.superviseFor(2 * MINUTE);

  expect(world.calls()).toEqual([APPLY, APPLY, APPLY]);
});

/** Another process that holds the lock of the appliance. */
async function holdLock(): Promise<Bun.Subprocess> {
  const lock = file('/var/run/mailserver/box.lock');
  const hold = `import sqlite3, sys
lock = sqlite3.connect('${lock}', isolation_level=None)
lock.execute('BEGIN EXCLUSIVE')
print('held', flush=True)
sys.stdin.read()`;
  const holder = Bun.spawn(['python3', '-c', hold], { stdin: 'pipe', stdout: 'pipe' });
  inits.push(holder);
  await holder.stdout.getReader().read();
  world.write(`${RUN}.lock.holder`, JSON.stringify({ command: 'mailctl', pid: holder.pid }));
  return holder;
}

describe('while another process holds the lock,', () => {
  test('a container that does not run is left to it', async () => {
    await holdLock();

    await world.superviseFor(MINUTE);

    expect(world.calls()).toEqual([]);
  });

  test('a job of the scheduler is ended, so that the container starts', async () => {
    const { pid } = await holdLock();
    world.write(`${RUN}.serve.job`, `certificate ${pid} ${world.host.processes.started(pid)}\n`);

    await world.superviseFor(MINUTE);

    expect(commands('start')).toEqual([START]);
    expect(world.said).toContain('certificate is ended, so that the mail server can start');
  });
});

describe('the wish', () => {
  test('of mailctl stop is kept over a new serve, until the mark is removed', async () => {
    world.write(`${RUN}.stopped`, 'all\n');
    await world.superviseFor(HOUR);
    expect(world.calls()).toEqual([]);

    await world.superviseFor(HOUR, [[MINUTE, () => rmSync(file(`${RUN}.stopped`))]]);

    expect(commands('start')).toEqual([START]);
  });

  test('of a supervisor that has stopped an earlier serve binds no later one', async () => {
    world.write(`${RUN}.stopped`, '1 12345\n');

    await world.superviseFor(MINUTE);

    expect(commands('start')).toEqual([START]);
  });

  test('of enabled 0 stops the container at the next signal, and enabled 1 starts it', async () => {
    const reload = (enabled: string) => (bell: { ring(): void }) => {
      world.uci('', enabled);
      bell.ring();
    };

    await world.superviseFor(10 * MINUTE, [
      [2 * MINUTE, reload('0')],
      [4 * MINUTE, () => expect(world.calls().at(-1)).toBe(STOP)],
      [6 * MINUTE, reload('1')],
    ]);

    expect([commands('stop'), commands('start')]).toEqual([[STOP], [START, START]]);
  });

  test('of a changed UCI file is applied at the next signal, not before', async () => {
    boot();

    await world.superviseFor(HOUR, [
      [MINUTE, () => world.uci('# no change\n')],
      [2 * MINUTE, (bell) => bell.ring()],
      [3 * MINUTE, () => world.uci("config smtp 'smtp'\n\toption message_size_limit '9M'\n")],
      [30 * MINUTE, () => expect(world.calls()).toEqual([])],
      [31 * MINUTE, (bell) => bell.ring()],
    ]);

    expect(world.calls()).toEqual([APPLY]);
  });

  test('of an invalid UCI file changes nothing', async () => {
    boot();

    await world.superviseFor(HOUR, [
      [MINUTE, () => world.uci('', 'perhaps')],
      [2 * MINUTE, (bell) => bell.ring()],
    ]);

    expect(world.calls()).toEqual([]);
  });
});
