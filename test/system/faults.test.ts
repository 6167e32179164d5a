// Mail while daemons die, a disk is full or the Internet is down: it is deferred, and never lost, unsigned or
// unfiltered.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { plainMessage } from './clients/mail.ts';
import type { Appliance } from './lab/appliance.ts';
import { startDaemon, stopDaemon } from './lab/daemon.ts';
import { type Lab, PASSWORD, startLab } from './lab/lab.ts';
import { NETWORK, PREFIX } from './lab/plan.ts';
import { waitFor } from './lab/programs.ts';

const ALICE = { user: 'alice@example.test', password: PASSWORD };
const VISITOR = 'visitor@outside.test';
const stranger = { from: NETWORK.stranger };

let lab: Lab;
let box: Appliance;

beforeAll(async () => {
  lab = await startLab();
  box = await lab.appliance({ features: { greylist: 0 }, smtp: { rate_limit: 0 } }, [
    'alice',
    'bob',
  ]);
}, 300_000);

afterAll(() => lab?.down());

const letter = (subject: string) => ({
  from: VISITOR,
  to: [ALICE.user],
  message: plainMessage({ from: VISITOR, to: ALICE.user, subject }),
});

/** The headers of every stored message, in any folder. */
async function subjects(): Promise<string> {
  const fetch = ['doveadm', 'fetch', '-u', ALICE.user, 'hdr', 'all'];
  const { status, stdout, stderr } = await box.inside(fetch);
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/** Retries on 4xx until the server accepts the message; other replies end it. */
async function deliverAtLast(subject: string): Promise<number> {
  return waitFor(
    `${subject} to be accepted`,
    async () => {
      try {
        const { code } = await lab.wan.deliver(letter(subject), stranger);
        return code < 400 || code >= 500 ? code : undefined;
      } catch {
        // The daemon is down: a sender retries as after 4xx
        return undefined;
      }
    },
    60_000,
  );
}

/** Kills every process on the router whose command line has this prefix; fails if there is none. */
async function kill(pattern: string): Promise<void> {
  const { status } = await lab.router.run(['pkill', '-9', '-f', `^${pattern}`]);
  expect([pattern, status]).toEqual([pattern, 0]);
}

describe('a daemon that is killed', () => {
  test.each([
    'rspamd',
    'valkey-server',
    'opendkim',
    'unbound',
    'dovecot',
    '/usr/lib/postfix/sbin/master',
  ])(
    '%s is restarted, and mail is accepted and arrives filtered',
    async (daemon) => {
      await kill(daemon);
      const subject = `after ${daemon.split('/').at(-1)}`;

      expect(await deliverAtLast(subject)).toBe(250);
      const inbox = await waitFor(
        `${subject} in the mailbox`,
        async () => {
          const text = await subjects().catch(() => '');
          return text.includes(subject) ? text : undefined;
        },
        90_000,
      );
      const message = inbox.slice(inbox.lastIndexOf('Return-Path', inbox.indexOf(subject)));
      expect(message.toLowerCase()).toContain('authentication-results: mail.example.test');
    },
    180_000,
  );

  test('no mail leaves unsigned while OpenDKIM is down', async () => {
    await stopDaemon(box, 'opendkim');
    const mail = { from: ALICE.user, to: 'friend@outside.test', subject: 'unsigned?', text: 'x' };
    const outcome = await lab.lan.submit(ALICE, mail).then(
      () => 'accepted',
      (error: { responseCode?: number }) => String(error.responseCode),
    );
    await startDaemon(box, 'opendkim');

    expect(outcome).toMatch(/^4\d\d$/);
  }, 60_000);

  test('a daemon that keeps failing is reported as failing with its last log lines', async () => {
    let killed = '';
    for (let round = 0; round < 4; round += 1) {
      killed = await waitFor('another unbound to run', async () => {
        const pid = (await lab.router.run(['pgrep', '-f', '^unbound'])).stdout.trim();
        return pid === '' || pid === killed ? undefined : pid;
      });
      await lab.router.run(['kill', '-9', killed]);
    }
    const { stdout } = await box.mailctl('status');

    expect(stdout).toMatch(/unbound\s+failing/);
    await waitFor(
      'unbound to be up again',
      async () => {
        const { stdout: text } = await box.mailctl('status --json');
        const { daemons } = JSON.parse(text) as { daemons: { name: string; state: string }[] };
        return daemons.find(({ name }) => name === 'unbound')?.state === 'up' ? true : undefined;
      },
      90_000,
    );
  }, 150_000);
});

describe('a power cut while mail flows', () => {
  test('every acknowledged message exists after the restart', async () => {
    const acknowledged: string[] = [];
    let running = true;
    const senders = Array.from({ length: 10 }, async (_, sender) => {
      for (let n = 0; n < 200 && running; n += 1) {
        const subject = `flow-${sender}-${n}-end`;
        try {
          const { code } = await lab.wan.deliver(letter(subject), stranger);
          if (code === 250) acknowledged.push(subject);
        } catch {
          // The connection was lost with the server: not acknowledged
          await Bun.sleep(20);
        }
      }
    });
    await waitFor('mail to flow', () => (acknowledged.length > 300 ? true : undefined), 60_000);
    const stop = ['pkill', '-9', '-f', `lxc.*${PREFIX}box`];
    await box.inside(['sh', '-c', 'kill -9 -1']);
    await lab.router.run(stop);
    running = false;
    await Promise.all(senders);
    await lab.router.run([
      'sh',
      '-c',
      `lxc-stop -k -n ${PREFIX}box -P ${join(box.config, '../lxc')}`,
    ]);
    await box.does('start');

    const missing = await waitFor(
      'the queue to be delivered',
      async () => {
        const text = await subjects().catch(() => '');
        const lost = acknowledged.filter((subject) => !text.includes(subject));
        return lost.length === 0 ? lost : undefined;
      },
      120_000,
    ).catch(async () => {
      const text = await subjects();
      return acknowledged.filter((subject) => !text.includes(subject));
    });
    expect(missing).toEqual([]);
    expect(acknowledged.length).toBeGreaterThan(300);
  }, 300_000);
});

describe('a resolver that is down', () => {
  test('mail is accepted or deferred, never rejected', async () => {
    await stopDaemon(box, 'unbound');
    const { code } = await lab.wan.deliver(letter('without dns'), stranger);
    await startDaemon(box, 'unbound');

    expect(code).toBeLessThan(500);
  }, 120_000);
});

describe('a full disk', () => {
  const full = (folder: string, mode: string) => [
    'sh',
    '-c',
    mode === 'fill'
      ? `mkdir -p /tmp/full && mount -t tmpfs -o size=64k tmpfs ${folder}`
      : `umount ${folder}`,
  ];

  test('of the accounts loses no data and is reported', async () => {
    const accounts = join(box.data, 'config');
    const before = await box.does('user list');
    await lab.router.run(['sh', '-c', `cp -a ${accounts} /run/accounts-copy`]);
    await lab.router.run(full(accounts, 'fill'));
    await lab.router.run([
      'sh',
      '-c',
      `cp -a /run/accounts-copy/. ${accounts}/; dd if=/dev/zero of=${accounts}/ballast bs=1k 2>/dev/null; true`,
    ]);
    const { status, stderr } = await box.mailctl('user add late@example.test --generate');
    await lab.router.run(full(accounts, 'free'));

    expect(status).toBe(69);
    expect(stderr).toContain('no space left');
    expect(await box.does('user list')).toBe(before);
    expect((await readdir(accounts)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  }, 60_000);
});
