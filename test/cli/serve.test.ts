// mailctl serve and wan-changed on a router without a container: processes, stored state, messages.

import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createRouter, type Router } from './router.ts';

const RUN = '/var/run/mailserver/router-of-tests';
const SCHEDULE = '/srv/mailserver/schedule.json';
let router: Router;
let serving: Bun.Subprocess[];

const config = (dns = '', enabled = 1) =>
  router.write(
    '/etc/config/mailserver',
    `config mailserver 'main'
	option enabled '${enabled}'
	option domain 'example.com'
	option data_path '/srv/mailserver'
	option container 'router-of-tests'
	option lxc_path '/srv/lxc'
config report 'report'
	option enabled '0'
config dns 'dns'
${dns}`,
  );

const ubus = (address: string, before = '') =>
  router.write(
    '/bin/ubus',
    `#!/bin/sh\n${before}\necho '${JSON.stringify({ up: true, 'ipv4-address': [{ address }] })}'\n`,
    0o755,
  );

const publish = (address: string) => {
  const values = [{ name: 'mail.example.com', type: 'A', value: address, made: true }];
  router.write('/srv/mailserver/dns/state.json', JSON.stringify({ v: 1, values, last: null }));
};

const read = (path: string) => {
  const full = join(router.root, path);
  return existsSync(full) ? readFileSync(full, 'utf8') : null;
};

async function until<T>(look: () => T | null | undefined | false): Promise<T> {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    const found = look();
    if (found) return found;
    await Bun.sleep(50);
  }
  throw new Error('it never came');
}

async function serve(): Promise<Bun.Subprocess> {
  const child = router.start('serve');
  serving.push(child);
  await until(() => read(`${RUN}.serve.lock.holder`)?.includes(`"pid":${child.pid}`));
  return child;
}

test('SIGTERM ends serve at every moment of its start', async () => {
  config('', 0);
  for (let delay = 0; delay < 300; delay += 4) {
    const child = router.start('serve');
    serving.push(child);
    await Bun.sleep(delay);

    child.kill('SIGTERM');

    await child.exited;
    expect(child.exitCode === 0 || child.signalCode === 'SIGTERM').toBe(true);
  }
}, 60_000);

const words = (stream: Bun.Subprocess['stderr']) =>
  new Response(stream as ReadableStream<Uint8Array>).text();

/** A zombie counts as ended. */
const isAlive = (pid: number) =>
  existsSync(`/proc/${pid}`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));

beforeEach(() => {
  router = createRouter();
  serving = [];
  config();
  publish('192.0.2.1');
  ubus('192.0.2.1');
  router.write('/srv/lxc/router-of-tests/config', '');
});
afterEach(async () => {
  for (const child of serving) child.kill('SIGKILL');
  await Promise.all(serving.map((child) => child.exited));
  router.remove();
});

describe('serve', () => {
  test('an appliance has one scheduler; a second one names it and exits with 75', async () => {
    const first = await serve();

    const { status, stderr } = await router.mailctl('serve');

    expect(status).toBe(75);
    expect(stderr).toContain(`locked by mailctl serve (pid ${first.pid})`);
  });

  test('a supervised one takes the place of one in the background', async () => {
    const first = router.start('serve --background');
    serving.push(first);
    await until(() => read(`${RUN}.serve.lock.holder`)?.includes(`"pid":${first.pid}`));

    const second = await serve();

    expect(await first.exited).toBe(0);
    const { stdout } = await router.mailctl('status --json');
    expect(JSON.parse(stdout).scheduler.pid).toBe(second.pid);
  });

  test('with --json the second names the holder as fields', async () => {
    const first = await serve();

    const { stderr } = await router.mailctl('serve --json');

    expect(JSON.parse(stderr).error).toMatchObject({
      code: 'LOCKED',
      holder: { command: 'mailctl serve', pid: first.pid },
    });
  });

  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s ends it with status 0 and no output but what it waits for',
    async (name) => {
      ubus('192.0.2.1', `echo >${router.root}/asked`);
      const child = await serve();
      await until(() => read('/asked'));

      child.kill(name);

      expect(await child.exited).toBe(0);
      expect(await words(child.stderr)).toMatch(/^the mail server is not started: .*\n$/);
    },
  );

  test('after a kill the next scheduler starts', async () => {
    const first = await serve();
    first.kill('SIGKILL');
    await first.exited;

    await serve();

    const scheduler = JSON.parse((await router.mailctl('status --json')).stdout).scheduler;
    expect(scheduler).toEqual({ running: true, pid: serving[1]?.pid, job: null });
  });

  test('it runs due jobs, and status shows their results and the log', async () => {
    ubus('192.0.2.7');
    await serve();
    await until(() => read(SCHEDULE));

    const { stdout } = await router.mailctl('status --json');

    // there is no dnsctl here
    expect(JSON.parse(stdout).due).toEqual([
      {
        job: 'addresses',
        at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        last: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        outcome: 'failed',
        status: 69,
        problem: expect.stringContaining('dnsctl'),
      },
    ]);
    const log = await router.mailctl('logs --daemon serve');
    expect(log.stdout).toMatch(/serve: addresses begins\n.*error: .*dnsctl/);
    expect(log.stdout).toMatch(/serve: addresses ended with status 69; retry after \d{4}-/);
  });

  test('SIGHUP makes it check the jobs at once', async () => {
    ubus('192.0.2.1', `echo >${router.root}/asked`);
    const child = await serve();
    await until(() => read('/asked'));
    ubus('192.0.2.7');

    child.kill('SIGHUP');

    await until(() => read(SCHEDULE));
  });

  test('ended during a job, it ends the job and stores no result', async () => {
    const pid = `${router.root}/job.pid`;
    // the first call is by the scheduler, the second by the job
    ubus('192.0.2.7', `mkdir ${router.root}/asked 2>&- || { echo $$ >${pid}; exec sleep 100; }`);
    const child = await serve();
    const job = Number(await until(() => read('/job.pid')));

    child.kill('SIGTERM');

    expect(await child.exited).toBe(0);
    await until(() => !isAlive(job));
    expect(read(SCHEDULE)).toBeNull();
    expect(read(`${RUN}.serve.job`)).toBeNull();
  });

  test('after a kill during a job, the next scheduler ends the job and runs it again', async () => {
    const pid = `${router.root}/job.pid`;
    ubus('192.0.2.7', `mkdir ${router.root}/asked 2>&- || { echo $$ >${pid}; exec sleep 100; }`);
    const first = await serve();
    const job = Number(await until(() => read('/job.pid')));
    first.kill('SIGKILL');
    await first.exited;
    expect(isAlive(job)).toBe(true);
    ubus('192.0.2.7');

    await serve();

    await until(() => read(SCHEDULE));
    expect(isAlive(job)).toBe(false);
    const log = await router.mailctl('logs --daemon serve');
    expect(log.stdout).toContain('addresses of an earlier scheduler was still running: ended');
  });

  test('without the data folder it writes nothing there, and status says what it waits for', async () => {
    rmSync(join(router.root, 'srv/mailserver'), { recursive: true });
    await serve();

    const waits = await until(() => read(`${RUN}.serve.wait`));

    expect(waits).toContain('the data folder /srv/mailserver has no accounts');
    expect(existsSync(join(router.root, 'srv/mailserver'))).toBe(false);
    const { stdout } = await router.mailctl('status');
    expect(stdout).toContain(`mailctl serve waits: ${waits.trim()}`);
  });

  test('it finishes an interrupted change of the accounts', async () => {
    const left = '/srv/mailserver/config/.commit';
    await router.mailctl('domain add example.org');
    mkdirSync(join(router.root, left));

    await serve();

    await until(() => !existsSync(join(router.root, left)));
    expect((await router.mailctl('domain list')).stdout).toContain('example.org');
  });

  test('a dry run shows what is due and starts nothing', async () => {
    ubus('192.0.2.7');

    const { status, stdout } = await router.mailctl('serve --dry-run --json');

    expect(status).toBe(0);
    expect(JSON.parse(stdout).due[0]).toMatchObject({ job: 'addresses', last: null });
    expect(read(SCHEDULE)).toBeNull();
  });

  test('with an invalid UCI file it exits with 78', async () => {
    config('\toption provider perhaps\n');

    expect((await router.mailctl('serve')).status).toBe(78);
  });
});

test('status shows that no scheduler is running, and the command that starts it', async () => {
  router.write('/bin/lxc-info', '#!/bin/sh\necho 4242\n', 0o755);
  router.write('/bin/lxc-attach', '#!/bin/sh\n', 0o755);

  const { stdout } = await router.mailctl('status');

  expect(stdout).toContain('  scheduler   not running; next: mailctl start');
});

describe('wan-changed', () => {
  test('an unchanged address writes nothing and needs no lock', async () => {
    const { status, stdout } = await router.mailctl('wan-changed');

    expect({ status, stdout }).toEqual({ status: 0, stdout: 'nothing to change: 192.0.2.1\n' });
    expect(read(`${RUN}.lock`)).toBeNull();
  });

  test.each([
    ['another interface', '', '192.0.2.7', 'guest is not mailserver.dns.wan_interface (wan)'],
    [
      'a fixed address',
      "\tlist public_address '192.0.2.9'\n",
      '192.0.2.7',
      'mailserver.dns.public_address is 192.0.2.9',
    ],
    ['records by hand', '\toption provider none\n', '192.0.2.7', "provider is 'none'"],
  ])('with %s it does nothing and says why', async (name, dns, address, reason) => {
    config(dns);
    ubus(address);
    const option = name === 'another interface' ? ' --interface guest' : '';

    const { status, stdout } = await router.mailctl(`wan-changed${option}`);

    expect(status).toBe(0);
    expect(stdout).toContain(`nothing to do: `);
    expect(stdout).toContain(reason);
  });

  test.each([
    ['100.64.3.4', 'CGNAT'],
    ['192.168.1.4', 'private'],
  ])('%s never takes the place of a public address', async (address, why) => {
    ubus(address);

    const { status, stdout, stderr } = await router.mailctl('wan-changed');

    expect({ status, stdout }).toEqual({ status: 0, stdout: 'nothing to change: 192.0.2.1\n' });
    expect(stderr).toContain(`the A record is kept: ${address}`);
    expect(stderr).toContain(why);
  });

  test('before the first dns-setup it publishes nothing', async () => {
    router.write('/srv/mailserver/dns/state.json', '{"v":1,"values":[],"last":null}');
    ubus('192.0.2.7');

    const { status, stdout, stderr } = await router.mailctl('wan-changed');

    expect({ status, stdout }).toEqual({ status: 0, stdout: 'nothing to do\n' });
    expect(stderr).toContain('no address has been published by mailctl yet: mailctl dns-setup');
  });

  test('a new address without a DNS provider is an error with the command to use', async () => {
    ubus('192.0.2.7');

    const { status, stderr } = await router.mailctl('wan-changed');

    expect(status).toBe(69);
    expect(stderr).toContain('dnsctl');
  });
});

describe('the hotplug script', () => {
  const script = join(import.meta.dir, '../../files/etc/hotplug.d/iface/95-mailserver');
  const calls = () => (read('/calls') ?? '').trim();

  // of OpenWrt's /lib/functions.sh: every option has its default, and the server is enabled
  const functions =
    'config_load() { :; }; config_get() { eval "$1=\\$4"; }; config_get_bool() { eval "$1=$ENABLED"; }';

  async function event(env: Record<string, string | undefined>): Promise<void> {
    router.write('/bin/mailctl', `#!/bin/sh\necho "$*" >>${router.root}/calls\n`, 0o755);
    router.write('/bin/logger', '#!/bin/sh\ncat >/dev/null\n', 0o755);
    const child = Bun.spawn(['sh', '-c', `${functions}; . ${script}`], {
      env: { ENABLED: '1', ...env, PATH: `${router.root}/bin:${process.env.PATH}` },
      stdout: 'pipe',
    });
    // its background process holds the pipe open until it ends
    await child.stdout.text();
  }

  test.each([
    ['comes up', { ACTION: 'ifup' }],
    ['has another address', { ACTION: 'ifupdate', IFUPDATE_ADDRESSES: '1' }],
  ])('calls wan-changed when the WAN interface %s', async (_, env) => {
    await event({ INTERFACE: 'wan', ...env });

    expect(calls()).toBe('--quiet wan-changed --interface wan');
  });

  test.each<[string, Record<string, string>]>([
    ['goes down', { ACTION: 'ifdown', INTERFACE: 'wan' }],
    ['has another route', { ACTION: 'ifupdate', IFUPDATE_ROUTES: '1', INTERFACE: 'wan' }],
    ['is the LAN', { ACTION: 'ifup', INTERFACE: 'lan' }],
    ['comes up for a disabled server', { ACTION: 'ifup', INTERFACE: 'wan', ENABLED: '0' }],
  ])('does nothing when the interface %s', async (_, env) => {
    await event(env);

    expect(calls()).toBe('');
  });
});
