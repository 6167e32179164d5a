// Three boxes on different hosts of a network back each other up while mail flows. One is destroyed and comes back from the
// others with one command and the recovery key.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { differences, readShapes } from '../json-document.ts';
import { plainMessage } from './clients/mail.ts';
import type { Appliance } from './lab/appliance.ts';
import { type Lab, PASSWORD, startLab } from './lab/lab.ts';
import { onHost } from './lab/network.ts';
import { type HostName, NETWORK, PREFIX, WORK_DIRECTORY } from './lab/plan.ts';
import { run, waitFor } from './lab/programs.ts';
import { formatUci } from './lab/uci.ts';

const ALICE = { user: 'alice@example.test', password: PASSWORD };
const PORT = '7332';

/** A box that keeps backups and makes its own, without a running mail server. */
interface SmallBox {
  readonly id: string;
  readonly address: string;
  mailctl(...words: string[]): ReturnType<typeof run>;
  json<T>(...words: string[]): Promise<T>;
  listen(): Promise<void>;
  deaf(): Promise<void>;
}

let lab: Lab;
let box: Appliance;
let small: SmallBox[];
let key: string;
const listeners: Bun.Subprocess[] = [];
const shapes = readShapes();

const documented = (example: string, value: unknown) =>
  expect(differences(shapes.get(`mailctl ${example}`) ?? {}, value, new Set())).toEqual([]);

async function startSmallBox(host: HostName, address: string): Promise<SmallBox> {
  const folder = join(WORK_DIRECTORY, `small-${host}`);
  const data = join(folder, 'data');
  const mail = join(data, 'mail/small.test/owner/new');
  await mkdir(mail, { recursive: true });
  await writeFile(join(mail, `1795300000.M1P1.${host}`), `Subject: of ${host}\n\nhello\n`);
  const config = join(folder, 'mailserver');
  const main = { domain: `${host}.test`, data_path: data, container: `${PREFIX}${host}` };
  await writeFile(config, formatUci({ main }), { mode: 0o600 });
  const command = (words: string[]) =>
    onHost(host, [lab.source.binary, '--config', config, ...words]);
  const mailctl = (...words: string[]) => run(command(words), { timeout: 60_000 });
  const json = async <T>(...words: string[]): Promise<T> => {
    const { stdout, stderr } = await mailctl(...words, '--json');
    if (stdout === '') throw new Error(`${host}: ${words.join(' ')}: ${stderr}`);
    return JSON.parse(stdout);
  };
  const { peer_id: id } = await json<{ peer_id: string }>('mesh', 'enable', '--key-saved');
  let child: Bun.Subprocess | undefined;
  return {
    ...{ id, address, mailctl, json },
    listen: async () => {
      child = Bun.spawn(command(['mesh', 'listen', '--port', PORT]), {
        ...{ stdin: 'pipe', stdout: 'ignore', stderr: 'ignore' },
      });
      listeners.push(child);
      await waitFor(`${host} to listen`, async () => {
        const { stdout } = await run(onHost(host, ['ss', '-Hltn', `sport = :${PORT}`]));
        return stdout.includes(PORT) ? true : undefined;
      });
    },
    deaf: async () => {
      child?.kill();
      await child?.exited;
    },
  };
}

async function deliver(subject: string): Promise<void> {
  const from = 'visitor@outside.test';
  const message = plainMessage({ from, to: ALICE.user, subject });
  const envelope = { from, to: [ALICE.user], message };
  const sent = await lab.wan.deliver(envelope, { from: NETWORK.stranger });
  expect(sent.code).toBe(250);
}

/** Subject of each message of the inbox with its UID and flags. */
async function inbox(): Promise<Map<string, string>> {
  const session = await lab.lan.mailbox(ALICE);
  await session.ok('SELECT INBOX');
  // an empty mailbox has no message 1
  const found = await session.command('FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])');
  session.close();
  const rows = found.untagged.flatMap((line) => {
    const subject = /Subject: (.+?)\r/i.exec(line)?.[1];
    const uid = /UID (\d+)/.exec(line)?.[1];
    const flags = /FLAGS \(([^)]*)\)/.exec(line)?.[1]?.replace(/\\Recent ?/, '');
    return subject === undefined ? [] : [[subject, `${uid} (${flags})`] as const];
  });
  return new Map(rows);
}

const inboxWith = (subject: string) =>
  waitFor(`${subject} in the inbox`, async () => {
    const found = await inbox();
    return found.has(subject) ? found : undefined;
  });

beforeAll(async () => {
  lab = await startLab();
  box = await lab.appliance({ features: { greylist: 0 } }, ['alice']);
  small = [
    await startSmallBox('lan', NETWORK.lan.address),
    await startSmallBox('wan', NETWORK.wan.address),
  ];
}, 300_000);

afterAll(async () => {
  for (const child of listeners) child.kill();
  await lab?.down();
});

test('boxes that added each other back up over HTTPS, while mail flows', async () => {
  const enabled = await box.json<{ recovery_key: string; peer_id: string }>(
    'mesh enable --key-saved',
  );
  key = join(WORK_DIRECTORY, 'recovery.key');
  await writeFile(key, enabled.recovery_key, { mode: 0o600 });
  const early = await box.json<{ answers: boolean }>(
    `mesh add-peer ${small[0]?.id} --address ${small[0]?.address}`,
  );
  for (const one of small) {
    const router = one.address === NETWORK.lan.address ? NETWORK.router.lan : NETWORK.router.wan;
    const added = await one.mailctl('mesh', 'add-peer', enabled.peer_id, '--address', router);
    expect(added.status).toBe(0);
    await one.listen();
    await box.does(`mesh add-peer ${one.id} --address ${one.address}`);
  }
  await deliver('before');
  await inboxWith('before');
  const flow = (async () => {
    for (let number = 1; number <= 12; number += 1) await deliver(`flow ${number}`);
  })();
  const pushed = await box.json<{ peers: { complete: boolean }[] }>('mesh sync push');
  await flow;
  const back = await waitFor('the listener of serve', async () => {
    const answers = await Promise.all(
      small.map((one) => one.json<{ peers: { complete: boolean }[] }>('mesh', 'sync', 'push')),
    );
    return answers.every(({ peers }) => peers[0]?.complete) ? answers : undefined;
  });
  const proved = await box.json<{ peers: { archive: string | null }[] }>('mesh verify --proofs');
  const listed = await box.json('mesh peers');

  expect(early.answers).toBe(false);
  expect(pushed.peers.map(({ complete }) => complete)).toEqual([true, true]);
  expect(back).toHaveLength(2);
  expect(proved.peers.map(({ archive }) => archive !== null)).toEqual([true, true]);
  for (const [example, value] of [
    ['mesh sync push', pushed],
    ['mesh verify', proved],
    ['mesh peers', listed],
  ] as const)
    documented(example, value);
  // whose name the process has that strangers reach
  const { stdout } = await lab.router.run([
    'sh',
    '-c',
    "ps -o user= -p $(pgrep -f 'mesh listen' | head -1)",
  ]);
  expect(stdout.trim()).toMatch(/^mailserv/);
}, 120_000);

test('the destroyed box comes back from the others, with every message of its last backup', async () => {
  await inboxWith('flow 12');
  const imap = await lab.lan.mailbox(ALICE);
  await imap.ok('SELECT INBOX');
  await imap.ok('STORE 3 +FLAGS (\\Answered \\Flagged)');
  imap.close();
  // one of the peers misses the last backup
  await small[1]?.deaf();
  const last = await box.mailctl('mesh sync push');
  const before = await inbox();
  await box.does('uninstall --purge --yes');
  await rm(box.config);
  await small[1]?.listen();
  const network = { bridge: 'br-copy', address: '10.99.0.2/24' };
  const copy = await lab.prepare({ network }, 'copy');
  const from = small.flatMap(({ id, address }) => ['--from', id, '--address', address]);
  const words = ['mesh', 'restore', ...from, '--key-file', key, '--yes', '--json'];
  const { status, stdout, stderr } = await copy.mailctl(words);

  expect(last.status).toBe(1);
  expect([status, status === 0 ? '' : stderr]).toEqual([0, '']);
  expect(stderr).toMatch(/offers backup \d+ as its newest; another peer has \d+/);
  documented('mesh restore', JSON.parse(stdout));
  const after = await inbox();
  expect([...after].sort()).toEqual([...before].sort());
  box = copy;
}, 180_000);

test('peers take the box that came back for the one it was, and give it their backups again', async () => {
  await deliver('after');
  await inboxWith('after');
  const pushed = await box.json<{ peers: { complete: boolean }[] }>('mesh sync push');
  const back = await waitFor('the listener of the new box', async () => {
    const { peers } = await (small[0] as SmallBox).json<{ peers: { complete: boolean }[] }>(
      'mesh',
      'sync',
      'push',
    );
    return peers[0]?.complete ? true : undefined;
  });

  expect(pushed.peers.map(({ complete }) => complete)).toEqual([true, true]);
  expect(back).toBe(true);
}, 90_000);
