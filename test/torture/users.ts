// Legitimate users, each from an address of their own outside: they log in, receive, read and submit without a pause
// worth the name, and every answer is measured.

import type { ImapSession } from '../system/clients/imap.ts';
import { plainMessage } from '../system/clients/mail.ts';
import { deliver } from '../system/clients/smtp.ts';
import { type Lab, PASSWORD } from '../system/lab/lab.ts';
import { NETWORK } from '../system/lab/plan.ts';
import { waitFor } from '../system/lab/programs.ts';
import type { Answer } from './measures.ts';
import { ACCOUNTS, CROWD, crowdSource, userAddress, userSource } from './plan.ts';
import { inTime, times } from './world.ts';

export interface Work {
  lab: Lab;
  /** how many mailboxes there are */
  users: number;
  answers: Answer[];
  /** name of the phase, and null when the run is over */
  phase(): string | null;
  /** whether many shall log in at once */
  isCrowded(): boolean;
}

/** As long as a patient mail program waits. */
const PATIENCE_MS = 60_000;
const SENDER = 'visitor@outside.test';
const FRIEND = 'friend@outside.test';
/** keeps each login below its 200 messages an hour */
const SUBMISSION_PAUSE_MS = 1000;
const PAUSE_MS = 200;

/** The answer was none, or a refusal; it is in the table. */
class Refused extends Error {}

async function measure<T>(work: Work, operation: string, act: () => Promise<T>): Promise<T> {
  const phase = work.phase() ?? 'end';
  const began = performance.now();
  const record = (refused: string | null) => {
    const milliseconds = performance.now() - began;
    work.answers.push({ operation, phase, milliseconds, refused });
    if (refused !== null) console.log(`${phase}: ${operation}: ${refused}`);
  };
  try {
    const result = await inTime(act(), PATIENCE_MS);
    record(null);
    return result;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    record(error.message);
    throw new Refused(error.message);
  }
}

async function expectCode(code: number, reply: Promise<{ code: number; text: string }>) {
  const { code: given, text } = await reply;
  if (given !== code) throw new Error(`${given} ${text}`);
}

async function expectOk(reply: Promise<{ status: string; text: string }>): Promise<void> {
  const { status, text } = await reply;
  if (status !== 'OK') throw new Error(`${status} ${text}`);
}

/** One piece of work after the other until the run is over. */
async function repeat(work: Work, pause: number, act: (n: number) => Promise<void>): Promise<void> {
  for (let n = 0; work.phase() !== null; n += 1) {
    try {
      await act(n);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
    await Bun.sleep(pause);
  }
}

async function openMailbox(work: Work, n: number): Promise<ImapSession> {
  const from = userSource(n);
  const session = await measure(work, '993: connect to banner', () =>
    work.lab.wan.imap({ port: 993, tls: true, from }),
  );
  try {
    const login = () => expectOk(session.login(userAddress(n), PASSWORD));
    await measure(work, '993: login', login);
  } catch (error) {
    session.close();
    throw error;
  }
  return session;
}

async function sendFromOutside(work: Work, to: string, subject: string): Promise<void> {
  const session = await measure(work, '25: connect to banner', () =>
    work.lab.wan.smtp({ from: NETWORK.stranger }),
  );
  const envelope = { from: SENDER, to: [to], message: '' };
  envelope.message = plainMessage({ from: SENDER, to, subject });
  try {
    await measure(work, '25: message accepted', async () => {
      await expectCode(250, session.hello());
      await expectCode(250, deliver(session, envelope));
    });
  } finally {
    session.close();
  }
}

/** The UID of the message with this subject, once it is there. */
const arrival = (session: ImapSession, subject: string): Promise<string> =>
  waitFor(
    subject,
    async () => {
      await session.ok('NOOP');
      const { untagged } = await session.ok(`UID SEARCH HEADER Subject "${subject}"`);
      return /^SEARCH (\d+)/.exec(untagged.find((one) => one.startsWith('SEARCH')) ?? '')?.[1];
    },
    PATIENCE_MS,
  );

/** Mail comes from outside, is read and deleted. */
const receive = (work: Work) =>
  repeat(work, PAUSE_MS, async (n) => {
    const subject = `received-${crypto.randomUUID()}`;
    const session = await openMailbox(work, n % work.users);
    try {
      await measure(work, '993: open INBOX', () => session.ok('SELECT INBOX'));
      await sendFromOutside(work, userAddress(n % work.users), subject);
      const uid = await measure(work, '25 to INBOX, once accepted', () =>
        arrival(session, subject),
      );
      await measure(work, '993: read a message', () => session.ok(`UID FETCH ${uid} BODY[]`));
      await session.ok(`UID STORE ${uid} +FLAGS (\\Deleted)`);
      await session.ok('EXPUNGE');
    } finally {
      session.close();
    }
  });

/** Mail goes out, by 465 and 587 in turn. */
const submit = (work: Work) =>
  repeat(work, SUBMISSION_PAUSE_MS, async (n) => {
    const [user, from] = [userAddress(n % work.users), userSource(n % work.users)];
    const port = n % 2 === 0 ? 465 : 587;
    const subject = `submitted-${crypto.randomUUID()}`;
    const session = await measure(work, `${port}: connect to banner`, () =>
      work.lab.wan.smtp({ port, tls: port === 465, from }),
    );
    try {
      await measure(work, `${port}: login`, async () => {
        await expectCode(250, session.hello({ name: 'laptop.lan', starttls: port === 587 }));
        await expectCode(235, session.login(user, PASSWORD));
      });
      const message = plainMessage({ from: user, to: FRIEND, subject });
      await measure(work, `${port}: message accepted`, () =>
        expectCode(250, deliver(session, { from: user, to: [FRIEND], message })),
      );
    } finally {
      session.close();
    }
    await measure(work, 'submission to the outside MX, once accepted', () =>
      work.lab.mx.receive(
        ({ to, raw }) => to.includes(FRIEND) && raw.includes(subject),
        PATIENCE_MS,
      ),
    );
  });

/** Logins by the other protocols. */
const lookIn = (work: Work) =>
  repeat(work, PAUSE_MS, async (n) => {
    const [user, from] = [userAddress(n % work.users), userSource(n % work.users)];
    await measure(work, '995: connect and login', async () => {
      const session = await work.lab.wan.pop3({ port: 995, tls: true, from });
      const answer = await session.login(user, PASSWORD).finally(session.close);
      if (!answer.startsWith('+OK')) throw new Error(answer);
    });
    await measure(work, '4190: connect and login', async () => {
      const session = await work.lab.wan.sieve({ from });
      await expectOk(session.starttls());
      await expectOk(session.login(user, PASSWORD)).finally(session.close);
    });
  });

/** Twenty right logins at once, as many as once ended all others, while passwords are guessed. */
const crowd = (work: Work) =>
  repeat(work, SUBMISSION_PAUSE_MS, async () => {
    if (!work.isCrowded()) return;
    const one = (n: number) =>
      measure(work, `993: connect and login, ${CROWD} at once`, async () => {
        const where = { port: 993, tls: true, from: crowdSource(n) };
        const session = await work.lab.wan.imap(where);
        await expectOk(session.login(ACCOUNTS.crowd, PASSWORD)).finally(session.close);
      });
    const all = await Promise.allSettled(times(CROWD, one));
    const failed = all.find((each) => each.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  });

/** Ends when the run is over and the last answers are there. */
export async function workAsUsers(work: Work): Promise<void> {
  await Promise.all([receive(work), submit(work), lookIn(work), crowd(work)]);
}

/** Puts the script and makes it the active one. */
export async function putScript(lab: Lab, account: string, script: string): Promise<void> {
  const session = await lab.lan.sieve();
  await expectOk(session.starttls());
  await expectOk(session.login(account, PASSWORD));
  await expectOk(session.putScript('main', script));
  await expectOk(session.command('SETACTIVE "main"'));
  session.close();
}
