// Logins under attack: bursts, endless guesses, a hanging Dovecot. Meanwhile logins with the right password, from
// other addresses, succeed, and mail is delivered.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { plainMessage } from './clients/mail.ts';
import type { Appliance } from './lab/appliance.ts';
import { type Lab, PASSWORD, startLab } from './lab/lab.ts';
import { NETWORK } from './lab/plan.ts';
import { waitFor } from './lab/programs.ts';

const ALICE = { user: 'alice@example.test', password: PASSWORD };
const BOB = { user: 'bob@example.test', password: PASSWORD };
const HONEST = '198.51.100.77';
const MAX_RETRY = 5;
/** Part of every wrong password; it must never be in the log. */
const GUESS = 'guessed-secret';

let lab: Lab;
let box: Appliance;

beforeAll(async () => {
  lab = await startLab();
  const fail2ban = { max_retry: MAX_RETRY, ban_time: '1h' };
  box = await lab.appliance({ features: { greylist: 0 }, smtp: { rate_limit: 0 }, fail2ban }, [
    'alice',
    'bob',
  ]);
}, 300_000);

afterAll(() => lab?.down());

interface Attempt {
  /** The server's response, or the error. */
  answer: string;
  milliseconds: number;
}

/** One login over its own connection. */
async function login(account: typeof ALICE, from: string): Promise<Attempt> {
  const started = performance.now();
  const attempt = async () => {
    const session = await lab.wan.imap({ port: 993, tls: true, from });
    const { status, text } = await session.login(account.user, account.password);
    session.close();
    return status === 'OK' ? 'OK' : text;
  };
  const answer = await attempt().catch((error: Error) => error.message);
  return { answer, milliseconds: Math.round(performance.now() - started) };
}

const wrong = (n: number): Promise<Attempt> =>
  login({ ...ALICE, password: `${GUESS} ${n}` }, `203.0.113.${n + 1}`);
const right = (n: number) => login(ALICE, `198.51.100.${100 + n}`);
const times = <T>(count: number, act: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => act(n));

const letter = (subject: string) => {
  const mail = { from: 'visitor@outside.test', to: BOB.user, subject };
  return { from: mail.from, to: [BOB.user], message: plainMessage(mail) };
};

/** Milliseconds until a message from outside is accepted and its recipient can read it. */
async function deliver(subject: string): Promise<number> {
  const started = performance.now();
  const { code, text } = await lab.wan.deliver(letter(subject), { from: NETWORK.stranger });
  expect([code, text]).toEqual([250, text]);
  const session = await lab.lan.mailbox(BOB);
  await waitFor(`${subject} in the mailbox`, async () =>
    (await session.messages('INBOX')).some((message) => message.includes(subject))
      ? true
      : undefined,
  );
  session.close();
  return Math.round(performance.now() - started);
}

/** Repeats logins during the attack. */
async function workDuring(attack: Promise<unknown>): Promise<Attempt[]> {
  let over = false;
  void attack.finally(() => {
    over = true;
  });
  const attempts: Attempt[] = [];
  do attempts.push(await login(BOB, HONEST));
  while (!over);
  return attempts;
}

describe('a burst of logins', () => {
  async function burst(guesses: number, logins: number, name: string): Promise<void> {
    const guessing = Promise.all(times(guesses, wrong));
    const arriving = Promise.all(times(logins, right));
    const attack = Promise.all([guessing, arriving]);
    const [work, delivery] = await Promise.all([workDuring(attack), deliver(name)]);
    const [refused, admitted] = await attack;
    const slowest = Math.max(...[...work, ...admitted].map(({ milliseconds }) => milliseconds));
    console.log(`${name}: slowest login ${slowest} ms, delivery ${delivery} ms`);

    expect([...work, ...admitted].filter(({ answer }) => answer !== 'OK')).toEqual([]);
    expect(refused.filter(({ answer }) => !answer.includes('AUTHENTICATIONFAILED'))).toEqual([]);
    // Requirement: under 5 s on an idle machine
    expect([slowest < 15_000, slowest]).toEqual([true, slowest]);
  }

  test('is answered, and so is a second one after the processes of the first have exited', async () => {
    await burst(25, 20, 'first burst');
    // Idle Dovecot processes exit after a minute; the second burst hit that moment
    await Bun.sleep(80_000);
    await burst(25, 20, 'second burst');
    await burst(100, 20, 'a hundred guesses');
    await burst(100, 20, 'a hundred more');
    expect((await box.json<{ state: string }>('status')).state).toBe('running');
  }, 240_000);
});

describe('guesses', () => {
  const inTime = <T>(work: Promise<T>) =>
    Promise.race([work, Bun.sleep(8000).then(() => Promise.reject(new Error('no answer')))]);

  /** Sends wrong passwords over one connection until a response is missing; returns the number of responses. */
  async function guessOn(open: () => Promise<(n: number) => Promise<unknown>>): Promise<number> {
    let answered = 0;
    try {
      const guess = await inTime(open());
      for (; answered < 4 * MAX_RETRY; answered += 1) await inTime(guess(answered));
    } catch {
      // banned
    }
    return answered;
  }

  const password = (n: number) => `${GUESS} ${n}`;
  const secure = (port: number, from: string) => ({ port, tls: true, from });
  type Guesser = (from: string) => Promise<(n: number) => Promise<unknown>>;
  const imap: Guesser = async (from) => {
    const session = await lab.wan.imap(secure(993, from));
    return (n) => session.login(ALICE.user, password(n));
  };
  const pop3: Guesser = async (from) => {
    const session = await lab.wan.pop3(secure(995, from));
    return (n) => session.login(ALICE.user, password(n));
  };
  const managesieve: Guesser = async (from) => {
    const session = await lab.wan.sieve({ from });
    await session.starttls();
    return (n) => session.login('ghost@example.test', password(n));
  };
  const submission: Guesser = async (from) => {
    const session = await lab.wan.smtp(secure(465, from));
    await session.hello();
    return (n) => session.login(ALICE.user, password(n));
  };
  const GUESSERS = Object.entries({ imap, pop3, managesieve, submission }).map(
    ([name, open], n) => ({ name, open, from: `203.0.113.${201 + n}` }),
  );

  test('over one connection are counted one by one, on every protocol', async () => {
    const answered = await Promise.all(
      GUESSERS.map(
        async ({ name, open, from }) => [name, await guessOn(() => open(from))] as const,
      ),
    );
    const excess = answered.filter(([, count]) => count < 1 || count > MAX_RETRY + 2);

    expect([excess, answered]).toEqual([[], answered]);
    const bans = await box.does('fail2ban list');
    for (const { from } of GUESSERS) expect(bans).toContain(from);
    expect((await login(BOB, HONEST)).answer).toBe('OK');
  }, 120_000);

  test('over parallel connections get one response each before the ban', async () => {
    const connections = 20;
    const attack = Promise.all(times(connections, () => guessOn(() => imap('203.0.113.210'))));
    const work = await workDuring(attack);
    const total = (await attack).reduce((sum, count) => sum + count, 0);

    expect([total <= connections + 2 * MAX_RETRY, total]).toEqual([true, total]);
    expect(work.filter(({ answer }) => answer !== 'OK')).toEqual([]);
  }, 120_000);

  test('of a user who mistypes count once each, and the right password works afterwards', async () => {
    const from = '203.0.113.220';
    for (let n = 0; n < MAX_RETRY - 1; n += 1) {
      const session = await lab.wan.smtp({ port: 465, tls: true, from });
      await session.hello();
      expect((await session.login(ALICE.user, password(n))).code).toBe(535);
      session.close();
    }
    // fail2ban reads the log in order: a later ban means that earlier lines were evaluated
    await guessOn(() => imap('203.0.113.221'));
    await waitFor('the ban of a later attacker', async () =>
      (await box.does('fail2ban list')).includes('203.0.113.221') ? true : undefined,
    );

    expect(await box.does('fail2ban list')).not.toContain(from);
    expect((await login(ALICE, from)).answer).toBe('OK');
  }, 120_000);

  test('are not written to the log', async () => {
    const log = await box.log();
    expect(log).toContain('Password mismatch');
    for (const text of [GUESS, Buffer.from(GUESS).toString('base64').slice(0, 16)]) {
      expect(log).not.toContain(text);
    }
  });
});

describe('a Dovecot that hangs', () => {
  interface Status {
    state: string;
    daemons: { name: string; state: string }[];
    scheduler: { pid: number };
  }
  const status = async () => JSON.parse((await box.mailctl('status --json')).stdout) as Status;

  test('is reported by status and doctor, and the scheduler restarts it', async () => {
    expect((await login(BOB, HONEST)).answer).toBe('OK');
    const { status: found } = await lab.router.run(['pkill', '-STOP', '-f', '^dovecot/auth$']);
    expect(found).toBe(0);

    const { state, daemons, scheduler } = await status();
    expect(state).toBe('degraded');
    expect(daemons.find(({ name }) => name === 'dovecot')?.state).toBe('failing');
    const { status: code, stdout } = await box.mailctl('doctor --only service.login');
    expect(code).toBe(1);
    expect(stdout).toContain('fix:      mailctl doctor --only service.login --fix');

    // The scheduler checks every five minutes; a signal makes it check now
    await lab.router.run(['kill', '-HUP', String(scheduler.pid)]);
    await waitFor(
      'logins to work again',
      async () => ((await status()).state === 'running' ? true : undefined),
      120_000,
    );
    expect((await login(BOB, HONEST)).answer).toBe('OK');
    await deliver('after the restart');
    const said = await Bun.file(`${box.data}/schedule/log/current`).text();
    expect(said).toContain('restarted Dovecot, which did not answer logins: logins work now');
    expect(said.match(/logins begins/g)).toHaveLength(1);
  }, 240_000);
});
