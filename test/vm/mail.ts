// Mail as its users see it: from outside to a mailbox, and from a user to the outside, each by the names in DNS.

import { type ImapSession, openImap } from '../system/clients/imap.ts';
import { plainMessage, submit } from '../system/clients/mail.ts';
import { deliver, openSmtp } from '../system/clients/smtp.ts';
import { NETWORK } from '../system/lab/plan.ts';
import { LAN, type World } from './world.ts';

export const DOMAIN = 'example.test';
export const HOSTNAME = `mail.${DOMAIN}`;
export const ALICE = { user: `alice@${DOMAIN}`, password: 'correct horse 7 battery' };
const VISITOR = 'visitor@outside.test';

/** A session takes seconds on an emulated processor, minutes on a loaded machine. */
const ATTEMPT_MS = 180_000;

/** Repeats until it succeeds; the last error says why it did not. */
async function until<T>(timeout: number, attempt: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + timeout;
  for (let why = 'nothing came'; ; await Bun.sleep(500)) {
    try {
      const limit = Bun.sleep(ATTEMPT_MS).then(() =>
        Promise.reject(new Error('no answer in time')),
      );
      const found = await Promise.race([attempt(), limit]);
      if (found !== undefined) return found;
    } catch (error) {
      why = error instanceof Error ? error.message : String(error);
    }
    if (Date.now() > deadline) throw new Error(`not within ${timeout / 1000} s: ${why}`);
  }
}

/** The address that DNS has for the server. */
export async function publishedAddress({ dns }: World): Promise<string> {
  const [address] = await dns.lookup(`${HOSTNAME}.`, 'A');
  if (address === undefined) throw new Error(`DNS has no address of ${HOSTNAME}`);
  return address;
}

async function deliverOnce(world: World, subject: string): Promise<true> {
  const host = await publishedAddress(world);
  const session = await openSmtp(world.wan.connect, { host, port: 25, from: NETWORK.stranger });
  try {
    await session.hello({ starttls: true });
    const message = plainMessage({ from: VISITOR, to: ALICE.user, subject });
    const reply = await deliver(session, { from: VISITOR, to: [ALICE.user], message });
    if (reply.code !== 250) throw new Error(`port 25 answers ${reply.code} ${reply.text}`);
    return true;
  } finally {
    session.close();
  }
}

async function hasMessage(session: ImapSession, subject: string): Promise<true | undefined> {
  try {
    const { status, text } = await session.login(ALICE.user, ALICE.password);
    if (status !== 'OK') throw new Error(`the login fails: ${text}`);
    const messages = await session.messages('INBOX');
    return messages.some((one) => one.includes(subject)) || undefined;
  } finally {
    session.close();
  }
}

/** A message from outside, which alice reads on the LAN. */
export async function receive(world: World, subject: string, timeout: number): Promise<void> {
  await until(timeout, () => deliverOnce(world, subject));
  const dial = { host: LAN.server, port: 993, tls: true };
  await until(timeout, async () => hasMessage(await openImap(world.lan.connect, dial), subject));
}

/** Alice's message from outside, through port 587, to a mail server outside. */
export async function send(world: World, subject: string, timeout: number): Promise<void> {
  const mail = { from: ALICE.user, to: VISITOR, subject, text: 'hello' };
  await until(timeout, async () => {
    const host = await publishedAddress(world);
    const dial = { host, port: 587, from: NETWORK.stranger };
    await submit(world.wan.connect, dial, ALICE, mail);
    return true;
  });
  const arrived = ({ raw, to }: { raw: string; to: string[] }) =>
    to.includes(VISITOR) && raw.includes(subject);
  await world.mx.receive(arrived, timeout);
}
