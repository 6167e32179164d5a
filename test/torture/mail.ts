// Hostile mail and hostile scripts: messages that cost a filter more than their size, and strangers who make a Sieve
// script redirect and reply.

import { plainMessage } from '../system/clients/mail.ts';
import { deliver, openSmtp, type SmtpSession } from '../system/clients/smtp.ts';
import { HOSTILE } from '../system/hostile/messages.ts';
import { PASSWORD } from '../system/lab/lab.ts';
import { ACCOUNTS, FLOOD_DOMAIN } from './plan.ts';
import { type Attack, pick, type Turn, type World } from './world.ts';

/** below the 25 MB that the server announces, with room for what it adds itself */
const SIZES = [1_900_000, 24_000_000];
const PATIENCE_MS = 280_000;
/** ten messages a second make 50 out, 180,000 in an hour, where a login may send 200 */
const SCRIPT_PAUSE_MS = 200;

/** The answer of the server; the session ends with the turn. */
async function inSession(
  turn: Turn,
  session: SmtpSession,
  work: (session: SmtpSession) => Promise<{ code: number }>,
): Promise<string> {
  const forget = turn.atEnd(() => session.close());
  try {
    return String((await work(session)).code);
  } finally {
    forget();
    session.close();
  }
}

/** `ended` when the server or the end of the turn closed the connection before an answer. */
async function answerOf(world: World, from: string, work: () => Promise<string>): Promise<string> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    world.addresses.exchange(from);
    return 'ended';
  }
}

function hostileMessage(world: World, sender: string): string {
  // the one that stopped all mail comes as often as all others
  const others = Object.keys(HOSTILE);
  const kind = world.random() < 0.5 ? 'attached messages' : pick(world.random, others);
  return (
    HOSTILE[kind]?.(pick(world.random, SIZES), [
      `From: ${sender}`,
      `To: ${ACCOUNTS.victim}`,
      'Subject: hostile',
      `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
      `Message-ID: <${crypto.randomUUID()}@${FLOOD_DOMAIN}>`,
      'MIME-Version: 1.0',
    ]) ?? ''
  );
}

async function sendAsStranger(world: World, turn: Turn): Promise<void> {
  const from = `stranger@${FLOOD_DOMAIN}`;
  while (turn.isOn()) {
    const address = world.addresses.take();
    const message = hostileMessage(world, from);
    const answer = await answerOf(world, address, async () => {
      const dial = { host: world.server, port: 25, from: address };
      return inSession(turn, await openSmtp(world.connect, dial), async (session) => {
        await session.hello();
        return deliver(session, { from, to: [ACCOUNTS.victim], message, timeout: PATIENCE_MS });
      });
    });
    world.count(`hostile messages from a stranger: ${answer}`);
  }
}

async function sendAsUser(world: World, turn: Turn): Promise<void> {
  const from = ACCOUNTS.stolen;
  while (turn.isOn()) {
    const address = world.addresses.fresh();
    const message = hostileMessage(world, from);
    const answer = await answerOf(world, address, async () => {
      const dial = { host: world.server, port: 465, tls: true, from: address };
      return inSession(turn, await openSmtp(world.connect, dial), async (session) => {
        await session.hello();
        const login = await session.login(from, PASSWORD);
        if (login.code !== 235) return login;
        return deliver(session, { from, to: [ACCOUNTS.victim], message, timeout: PATIENCE_MS });
      });
    });
    world.count(`hostile messages from a stolen login: ${answer}`);
  }
}

/** Attack 2: two at a time, one from outside and one from a login. */
export const attackMessages: Attack = async (world, turn) => {
  await Promise.all([sendAsStranger(world, turn), sendAsUser(world, turn)]);
};

let visitors = 0;

async function visitScript(world: World, turn: Turn): Promise<void> {
  while (turn.isOn()) {
    visitors += 1;
    const from = `visitor${visitors}@${FLOOD_DOMAIN}`;
    const message = plainMessage({ from, to: ACCOUNTS.script, subject: `visit ${visitors}` });
    const address = world.addresses.take();
    const answer = await answerOf(world, address, async () => {
      const dial = { host: world.server, port: 25, from: address };
      return inSession(turn, await openSmtp(world.connect, dial), async (session) => {
        await session.hello();
        return deliver(session, { from, to: [ACCOUNTS.script], message });
      });
    });
    world.count(`messages to the script: ${answer}`);
    await turn.pause(SCRIPT_PAUSE_MS);
  }
}

/** Attack 4: each message makes the script of a stolen mailbox send five. */
export const attackSieve: Attack = async (world, turn) => {
  await Promise.all([visitScript(world, turn), visitScript(world, turn)]);
};

/** What that mailbox's owner put there. */
export const SCRIPT = [
  'require ["vacation"];',
  'vacation :days 1 "I am away.";',
  ...[1, 2, 3, 4].map((n) => `redirect "target${n}@outside.test";`),
].join(' ');
