// The scheduler beside a running mail server: a single instance at any time, which runs the due jobs; the published
// address follows the WAN interface. The router's ubus is a stand-in that reports the interface's real addresses.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { usage } from '../bench/memory.ts';
import type { Appliance } from './lab/appliance.ts';
import { type Lab, startLab } from './lab/lab.ts';
import { NETWORK, WORK_DIRECTORY } from './lab/plan.ts';
import { startInBackground, waitFor } from './lab/programs.ts';
import { untilAsleepAgain } from './lab/sleep.ts';

const UBUS = `#!/bin/sh
[ "$*" = 'call network.interface.wan status' ] || exit 4
list=$(ip -o -4 addr show dev wan0 scope global |
  sed -n 's/.* inet \\([0-9.]*\\).*/{"address":"\\1"}/p' | paste -sd ,)
echo "{\\"up\\":true,\\"ipv4-address\\":[$list]}"
`;
const MAIL = 'mail.example.test.';
const PATH = process.env.PATH;

let lab: Lab;
let box: Appliance;
let address: string = NETWORK.router.wan;

interface Status {
  state: string;
  scheduler: { running: boolean; pid: number | null };
  due: { job: string; at: string | null; last: string | null; outcome: string | null }[];
}

const status = async (): Promise<Status> => {
  const { stdout } = await box.mailctl('status --json');
  return JSON.parse(stdout) as Status;
};

/** Process ids of every `mailctl serve` on the router. */
const servers = async (): Promise<number[]> => {
  const { stdout } = await lab.router.run([
    'pgrep',
    '-f',
    '^[^ ]*mailctl .* serve( --background)?$',
  ]);
  return stdout.split('\n').filter(Boolean).map(Number);
};

const signal = (name: string, pid: number | null) =>
  lab.router.run(['kill', `-${name}`, String(pid)]);

const procFolder = (pid: number | null) => `/proc/${lab.router.pid}/root/proc/${pid}`;

function sayMemory(when: string, pid: number | null): void {
  const { uss, rss } = usage(procFolder(pid));
  const figures = `${uss.toFixed(1)} MB of its own, ${rss.toFixed(1)} MB resident`;
  console.log(`mailctl serve ${when}: ${figures}`);
}

/** Gives the WAN interface another address. */
async function readdress(next: string): Promise<void> {
  await lab.router.run(['ip', 'addr', 'del', `${address}/24`, 'dev', 'wan0']);
  await lab.router.run(['ip', 'addr', 'add', `${next}/24`, 'dev', 'wan0']);
  await lab.router.run(['ip', 'route', 'replace', 'default', 'via', NETWORK.wan.address]);
  address = next;
}

const published = () => lab.dns.lookup(MAIL, 'A');

const becomes = (wanted: string) =>
  waitFor(`${wanted} in the DNS`, async () =>
    (await published()).join() === wanted ? true : undefined,
  );

/** Delivers a message from outside to the current address; the last reply. */
async function receive(): Promise<number> {
  const message = `From: a@outside.test\r\nTo: alice@example.test\r\nSubject: x\r\n\r\nhello\r\n`;
  const envelope = { from: 'visitor@outside.test', to: ['alice@example.test'], message };
  const where = { host: address, from: NETWORK.stranger, helo: 'client.outside.test' };
  return (await lab.wan.deliver(envelope, where)).code;
}

beforeAll(async () => {
  const bin = join(WORK_DIRECTORY, 'bin');
  lab = await startLab();
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, 'ubus'), UBUS);
  await chmod(join(bin, 'ubus'), 0o755);
  process.env.PATH = `${bin}:${PATH}`;
  box = await lab.appliance(
    {
      features: { spam_filter: 0, spf: 0, dmarc: 0, greylist: 0, fail2ban: 0 },
      dns: { provider: 'rfc2136', server: NETWORK.dns, resolver: [NETWORK.dns] },
    },
    ['alice'],
  );
}, 300_000);

afterAll(async () => {
  process.env.PATH = PATH;
  await lab?.down();
});

describe('the scheduler', () => {
  test('is started by install, as a single instance', async () => {
    const { scheduler } = await status();
    expect(scheduler.running).toBe(true);
    expect(await servers()).toEqual([scheduler.pid as number]);

    expect(await box.does('start')).toBe('already running\n');
    const second = await box.mailctl('serve --background');

    expect(second.status).toBe(75);
    expect(second.stderr).toContain(`(pid ${scheduler.pid})`);
    expect((await status()).scheduler.pid).toBe(scheduler.pid);
    sayMemory('at its start', scheduler.pid);
  });

  test('is restarted by start after a kill, without touching the mail server', async () => {
    const before = (await status()).scheduler.pid;
    await signal('KILL', before);
    expect((await status()).scheduler).toMatchObject({ running: false, pid: null });

    expect(await box.does('start')).toBe('already running\n');

    const { pid } = (await status()).scheduler;
    expect(pid).not.toBe(before);
    expect(await servers()).toEqual([pid as number]);
  });
});

describe('the published address', () => {
  test('is not changed before the first dns-setup', async () => {
    const { stdout, stderr } = await box.mailctl('wan-changed');

    expect(stdout).toBe('nothing to do\n');
    expect(stderr).toContain('no address has been published by mailctl yet');
  });

  test('follows an interface event, no other record changes, and mail flows', async () => {
    await box.does('dns-setup --yes --wait 30');
    const others = await Promise.all(
      ['MX', 'TXT'].map((type) => lab.dns.lookup('example.test.', type)),
    );
    await readdress('192.0.2.7');

    const said = await box.does('wan-changed --interface wan');

    expect(said).toBe('published: mail.example.test is 192.0.2.7 now\n');
    expect(await published()).toEqual(['192.0.2.7']);
    expect(
      await Promise.all(['MX', 'TXT'].map((type) => lab.dns.lookup('example.test.', type))),
    ).toEqual(others);
    expect(await receive()).toBe(250);
  });

  test('a second event for the same address is a no-op, locally and in the DNS', async () => {
    const state = join(box.data, 'dns/state.json');
    const before = (await stat(state)).mtimeMs;
    const serial = await lab.dns.lookup('example.test.', 'SOA');

    expect(await box.does('wan-changed')).toBe('nothing to change: 192.0.2.7\n');

    expect((await stat(state)).mtimeMs).toBe(before);
    expect(await lab.dns.lookup('example.test.', 'SOA')).toEqual(serial);
    expect((await box.does('dns-setup --yes')).trim()).toBe('nothing to change');
  });

  test('after a kill at any moment the next event completes the update', async () => {
    for (const [index, delay] of [60, 120, 180, 300].entries()) {
      await readdress(`192.0.2.${10 + index}`);
      const words = [lab.source.binary, '--config', box.config, 'wan-changed'];
      const child = Bun.spawn(lab.router.command(words), { stdout: 'ignore', stderr: 'ignore' });
      await Bun.sleep(delay);
      await lab.router.run(['pkill', '-9', '-f', 'mailctl .*wan-changed']);
      await child.exited;
    }
    await box.does('wan-changed');

    expect(await published()).toEqual([address]);
    expect(await box.does('wan-changed')).toBe(`nothing to change: ${address}\n`);
  });

  test('follows without an event at the next check of the scheduler', async () => {
    await readdress('192.0.2.21');

    await box.does('apply');

    await becomes('192.0.2.21');
    const done = await waitFor('the end of the job', async () =>
      (await status()).due.find(({ job, outcome }) => job === 'addresses' && outcome === 'done'),
    );
    sayMemory('after a job', (await status()).scheduler.pid);
    expect(done).toMatchObject({ at: null, last: expect.stringMatching(/^\d{4}-.*Z$/) });
    expect(await receive()).toBe(250);
  });

  test('a name server that does not answer is retried later', async () => {
    lab.dns.pause();
    await readdress('192.0.2.22');

    const { status: code } = await box.mailctl('wan-changed --wait 5');

    lab.dns.resume();
    expect(code).toBe(75);
    expect(await published()).toEqual(['192.0.2.21']);
    await box.does('apply');
    await becomes('192.0.2.22');
  }, 60_000);
});

describe('a clock that is not set', () => {
  test('keeps the scheduler from running any job until it is set', async () => {
    await box.does('stop');
    expect(await servers()).toEqual([]);
    await box.does('start --no-serve');
    expect(await servers()).toEqual([]);
    await readdress('192.0.2.30');
    const words = [lab.source.binary, '--config', box.config, 'serve'];
    const log = join(WORK_DIRECTORY, 'serve-1970');
    startInBackground(lab.router.command(['faketime', '1970-01-02 03:04:05', ...words]), log);
    await waitFor('the warning about the clock', async () =>
      (await readFile(log, 'utf8')).includes('1970') ? true : undefined,
    );

    const { pid } = (await status()).scheduler;
    await untilAsleepAgain(procFolder(pid), () => signal('HUP', pid));
    expect(await published()).toEqual(['192.0.2.22']);
    const { status: code } = await lab.router.run([
      ...['faketime', '1970-01-02 03:04:05', lab.source.binary],
      ...['--config', box.config, 'wan-changed'],
    ]);
    expect(code).toBe(75);

    await signal('TERM', pid);
    await waitFor('its end', async () => ((await servers()).length === 0 ? true : undefined));
    await box.does('start');
    await box.does('apply');
    await becomes('192.0.2.30');
  });
});

describe('the end of the scheduler', () => {
  test('a supervised scheduler is used and signalled, and only its supervisor stops it', async () => {
    await signal('TERM', (await status()).scheduler.pid);
    await waitFor('its end', async () => ((await servers()).length === 0 ? true : undefined));
    const words = [lab.source.binary, '--config', box.config, 'serve'];
    const child = startInBackground(lab.router.command(words), join(WORK_DIRECTORY, 'supervised'));
    await waitFor('the scheduler to run', async () =>
      (await status()).scheduler.running ? true : undefined,
    );
    const { pid } = (await status()).scheduler;

    await box.does('start');
    const { stderr } = await box.mailctl('stop');

    expect(stderr).toContain('mailctl serve keeps running under its supervisor');
    expect(await servers()).toEqual([pid as number]);
    await box.does('start');
    expect(await servers()).toEqual([pid as number]);
    await signal('TERM', pid);
    expect(await child.exited).toBe(0);
  });

  test('stop and uninstall end the scheduler that start has started, and leave nothing behind', async () => {
    await box.does('start');
    expect(await servers()).toHaveLength(1);
    await box.does('stop');
    expect(await servers()).toEqual([]);
    await box.does('start');

    await box.does('uninstall');

    expect(await servers()).toEqual([]);
    expect((await lab.router.run(['ls', '/run/mailserver'])).stdout).toBe('');
  });
});
