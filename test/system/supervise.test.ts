// mailctl serve as the owner of the container's life, on a bridge of the host that comes and goes as netifd's does.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Appliance } from './lab/appliance.ts';
import { type Lab, startLab } from './lab/lab.ts';
import { PREFIX, WORK_DIRECTORY } from './lab/plan.ts';
import { startInBackground, waitFor } from './lab/programs.ts';
import { untilAsleepAgain } from './lab/sleep.ts';

const ADDRESS = '192.168.90.25';
/** The parts that a boot may bring late. */
const PARTS = {
  bridge: 'ip link add br-lan type bridge; ip link set br-lan up',
  address: 'ip addr add 192.168.90.1/24 dev br-lan',
  disk: 'umount $DATA',
};
type Part = keyof typeof PARTS;
const RUN = `/run/mailserver/${PREFIX}box`;

let lab: Lab;
let box: Appliance;
let veth: string;
let serving: Bun.Subprocess;

const onRouter = async (command: string): Promise<string> => {
  const words = command.replaceAll('$DATA', box.data);
  return (await lab.router.run(['sh', '-c', words])).stdout.trim();
};

interface Status {
  state: string;
  scheduler: { pid: number | null };
  supervision: { stopped: boolean; waits_for: string | null };
}

/** Asks again while the UCI file is being written: mailctl then refuses it, and prints nothing. */
const status = async (): Promise<Status> => {
  const answer = async () => (await box.mailctl('status --json')).stdout || undefined;
  return JSON.parse(await waitFor('an answer of status', answer, 10_000)) as Status;
};

const becomes = (state: string, timeout = 30_000) =>
  waitFor(
    `the state ${state}`,
    async () => ((await status()).state === state ? true : undefined),
    timeout,
  );

/** serve as procd starts it. */
async function serve(): Promise<void> {
  const words = [lab.source.binary, '--config', box.config, 'serve'];
  serving = startInBackground(lab.router.command(words), join(WORK_DIRECTORY, 'serve'));
  await waitFor('serve', async () => ((await status()).scheduler.pid !== null ? true : undefined));
}

async function kill(name: 'KILL' | 'TERM'): Promise<void> {
  await lab.router.run(['kill', `-${name}`, String((await status()).scheduler.pid)]);
  await serving.exited;
}

/** Sends SIGHUP and waits until serve has acted on it. */
async function reload(): Promise<void> {
  const { pid } = (await status()).scheduler;
  const folder = `/proc/${lab.router.pid}/root/proc/${pid}`;
  await untilAsleepAgain(folder, () => lab.router.run(['kill', '-HUP', String(pid)]));
}

const hasMaster = async () => (await onRouter(`ip -o link show ${veth}`)).includes('master br-lan');

/** A TCP connection from the router, as LAN clients make it. */
const answers = async () =>
  (await lab.router.run(['timeout', '1', 'bash', '-c', `</dev/tcp/${ADDRESS}/25`])).status === 0;

/** Reachable within ten seconds, and not called running while the veth has no bridge. */
async function comesBack(): Promise<void> {
  const claims: string[] = [];
  await waitFor(
    'the container to answer',
    async () => {
      const before = await hasMaster();
      const { state } = await status();
      if (!before && !(await hasMaster())) claims.push(state);
      return (await answers()) ? true : undefined;
    },
    10_000,
  );
  expect(claims.filter((state) => state === 'running')).toEqual([]);
  await becomes('running');
}

const initPid = () => onRouter(`lxc-info -P ${WORK_DIRECTORY}/box/lxc -n ${PREFIX}box -H -p`);

beforeAll(async () => {
  lab = await startLab();
  box = await lab.prepare({
    features: { spam_filter: 0, spf: 0, dmarc: 0, greylist: 0, fail2ban: 0, dkim: 0 },
    network: { bridge: 'br-lan', address: `${ADDRESS}/24` },
  });
  await onRouter(`${PARTS.bridge}; ${PARTS.address}`);
  await box.does('install');
  await box.endServe();
  await serve();
  const config = await readFile(join(WORK_DIRECTORY, 'box/lxc', `${PREFIX}box`, 'config'), 'utf8');
  veth = /^lxc\.net\.0\.veth\.pair = (\S+)$/m.exec(config)?.[1] ?? '';
}, 300_000);

afterAll(() => lab?.down());

describe('a network restart', () => {
  test.each([
    ['at once', async () => undefined],
    ['after status was asked', async () => expect((await status()).state).toBe('degraded')],
    ['during an apply', async () => void box.mailctl('apply')],
  ])(
    'that makes the bridge again %s leaves a server that answers',
    async (_, meanwhile) => {
      const pid = await initPid();
      await onRouter('ip link del br-lan');
      await meanwhile();
      await onRouter(`${PARTS.bridge}; ${PARTS.address}`);

      await comesBack();

      expect(await initPid()).toBe(pid);
    },
    60_000,
  );
});

describe('a container', () => {
  test('that is killed comes up by itself', async () => {
    const pid = await initPid();
    await onRouter(`lxc-stop -k -P ${WORK_DIRECTORY}/box/lxc -n ${PREFIX}box`);

    await waitFor('another container', async () => {
      const now = await initPid();
      return now !== '' && now !== pid ? true : undefined;
    });
    await becomes('running');
  }, 60_000);

  test('outlives a killed serve, and the next one adopts it', async () => {
    const pid = await initPid();
    await kill('KILL');
    await serve();
    await reload();

    expect([await initPid(), (await status()).state]).toEqual([pid, 'running']);
  }, 60_000);

  test('follows main.enabled at a reload', async () => {
    await box.configure({ main: { enabled: 0 } });
    await reload();
    await becomes('stopped');
    await box.configure({ main: { enabled: 1 } });
    await reload();
    await becomes('running');
  }, 60_000);

  test('gets a changed option at a reload', async () => {
    await box.configure({ smtp: { message_size_limit: '30M' } });
    await reload();

    await waitFor('the option', async () => {
      const { stdout } = await box.inside(['postconf', '-h', 'message_size_limit']);
      return stdout.trim() === '31457280' ? true : undefined;
    });
  }, 60_000);
});

describe('mailctl stop', () => {
  test('is not undone by serve, not even by the next one, until mailctl start', async () => {
    await box.does('stop');
    await reload();
    await kill('KILL');
    await serve();
    await reload();
    expect(await status()).toMatchObject({ state: 'stopped', supervision: { stopped: true } });
    expect((await box.mailctl('status')).stdout).toContain('mailctl stop keeps it stopped');

    await box.does('start');

    expect(await status()).toMatchObject({ state: 'running', supervision: { stopped: false } });
  }, 90_000);

  test('during a start by serve ends with a stopped server', async () => {
    await onRouter(`lxc-stop -k -P ${WORK_DIRECTORY}/box/lxc -n ${PREFIX}box`);
    await waitFor('serve to start it', async () => {
      const found = await lab.router.run(['test', '-e', `${RUN}.serve.step`]);
      return found.status === 0 ? true : undefined;
    });

    await box.does('stop');
    await reload();

    expect(await initPid()).toBe('');
    await box.does('start');
  }, 60_000);

  test('--service is over with the serve that runs', async () => {
    await box.does('stop --service');
    await reload();
    expect((await status()).state).toBe('stopped');
    await kill('TERM');

    await serve();

    await becomes('running');
  }, 60_000);

  test('--shutdown does not wait for a process that holds the lock', async () => {
    const hold = `import sqlite3, sys
lock = sqlite3.connect('${RUN}.lock', isolation_level=None)
lock.execute('BEGIN EXCLUSIVE')
print('held', flush=True)
sys.stdin.read()`;
    const holder = Bun.spawn(lab.router.command(['python3', '-c', hold]), {
      ...{ stdin: 'pipe', stdout: 'pipe' },
    });
    await holder.stdout.getReader().read();

    expect((await box.mailctl('stop --shutdown')).status).toBe(0);
    holder.stdin.end();
    await holder.exited;

    expect(await initPid()).toBe('');
  }, 60_000);
});

describe('a boot', () => {
  /** Everything that a boot begins without: serve, container, run-time files, bridge, disk. */
  beforeEach(async () => {
    await box.does('stop --service');
    await kill('TERM');
    await onRouter(`rm -f ${RUN}.*; ip link del br-lan; mount -t tmpfs tmpfs $DATA`);
    await serve();
  }, 60_000);

  test.each<[string, Part[]]>([
    ['the disk last', ['bridge', 'address', 'disk']],
    ['the address last', ['bridge', 'disk', 'address']],
    ['the disk first', ['disk', 'bridge', 'address']],
  ])(
    'whose bridge, address and disk come late, %s, ends with a server that runs',
    async (_, order) => {
      const waits = async () => (await status()).supervision.waits_for;
      for (const part of order) {
        expect(
          await waitFor('the reason to wait', async () => (await waits()) ?? undefined),
        ).toMatch(/data folder|bridge br-lan|network\.address/);
        await onRouter(PARTS[part]);
      }

      await becomes('running');
      expect(await waits()).toBeNull();
    },
    60_000,
  );
});
