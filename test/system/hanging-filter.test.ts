// A message on which an Rspamd worker hangs for a reason that no limit covers: the worker is replaced, the other worker
// continues, and the message is rejected after a few retries.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdir, writeFile } from 'node:fs/promises';
import { plainMessage } from './clients/mail.ts';
import { deliver, type Reply } from './clients/smtp.ts';
import type { Appliance } from './lab/appliance.ts';
import { type Lab, PASSWORD, startLab } from './lab/lab.ts';
import { NETWORK } from './lab/plan.ts';
import { waitFor } from './lab/programs.ts';

const ALICE = 'alice@example.test';
const STRANGER = 'stranger@outside.test';

/** A faulty operator's rule, which runs while a message is parsed. */
const ENDLESS = `
local magic = require 'lua_magic'
local detect = magic.detect_mime_part
magic.detect_mime_part = function(part, task)
  while task:get_subject() == 'endless' do end
  return detect(part, task)
end
`;

let lab: Lab;
let box: Appliance;

beforeAll(async () => {
  lab = await startLab();
  box = await lab.appliance({ features: { greylist: 0, fail2ban: 0 } }, ['alice', 'bob']);
  await mkdir(`${box.data}/custom/rspamd`, { recursive: true });
  await writeFile(`${box.data}/custom/rspamd/endless.lua`, ENDLESS);
  await writeFile(
    `${box.data}/custom/rspamd/endless.conf`,
    'lua = "/custom/rspamd/endless.lua";\n',
  );
  await box.does('apply');
}, 300_000);

afterAll(() => lab?.down());

async function fromStranger(address: string, message: string): Promise<Reply> {
  const session = await lab.wan.smtp({ from: address });
  await session.hello();
  try {
    return await deliver(session, { from: STRANGER, to: [ALICE], message });
  } finally {
    session.close();
  }
}

test("an operator's rule does not replace the server's rules", async () => {
  const session = await lab.lan.smtp({ port: 465, tls: true });
  await session.hello();
  await session.login(ALICE, PASSWORD);
  const message = plainMessage({ from: 'bob@example.test', to: STRANGER, subject: 'forged' });

  const reply = await deliver(session, { from: ALICE, to: [STRANGER], message });
  expect(reply.code).toBe(554);
  session.close();
});

test('the message costs one worker per try, and is rejected in the end; other mail is delivered', async () => {
  const head = { from: STRANGER, to: ALICE, subject: 'endless' };
  const endless = plainMessage(head, 'text that goes on\r\n'.repeat(10_000));
  const replies: number[] = [];
  let over = false;
  const ordinary: number[] = [];
  const sending = (async () => {
    // A message given to the worker at the same moment is deferred too: RFC 5321 section 4.5.4.1
    while (!over) {
      const message = plainMessage({ from: STRANGER, to: ALICE, subject: 'ordinary' });
      const { code } = await fromStranger(NETWORK.stranger, message);
      ordinary.push(code);
      // a server that is told to come again does so later, not in the moment when the other one does, too
      if (code === 451) await Bun.sleep(2000);
    }
  })();
  while (replies.length < 6 && replies.at(-1) !== 554) {
    replies.push((await fromStranger('198.51.100.66', endless)).code);
  }
  over = true;
  await sending;

  expect(replies).toEqual([451, 451, 451, 554]);
  const waited = ordinary.filter((code) => code !== 250);
  console.log(`${ordinary.length} ordinary messages, ${waited.length} told to come again`);
  expect(waited.length).toBeLessThanOrEqual(replies.length);
  expect(ordinary.length).toBeGreaterThan(20);
}, 180_000);

/** Process ids of the workers that check mail, inside the container. */
async function workers(): Promise<string[]> {
  const { stdout } = await box.inside(['ps', '-o', 'pid,args']);
  return [...stdout.matchAll(/^ *(\d+) rspamd: rspamd_proxy/gm)].map(([, pid = '']) => pid).sort();
}

// Rspamd does not replace a worker that ends with status 0
test('workers that recover after Rspamd has told them to end are replaced', async () => {
  // the message of the test before may have cost one a moment ago
  const before = await waitFor('two workers', async () => {
    const now = await workers();
    return now.length === 2 ? now : undefined;
  });
  const ended = async () => {
    const log = await box.log();
    return before.every((pid) =>
      log.includes(`terminate worker type rspamd_proxy with pid ${pid}`),
    );
  };

  await box.inside(['kill', '-STOP', ...before]);
  await waitFor('Rspamd to end the workers', async () => (await ended()) || undefined, 60_000);
  await box.inside(['kill', '-CONT', ...before]);

  const replaced = async () => {
    const now = await workers();
    return now.length === 2 && now.every((pid) => !before.includes(pid)) ? now : undefined;
  };
  await waitFor('two other workers', replaced, 30_000);
  const { code } = await fromStranger(
    NETWORK.stranger,
    plainMessage({ from: STRANGER, to: ALICE, subject: 'afterwards' }),
  );
  expect(code).toBe(250);
}, 120_000);
