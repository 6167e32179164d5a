// Backups on peers, and the way back: a server is destroyed, and a new one comes back with the recovery key.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { differences, readShapes } from '../json-document.ts';
import { plainMessage } from './clients/mail.ts';
import type { Appliance } from './lab/appliance.ts';
import { type Lab, PASSWORD, settled, startLab } from './lab/lab.ts';
import { NETWORK, WORK_DIRECTORY } from './lab/plan.ts';
import { waitFor } from './lab/programs.ts';

const ALICE = { user: 'alice@example.test', password: PASSWORD };
const DISK = join(WORK_DIRECTORY, 'disk');
const PEER = `file://${DISK}`;
const KEY = join(WORK_DIRECTORY, 'recovery.key');
const SCRIPT = 'require "fileinto"; if header :contains "subject" "bill" { fileinto "Bills"; }';

const shapes = readShapes();

/** Compares with docs/json.md. */
const documented = (example: string, value: unknown) =>
  expect(differences(shapes.get(`mailctl ${example}`) ?? {}, value, new Set())).toEqual([]);

let lab: Lab;
let box: Appliance;

async function deliver(...subjects: string[]): Promise<void> {
  const from = 'visitor@outside.test';
  for (const subject of subjects) {
    const message = plainMessage({ from, to: ALICE.user, subject });
    const sent = await lab.wan.deliver(
      { from, to: [ALICE.user], message },
      { from: NETWORK.stranger },
    );
    expect(sent.code).toBe(250);
  }
  await waitFor(`${subjects.at(-1)} to be delivered`, async () =>
    (await inbox()).some((line) => line.includes(`${subjects.at(-1)}\r`)) ? true : undefined,
  );
}

/** UID, flags and subject of each message, and UIDVALIDITY. */
async function inbox(): Promise<string[]> {
  const session = await lab.lan.mailbox(ALICE);
  const { untagged } = await session.ok('SELECT INBOX');
  const validity = untagged.find((line) => line.includes('UIDVALIDITY')) ?? '';
  const found = await session
    .ok('FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])')
    .catch(() => null);
  session.close();
  return [validity, ...(found?.untagged ?? []).map((line) => line.replace(/\\Recent ?/, ''))];
}

beforeAll(async () => {
  lab = await startLab();
  box = await lab.appliance({ features: { greylist: 0 } }, ['alice', 'bob']);
  await mkdir(DISK);
  const session = await lab.lan.sieve();
  await session.starttls();
  await session.login(ALICE.user, PASSWORD);
  await session.putScript('main', SCRIPT);
  await session.command('SETACTIVE "main"');
  session.close();
}, 300_000);

afterAll(() => lab?.down());

describe('a folder as peer', () => {
  test('the recovery key is shown once, and the first push stores a backup that is proved and tried', async () => {
    await deliver('one', 'two', 'three');
    const imap = await lab.lan.mailbox(ALICE);
    await imap.ok('SELECT INBOX');
    await imap.ok('STORE 2 +FLAGS (\\Seen \\Flagged $Work)');
    await imap.ok('STORE 1 +FLAGS (\\Deleted)');
    await imap.ok('EXPUNGE');
    imap.close();
    const unsaved = await box.mailctl('mesh enable');
    const enabled = await box.json<{ recovery_key: string }>('mesh enable --key-saved');
    await writeFile(KEY, enabled.recovery_key, { mode: 0o600 });
    await box.does(['mesh', 'add-peer', PEER]);
    const pushed = await box.json<{ peers: { complete: boolean }[] }>('mesh sync push');
    const verified = await box.json<{ peers: { archive: string }[]; trial: { mailbox: string } }>(
      'mesh verify',
    );
    const again = await box.json<{ recovery_key?: string }>('mesh enable');

    expect(unsaved.status).toBe(64);
    expect(again.recovery_key).toBeUndefined();
    expect(pushed.peers).toMatchObject([{ complete: true }]);
    expect(verified.peers[0]?.archive).toMatch(/^\d+-\d+\.tar\.zst\.age$/);
    // chosen at random among those with mail
    expect([ALICE.user, 'postmaster@example.test']).toContain(verified.trial.mailbox);
    expect((await box.mailctl('doctor --only backup')).status).toBe(0);
  }, 120_000);

  test('one message comes back without its mailbox, while the server runs', async () => {
    const before = await inbox();
    const imap = await lab.lan.mailbox(ALICE);
    await imap.ok('SELECT INBOX');
    await imap.ok('STORE 1 +FLAGS (\\Deleted)');
    await imap.ok('EXPUNGE');
    imap.close();
    const restore = ['mesh', 'restore', '--key-file', KEY, '--user', ALICE.user];
    const listed = await box.json<{ messages: { message: string }[] }>([...restore, '--list']);
    const { messages } = listed;
    const lost = await box.json<{ added: number }>(restore);
    const after = await inbox();

    documented('mesh restore --user', lost);
    documented('mesh restore --list', listed);
    expect(messages).toHaveLength(2);
    expect(lost.added).toBe(1);
    expect(after).toHaveLength(before.length);
    expect((await box.json<{ added: number }>(restore)).added).toBe(0);
  }, 60_000);
});

describe('the server is destroyed', () => {
  let copy: Appliance;
  let before: { inbox: string[]; fingerprint: string };

  const fingerprint = async (of: Appliance) =>
    (await of.json<{ fingerprint: string }>('ssl-status')).fingerprint;

  beforeAll(async () => {
    await box.does('mesh sync push');
    before = { inbox: await inbox(), fingerprint: await fingerprint(box) };
    await box.does('uninstall --purge --yes');
    await rm(box.config);
    copy = await lab.prepare({ network: { bridge: 'br-copy', address: '10.99.0.2/24' } }, 'copy');
  }, 60_000);

  test('a wrong key is refused before anything changes', async () => {
    const wrong = `${KEY}.wrong`;
    const { recovery_key } = await copy.json<{ recovery_key: string }>('mesh enable --key-saved');
    await writeFile(wrong, recovery_key, { mode: 0o600 });
    const { status, stderr } = await copy.mailctl([
      'mesh',
      'restore',
      '--from',
      PEER,
      '--key-file',
      wrong,
      '--yes',
    ]);

    expect(status).toBe(65);
    expect(stderr).toContain('the recovery key is not that of the backups there');
  }, 30_000);

  test('one command and the key bring it back: the same UIDs, flags, Sieve script, keys and accounts', async () => {
    const restored = await copy.does([
      'mesh',
      'restore',
      '--from',
      PEER,
      '--key-file',
      KEY,
      '--yes',
    ]);

    expect(restored).toContain('is in place, and the mail server is running');
    expect(await inbox()).toEqual(before.inbox);
    expect(await fingerprint(copy)).toBe(before.fingerprint);
    const sieve = await lab.lan.sieve();
    await sieve.starttls();
    await sieve.login(ALICE.user, PASSWORD);
    expect((await sieve.command('LISTSCRIPTS')).lines).toContain('"main" ACTIVE');
    sieve.close();
    expect(await copy.does('user list')).toContain('bob@example.test');
    expect((await copy.mailctl('doctor --only files apply backup state')).stdout).not.toContain(
      'error',
    );
    expect(await copy.does('plan')).toContain('nothing to change');
    await settled(copy, lab.wan);
  }, 120_000);

  test('it goes on as the box that it was: the next backup follows the last one', async () => {
    await deliver('after the fire');
    const { backup, peers } = await copy.json<{
      backup: { sequence: number; made: boolean };
      peers: { complete: boolean }[];
    }>('mesh sync push');

    expect(backup).toMatchObject({ made: true });
    expect(backup.sequence).toBeGreaterThan(1);
    expect(peers).toMatchObject([{ complete: true }]);
  }, 60_000);
});
