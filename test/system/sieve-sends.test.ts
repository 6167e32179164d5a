// Mail sent by Sieve scripts: as the mailbox, signed like its mail, within the rate limit of its login. Mailboxes that
// only send or only receive.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { verifyDkim } from './clients/dkim.ts';
import { plainMessage } from './clients/mail.ts';
import type { Appliance } from './lab/appliance.ts';
import { publishDkim } from './lab/dkim.ts';
import { type Lab, PASSWORD, startLab } from './lab/lab.ts';
import { NETWORK } from './lab/plan.ts';
import { waitFor } from './lab/programs.ts';

const ALICE = { user: 'alice@example.test', password: PASSWORD };
const BOB = { user: 'bob@example.test', password: PASSWORD };
const FRIEND = 'friend@outside.test';
const RATE_LIMIT = 40;

let lab: Lab;
let box: Appliance;

beforeAll(async () => {
  lab = await startLab();
  const values = { features: { greylist: 0 }, smtp: { rate_limit: RATE_LIMIT } };
  box = await lab.appliance(values, ['alice', 'bob']);
  await box.does(`alias add sales@example.test ${ALICE.user}`);
  await publishDkim(lab.dns, box);
}, 300_000);

afterAll(() => lab?.down());

/** Uploads the script by ManageSieve and activates it; returns the response to the upload. */
async function script(account: typeof ALICE, text: string): Promise<string> {
  const session = await lab.lan.sieve();
  await session.starttls();
  await session.login(account.user, account.password);
  const reply = await session.putScript('main', text);
  if (reply.status === 'OK') await session.command('SETACTIVE "main"');
  session.close();
  return reply.text;
}

let strangers = 0;

/** A message from a new sender each time, so that each gets its own vacation reply. */
async function stranger(subject: string, to = ALICE.user): Promise<string> {
  strangers += 1;
  const from = `visitor${strangers}@outside.test`;
  const message = plainMessage({ from, to, subject });
  const reply = await lab.wan.deliver({ from, to: [to], message }, { from: NETWORK.stranger });
  expect(reply.code).toBe(250);
  return from;
}

async function inbox(account: typeof ALICE, subject: string): Promise<string> {
  return waitFor(subject, async () => {
    const session = await lab.lan.mailbox(account);
    const found = (await session.messages('INBOX')).find((one) =>
      one.includes(`Subject: ${subject}\r\n`),
    );
    session.close();
    return found;
  });
}

const logged = (what: RegExp) =>
  waitFor(String(what), async () => (what.test(await box.log()) ? true : undefined));

const reply = (to: string) => lab.mx.receive((message) => message.to.includes(to));
const headerFrom = (raw: string) => /^From: (.*)\r$/m.exec(raw)?.[1] ?? '';

const vacation = (tags: string, text = '"I am away."') =>
  `require "vacation"; vacation :days 1 ${tags} ${text};`;

describe('a vacation reply', () => {
  test('leaves as the mailbox, with an empty envelope sender, and signed like mail of its owner', async () => {
    await script(ALICE, vacation(''));
    const visitor = await stranger('are you there');

    const { from, raw } = await reply(visitor);
    expect(from).toBe('');
    expect(headerFrom(raw)).toContain(ALICE.user);
    expect(raw).toContain('I am away.');
    expect(raw).not.toContain('X-Sieve-Reply');
    const own = { from: ALICE.user, to: FRIEND, subject: 'typed by hand', text: 'Hello.' };
    expect(await lab.lan.submit(ALICE, own)).toStartWith('250');
    const typed = await lab.mx.receive((one) => one.raw.includes('Subject: typed by hand'));
    const signatures = await verifyDkim(lab.dns, raw);
    expect(signatures).toEqual(await verifyDkim(lab.dns, typed.raw));
    expect(signatures.map(({ result, domain }) => [result, domain])).toEqual([
      ['pass', 'example.test'],
    ]);
  }, 60_000);

  test('may use an alias of the mailbox as its From', async () => {
    await script(ALICE, vacation(':from "Sales <sales@example.test>"'));
    const { raw } = await reply(await stranger('to an alias'));
    expect(headerFrom(raw)).toContain('sales@example.test');
  }, 60_000);

  const foreign: [string, string][] = [
    [':from of another domain', vacation(':from "ceo@outside.test"')],
    [':from of another mailbox here', vacation(':from "bob@example.test"')],
    [
      ':mime with a From of its own',
      vacation(':mime', '"From: ceo@outside.test\\r\\nContent-Type: text/plain\\r\\n\\r\\nforged"'),
    ],
    [
      ':mime with the Sender of another',
      vacation(
        ':mime',
        '"Sender: bob@example.test\\r\\nContent-Type: text/plain\\r\\n\\r\\nforged"',
      ),
    ],
    [
      ':mime that poses as a redirect',
      vacation(
        ':from "ceo@outside.test" :mime',
        '"X-Sieve-Redirected-From: alice@example.test\\r\\nContent-Type: text/plain\\r\\n\\r\\nforged"',
      ),
    ],
  ];

  test.each(foreign)(
    'with %s is not sent, and the message is delivered',
    async (title, text) => {
      expect(await script(ALICE, text)).toStartWith('OK');
      const visitor = await stranger(`forge ${title}`);
      await inbox(ALICE, `forge ${title}`);
      await logged(new RegExp(`failed to send vacation response to ${visitor}`));
      expect(lab.mx.messages.filter(({ to }) => to.includes(visitor))).toEqual([]);
    },
    60_000,
  );
});

describe('notify by mail', () => {
  const text =
    'require "enotify"; notify :from "ceo@outside.test" "mailto:victim@outside.test?subject=hello";';

  test('is refused when the script is uploaded', async () => {
    expect(await script(ALICE, text)).toStartWith('NO');
  });

  test('sends no mail from an existing script, and mail is delivered', async () => {
    await script(ALICE, 'keep;');
    const path = '/var/lib/mailserver/sieve/example.test/alice/scripts/main.sieve';
    const write = `printf '%s' "$1" >${path} && rm -f ${path.replace('.sieve', '.svbin')}`;
    expect((await box.inside(['sh', '-c', write, 'sh', text])).status).toBe(0);
    await stranger('with an old script');
    await inbox(ALICE, 'with an old script');
    expect(lab.mx.messages.filter(({ to }) => to.includes('victim@outside.test'))).toEqual([]);
  }, 60_000);
});

describe('a redirect', () => {
  test('forwards the message with a rewritten envelope sender (SRS), unchanged and without our signature', async () => {
    await script(ALICE, `redirect "${FRIEND}";`);
    const visitor = await stranger('pass it on');
    const { from, raw } = await lab.mx.receive((one) => one.raw.includes('Subject: pass it on'));
    expect(from).toMatch(/^SRS0=[^=]+=..=outside\.test=visitor\d+@example\.test$/);
    expect(headerFrom(raw)).toBe(visitor);
    expect(raw).not.toContain('DKIM-Signature');
  }, 60_000);

  test('of a notice keeps the empty envelope sender', async () => {
    // outside.test has a DMARC policy, which an unsigned notice fails
    await lab.dns.addZone('notice.test.', ['@ MX 10 mx.outside.test.']);
    const header = { from: 'postmaster@notice.test', to: ALICE.user, subject: 'a notice' };
    const message = plainMessage(header);
    await lab.wan.deliver({ from: '', to: [ALICE.user], message }, { from: NETWORK.stranger });
    const { from } = await lab.mx.receive((one) => one.raw.includes('Subject: a notice'));
    expect(from).toBe('');
  }, 60_000);

  test('of a suspended mailbox is not sent, and the message stays in the mailbox', async () => {
    await script(BOB, `redirect "${FRIEND}";`);
    await box.does(`user suspend ${BOB.user}`);
    await stranger('kept here', BOB.user);
    await logged(/failed to redirect message to <friend@outside\.test>.*permanent/);
    await box.does(`user resume ${BOB.user}`);
    await inbox(BOB, 'kept here');
    expect(lab.mx.messages.filter(({ raw }) => raw.includes('Subject: kept here'))).toEqual([]);
  }, 60_000);
});

describe('a receive-only mailbox', () => {
  test('submits nothing, its script sends nothing, and it is read like any other', async () => {
    await box.does(`user direction ${BOB.user} receive-only`);
    const session = await lab.lan.smtp({ port: 587 });
    await session.hello({ starttls: true });
    // not at AUTH: mail programs would ask for the password again, and fail2ban would count it
    expect((await session.login(BOB.user, BOB.password)).code).toBe(235);
    await session.command(`MAIL FROM:<${BOB.user}>`);
    const reply = await session.command(`RCPT TO:<${FRIEND}>`);
    expect([reply.code, reply.text]).toEqual([
      554,
      expect.stringContaining('This mailbox only receives, it does not send mail'),
    ]);
    session.close();

    await script(
      BOB,
      `${vacation('')} redirect :copy "${FRIEND}";`.replace('"vacation"', '["vacation", "copy"]'),
    );
    const visitor = await stranger('to a receiver', BOB.user);
    await inbox(BOB, 'to a receiver');
    await logged(new RegExp(`failed to send vacation response to ${visitor}`));
    const sent = lab.mx.messages.filter(
      ({ to, raw }) => to.includes(visitor) || raw.includes('Subject: to a receiver'),
    );
    expect(sent).toEqual([]);
    await script(BOB, 'keep;');
    await box.does(`user direction ${BOB.user} both`);
    const mail = { from: BOB.user, to: FRIEND, subject: 'both again', text: 'Hello.' };
    expect(await lab.lan.submit(BOB, mail)).toStartWith('250');
  }, 60_000);
});

describe('a send-only mailbox', () => {
  const ROBOT = { user: 'robot@example.test', password: PASSWORD };
  const mail = (to: string, subject: string) => ({
    ...{ from: ROBOT.user, to, subject, text: 'Hello.' },
  });

  test('submits mail and receives none, under any of its names', async () => {
    await box.does(['user', 'add', ROBOT.user, '--send-only', '--password-stdin'], {
      stdin: PASSWORD,
    });
    await box.does(`alias add postmaster@example.test postmaster@example.test ${ALICE.user}`);
    await box.does('domain add other.test');
    await box.does('alias add @other.test @example.test');
    expect(await lab.lan.submit(ROBOT, mail(FRIEND, 'from a robot'))).toStartWith('250');
    const { raw } = await lab.mx.receive((one) => one.raw.includes('Subject: from a robot'));
    expect(headerFrom(raw)).toContain(ROBOT.user);

    for (const to of [ROBOT.user, 'robot+x@example.test', 'robot@other.test']) {
      const session = await lab.wan.smtp({ from: NETWORK.stranger });
      await session.hello();
      await session.command('MAIL FROM:<visitor@outside.test>');
      const { code, text } = await session.command(`RCPT TO:<${to}>`);
      session.close();
      expect([to, code, text]).toEqual([
        to,
        550,
        expect.stringContaining('This mailbox only sends'),
      ]);
    }
    const refused = await lab.lan
      .submit(ALICE, { ...mail(ROBOT.user, 'hi'), from: ALICE.user })
      .then(
        () => 0,
        (error) => error.responseCode,
      );
    expect(refused).toBe(550);
    // from inside, without a check at RCPT
    expect((await box.mailctl(`test ${ROBOT.user}`)).status).toBe(1);
  }, 60_000);

  test('refuses IMAP and ManageSieve and says why, and is not banned for it', async () => {
    // more attempts than fail2ban.max_retry, from a host that it may ban
    for (let n = 0; n < 7; n += 1) {
      const attempt = lab.wan.mailbox(ROBOT, { from: NETWORK.stranger });
      await expect(attempt).rejects.toThrow('This mailbox only sends mail');
    }
    const session = await lab.lan.sieve();
    await session.starttls();
    expect((await session.login(ROBOT.user, ROBOT.password)).status).toBe('NO');
    session.close();
    await stranger('from where the attempts came');
    const { bans } = await box.json<{ bans: unknown[] }>('fail2ban list');
    expect(bans).toEqual([]);
  }, 60_000);

  test('has its notices of undeliverable mail sent to the postmaster', async () => {
    await script(ALICE, 'keep;');
    await lab.mx.behave({ recipients: { 'gone@outside.test': { code: 550, text: 'no' } } });
    await lab.lan.submit(ROBOT, mail('gone@outside.test', 'into the void'));
    const notice = await waitFor('the notice', async () => {
      const session = await lab.lan.mailbox(ALICE);
      const all = await session.messages('INBOX');
      session.close();
      return all.find((one) => one.includes('into the void'));
    });
    expect(notice).toContain('Undelivered Mail Returned to Sender');
    await lab.mx.behave({});
  }, 60_000);
});

describe('the rate limit of a login', () => {
  test('applies to mail of its script, leaves the owner a share, and does not affect other logins', async () => {
    const valkey = ['valkey-cli', '-s', '/run/valkey/valkey.sock', 'flushall'];
    await waitFor('empty counters', async () =>
      (await box.inside(valkey)).status === 0 ? true : undefined,
    );
    const targets = [1, 2, 3, 4].map((n) => `target${n}@outside.test`);
    await script(ALICE, targets.map((target) => `redirect "${target}";`).join(' '));
    await script(BOB, 'keep;');
    for (let n = 0; n < 10; n += 1) await stranger(`flood ${n}`);
    await waitFor('deferred messages', async () =>
      (await box.does('queue list')).includes(ALICE.user) ? true : undefined,
    );
    const mail = (account: typeof ALICE, subject: string) => ({
      ...{ from: account.user, to: BOB.user, subject, text: 'Hello.' },
    });
    // Attempts in progress must end before the flood is counted
    await stranger('to bob', BOB.user);
    await inbox(BOB, 'to bob');
    expect(await lab.lan.submit(ALICE, mail(ALICE, 'own mail'))).toStartWith('250');
    await inbox(BOB, 'own mail');

    const out = lab.mx.messages.filter(({ raw }) => /^Subject: flood \d/m.test(raw));
    expect(out.length).toBeGreaterThanOrEqual(RATE_LIMIT / 2 - 4);
    expect(out.length).toBeLessThanOrEqual(RATE_LIMIT / 2 + 1);
  }, 120_000);
});
