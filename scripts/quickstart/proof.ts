// Tests the mail server with a real message: submitted, delivered here and outside, signed, read over IMAP.

import { createPublicKey } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import type { SendMailOptions } from 'nodemailer';
import { verifyDkim } from '../../test/system/clients/dkim.ts';
import { openImap } from '../../test/system/clients/imap.ts';
import { type Account, submit } from '../../test/system/clients/mail.ts';
import type { Dial } from '../../test/system/lab/agent.ts';
import { waitFor } from '../../test/system/lab/programs.ts';
import { type Passwords, runMailctl, USERS } from './appliance.ts';
import { ADDRESS, FOLDER } from './places.ts';
import type { World } from './world.ts';

interface Proof {
  world: World;
  passwords: Passwords;
  say: (line: string) => void;
}

const VISITOR = 'visitor@outside.test';

export async function proveMail({ world, passwords, say }: Proof): Promise<void> {
  const [alice, bob] = USERS;
  await publishKey(world);
  const subject = `Hello from npm start, ${new Date().toISOString()}`;
  const account = { user: alice, password: passwords[alice] ?? '' };
  const mail = { from: alice, to: [bob, VISITOR], subject, text: 'It works.\n' };
  await waitFor('the message to be accepted', () => submitOnce(account, mail), 90_000);
  say(`${alice} has submitted a message to ${bob} and to ${VISITOR}`);

  const outside = await waitFor(
    'the message to arrive outside',
    () => arrived(world, subject),
    150_000,
  );
  say(`${VISITOR} has received it`);
  await proveSignature(world, outside, say);

  const imap = await openImap(connect, { host: ADDRESS, port: 993, tls: true });
  const login = await imap.login(bob, passwords[bob] ?? '');
  if (login.status !== 'OK') throw new Error(`${bob} cannot log in over IMAP: ${login.text}`);
  await waitFor(`the message in the inbox of ${bob}`, async () =>
    (await imap.messages('INBOX')).find((message) => message.includes(subject)),
  );
  imap.close();
  say(`${bob} has read it over IMAP`);
}

export const connect = ({ host, port }: Dial): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = createConnection({ host, port }, () => {
      socket.removeListener('error', reject);
      resolve(socket);
    });
    socket.once('error', reject);
  });

/** Undefined when the server deferred the message, as it does while Rspamd is starting. */
async function submitOnce(account: Account, mail: SendMailOptions): Promise<true | undefined> {
  try {
    await submit(connect, { host: ADDRESS, port: 465 }, account, mail);
    return true;
  } catch (error) {
    const { responseCode } = error as { responseCode?: number };
    if (responseCode === undefined || responseCode >= 500) throw error;
    await Bun.sleep(1000);
  }
}

/** Flushes the queue if the message has not arrived: the first lookup may have been before the world's DNS was up. */
async function arrived(world: World, subject: string): Promise<string | undefined> {
  for (let look = 0; look < 50; look += 1) {
    const found = (await world.messages()).find((message) => message.includes(subject));
    if (found !== undefined) return found;
    await Bun.sleep(100);
  }
  await runMailctl(['queue', 'flush']);
}

async function proveSignature(world: World, message: string, say: Proof['say']): Promise<void> {
  const signatures = await verifyDkim(world.dns, message);
  const good = signatures.filter(
    ({ result, domain }) => result === 'pass' && domain === 'example.test',
  );
  if (signatures.length !== 1 || good.length !== 1) {
    throw new Error(`the DKIM signature does not verify: ${JSON.stringify(signatures)}`);
  }
  say(`mailauth verified its DKIM signature (selector ${good[0]?.selector})`);
}

/** Publishes the DKIM record, computed here from the private key, so that the test is independent of mailctl. */
async function publishKey(world: World): Promise<void> {
  const folder = `${FOLDER}/data/dkim/example.test`;
  for (const file of (await readdir(folder)).filter((name) => name.endsWith('.private'))) {
    const selector = file.replace(/\.private$/, '');
    const key = createPublicKey(await readFile(`${folder}/${file}`, 'utf8'));
    const text = key.export({ type: 'spki', format: 'der' }).toString('base64');
    const value = `"v=DKIM1; k=rsa; p=${text.slice(0, 200)}" "${text.slice(200)}"`;
    await world.dns.publish(`${selector}._domainkey.example.test.`, 'TXT', [value]);
  }
}
