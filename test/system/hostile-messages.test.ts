// One message must not delay others: each kind of hostile message is sent at the size limit, from outside and by a
// user, while ordinary mail comes in and goes out.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { plainMessage } from './clients/mail.ts';
import { deliver, type Reply, type SmtpSession } from './clients/smtp.ts';
import { HOSTILE } from './hostile/messages.ts';
import { UNUSUAL } from './hostile/unusual.ts';
import { type Lab, PASSWORD, startLab } from './lab/lab.ts';
import { NETWORK } from './lab/plan.ts';

const ALICE = 'alice@example.test';
const BOB = 'bob@example.test';
const STRANGER = 'stranger@outside.test';
const FRIEND = 'friend@outside.test';
/** Below what the filter reads of a text, and below the announced 25 MB with space for added headers. */
const SIZES = [1_900_000, 24_000_000];
/** HOSTILE=all sends the large ones as a user, too: the same filter reads them, and Postfix takes minutes for some. */
const sizesFor = (sender: string) =>
  sender === 'a stranger' || process.env.HOSTILE === 'all' ? SIZES : SIZES.slice(0, 1);
const SLOWEST_MS = 5000;
/** for the hostile message: Postfix rewrites each address of a submission, a million of them in two minutes */
const PATIENCE_MS = 280_000;

let lab: Lab;

beforeAll(async () => {
  lab = await startLab();
  const features = { greylist: 0, fail2ban: 0 };
  await lab.appliance({ features, smtp: { rate_limit: 0 } }, ['alice', 'bob']);
}, 300_000);

afterAll(() => lab?.down());

async function fromOutside(address: string): Promise<SmtpSession> {
  const session = await lab.wan.smtp({ from: address });
  await session.hello();
  return session;
}

async function fromUser(user: string): Promise<SmtpSession> {
  const session = await lab.lan.smtp({ port: 465, tls: true });
  await session.hello({ name: 'laptop.lan' });
  expect((await session.login(user, PASSWORD)).code).toBe(235);
  return session;
}

interface Way {
  from: string;
  to: string;
  open(): Promise<SmtpSession>;
}

const ATTACKS: Record<string, Way> = {
  'a stranger': { from: STRANGER, to: ALICE, open: () => fromOutside('198.51.100.66') },
  'a user': { from: BOB, to: FRIEND, open: () => fromUser(BOB) },
};

const ORDINARY: Way[] = [
  { from: STRANGER, to: ALICE, open: () => fromOutside(NETWORK.stranger) },
  { from: ALICE, to: FRIEND, open: () => fromUser(ALICE) },
];

interface Measured {
  slowest: number;
  refused: string[];
}

/** Sends ordinary messages, each in its own session, until `over`. */
async function measure(way: Way, isOver: () => boolean): Promise<Measured> {
  const measured: Measured = { slowest: 0, refused: [] };
  do {
    const began = performance.now();
    const { from, to } = way;
    const message = plainMessage({ from, to, subject: 'ordinary' });
    const reply = await sendOne(way, message);
    measured.slowest = Math.max(measured.slowest, performance.now() - began);
    if (reply.code !== 250) measured.refused.push(`${reply.code} ${reply.text}`);
  } while (!isOver());
  return measured;
}

async function sendOne({ open, from, to }: Way, message: string): Promise<Reply> {
  const session = await open();
  try {
    return await deliver(session, { from, to: [to], message, timeout: PATIENCE_MS });
  } finally {
    session.close();
  }
}

const headerOf = ({ from, to }: Way) => [
  `From: ${from}`,
  `To: ${to}`,
  'Subject: hostile',
  `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
  `Message-ID: <${crypto.randomUUID()}@outside.test>`,
  'MIME-Version: 1.0',
];

test.each(Object.keys(UNUSUAL))(
  '%s: accepted',
  async (what) => {
    for (const way of Object.values(ATTACKS)) {
      const reply = await sendOne(way, UNUSUAL[what]?.(20_000_000, headerOf(way)) ?? '');
      expect(reply.code, reply.text).toBe(250);
    }
  },
  60_000,
);

const kinds = Object.keys(HOSTILE).flatMap((kind) =>
  Object.keys(ATTACKS).map((sender) => [kind, sender] as const),
);

test.each(kinds)(
  'too many or too long %s from %s: ordinary mail flows in and out in seconds',
  async (kind, sender) => {
    const way = ATTACKS[sender] as Way;
    for (const size of sizesFor(sender)) {
      const message = HOSTILE[kind]?.(size, headerOf(way)) ?? '';
      let over = false;
      const ordinary = Promise.all(ORDINARY.map((each) => measure(each, () => over)));
      const began = performance.now();
      const reply = await sendOne(way, message).finally(() => {
        over = true;
      });
      const took = performance.now() - began;
      const measured = await ordinary;
      const slowest = Math.max(...measured.map((each) => each.slowest));
      const said = `${kind}, ${size / 1e6} MB from ${sender}: ${Math.round(took)} ms ${reply.code} ${reply.text}; slowest ordinary message ${Math.round(slowest)} ms`;
      console.log(said);
      expect(measured.flatMap(({ refused }) => refused)).toEqual([]);
      expect(slowest, said).toBeLessThan(SLOWEST_MS);
      // Accepted or rejected; a deferred message would be retried for days
      expect([250, 552, 554, 550], said).toContain(reply.code);
    }
  },
  600_000,
);
