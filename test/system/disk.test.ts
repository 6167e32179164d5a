// A full disk: senders get 4xx, no file is half-written, and mail flows again without help.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { plainMessage } from './clients/mail.ts';
import type { Appliance } from './lab/appliance.ts';
import { type Lab, PASSWORD, settled, startLab } from './lab/lab.ts';
import { NETWORK } from './lab/plan.ts';
import { waitFor } from './lab/programs.ts';

const ALICE = 'alice@example.test';
const VISITOR = 'visitor@outside.test';
const LINES = 2000;

let lab: Lab;
let box: Appliance;

const sh = (script: string) => lab.router.run(['sh', '-c', script]);

beforeAll(async () => {
  lab = await startLab();
  box = await lab.prepare({ features: { greylist: 0 } });
  // Postfix needs free space for 1.5 times message_size_limit
  for (const part of ['mail', 'queue']) {
    const folder = join(box.data, part);
    await sh(`mkdir -p ${folder} && mount -t tmpfs -o size=80m tmpfs ${folder}`);
  }
  await box.does('install');
  await settled(box, lab.wan);
  await box.does(`user add ${ALICE} --password-stdin`, { stdin: PASSWORD });
}, 300_000);

afterAll(() => lab?.down());

const fill = (part: string) =>
  sh(`dd if=/dev/zero of=${join(box.data, part, 'ballast')} bs=4k 2>/dev/null; true`);
const free = (part: string) => sh(`rm ${join(box.data, part, 'ballast')}`);

const deliver = (subject: string) => {
  const body = `${'x'.repeat(60)}\r\n`.repeat(LINES).concat('the very last line');
  const message = plainMessage({ from: VISITOR, to: ALICE, subject }, body);
  return lab.wan.deliver({ from: VISITOR, to: [ALICE], message }, { from: NETWORK.stranger });
};

/** The reason of each deferred message; undefined while there is none. */
async function deferred(): Promise<string[] | undefined> {
  const { messages } = await box.json<{
    messages: { recipients: { reason: string | null }[] }[];
  }>('queue list');
  const reasons = messages.flatMap(({ recipients }) =>
    recipients.flatMap(({ reason }) => reason ?? []),
  );
  return reasons.length > 0 ? reasons : undefined;
}

async function stored(): Promise<string[]> {
  const session = await lab.lan.mailbox({ user: ALICE, password: PASSWORD });
  try {
    return await session.messages('INBOX');
  } finally {
    session.close();
  }
}

describe('a full disk', () => {
  test('of the mailboxes keeps mail complete in the queue until there is space', async () => {
    await deliver('before the flood');
    await waitFor('the first letter', async () =>
      (await stored()).some((text) => text.includes('before the flood')) ? true : undefined,
    );
    await fill('mail');
    const { code } = await deliver('during the flood');
    if (code === 250) await waitFor('the delivery to be deferred', deferred);
    const halves = await sh(`find ${join(box.data, 'mail')} -path '*/new/*' -size -100k | wc -l`);
    await free('mail');

    expect(code === 250 || Math.floor(code / 100) === 4).toBe(true);
    expect(halves.stdout.trim()).toBe('0');
    if (code !== 250) await deliver('during the flood');
    await box.does('queue flush');
    const arrived = await waitFor(
      'the message of the flood',
      async () => (await stored()).find((text) => text.includes('during the flood')),
      120_000,
    );
    expect(arrived).toContain('the very last line');
  }, 200_000);

  test('of the queue defers senders, and mail flows again without help', async () => {
    await fill('queue');
    const refused = await deliver('no room').catch(() => null);
    await free('queue');

    expect(refused === null || Math.floor(refused.code / 100) === 4).toBe(true);
    const accepted = await waitFor(
      'the server to accept mail again',
      async () =>
        (await deliver('room again').catch(() => null))?.code === 250 ? true : undefined,
      60_000,
    );
    expect(accepted).toBe(true);
    await waitFor('the letter', async () =>
      (await stored()).some((text) => text.includes('room again')) ? true : undefined,
    );
  }, 200_000);
});
