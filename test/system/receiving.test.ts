// Mail from outside: accepted or refused in the SMTP session, and delivered to mailboxes.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { plainMessage } from './clients/mail.ts';
import type { Appliance } from './lab/appliance.ts';
import { type Lab, PASSWORD, startLab } from './lab/lab.ts';
import { NETWORK } from './lab/plan.ts';
import { waitFor } from './lab/programs.ts';

const ALICE = { user: 'alice@example.test', password: PASSWORD };
const VISITOR = 'visitor@outside.test';

let lab: Lab;
let box: Appliance;

beforeAll(async () => {
  lab = await startLab();
  box = await lab.appliance({ features: { greylist: 0 } }, ['alice', 'bob']);
}, 300_000);

afterAll(() => lab?.down());

/** The first message of a mailbox that holds `text`. */
async function received(text: string, mailbox = 'INBOX', account = ALICE): Promise<string> {
  const session = await lab.lan.mailbox(account);
  try {
    return await waitFor(`${text} in ${mailbox} of ${account.user}`, async () =>
      (await session.messages(mailbox)).find((message) => message.includes(text)),
    );
  } finally {
    session.close();
  }
}

const fromVisitor = (to: string, subject: string, extra: string[] = []) => ({
  from: VISITOR,
  to: [to],
  message: plainMessage({ from: VISITOR, to, subject }, 'Hello.', extra),
});

const stranger = { from: NETWORK.stranger };

describe('on port 25', () => {
  test('the recipient can read a message from outside over IMAP', async () => {
    const reply = await lab.wan.deliver(fromVisitor(ALICE.user, 'plain delivery'), stranger);

    expect(reply.code).toBe(250);
    expect(await received('plain delivery')).toContain('Subject: plain delivery');
  });

  test('Received has the real address of the client, not one of the router', async () => {
    await lab.wan.deliver(fromVisitor(ALICE.user, 'source address'), stranger);

    expect(await received('source address')).toContain(`[${NETWORK.stranger}]`);
  });

  test('an unknown recipient is refused at RCPT, and a known one in the same session is accepted', async () => {
    const session = await lab.wan.smtp(stranger);
    await session.hello();
    await session.command(`MAIL FROM:<${VISITOR}>`);

    expect((await session.command('RCPT TO:<nobody@example.test>')).code).toBe(550);
    expect((await session.command(`RCPT TO:<${ALICE.user}>`)).code).toBe(250);
    session.close();
  });

  test('mail for a foreign domain is refused in any notation', async () => {
    const session = await lab.wan.smtp(stranger);
    await session.hello();
    for (const recipient of [
      'victim@outside.test',
      'victim%outside.test@example.test',
      '@example.test:victim@outside.test',
      'outside.test!victim@example.test',
      '"victim@outside.test"',
      'victim@outside.test@example.test',
    ]) {
      await session.command(`MAIL FROM:<${VISITOR}>`);
      const { code } = await session.command(`RCPT TO:<${recipient}>`);
      expect([recipient, Math.floor(code / 100)]).toEqual([recipient, 5]);
      await session.command('RSET');
    }
    session.close();
  });

  test('STARTTLS is offered and AUTH is not, before and after it', async () => {
    const session = await lab.wan.smtp(stranger);
    const clear = await session.hello();
    const secured = await session.hello({ starttls: true });

    expect(clear.lines).toContain('STARTTLS');
    expect(clear.text).not.toContain('AUTH');
    expect(secured.code).toBe(250);
    expect(secured.text).not.toContain('AUTH');
    expect((await session.login(ALICE.user, ALICE.password)).code).toBeGreaterThanOrEqual(500);
    session.close();
  });

  test('the same server answers a client on the LAN', async () => {
    const session = await lab.lan.smtp();

    expect(session.greeting.text).toContain('mail.example.test');
    session.close();
  });

  test('commands sent before the greeting or pipelined too early are refused', async () => {
    const session = await lab.wan.smtp(stranger);
    session.write(
      'EHLO client.outside.test\r\nMAIL FROM:<a@outside.test>\r\nRCPT TO:<alice@example.test>\r\n',
    );
    const replies = [await session.readReply(), await session.readReply().catch(() => null)];

    expect(replies.some((reply) => reply === null || reply.code >= 500)).toBe(true);
    session.close();
  });

  test('a bare LF cannot smuggle a second message into one transaction', async () => {
    const session = await lab.wan.smtp(stranger);
    await session.hello();
    await session.command(`MAIL FROM:<${VISITOR}>`);
    await session.command(`RCPT TO:<${ALICE.user}>`);
    await session.command('DATA');
    const second = fromVisitor(ALICE.user, 'smuggled').message;
    const inner = `MAIL FROM:<${VISITOR}>\r\nRCPT TO:<${ALICE.user}>\r\nDATA\r\n${second}.\r\n`;
    const { message } = fromVisitor(ALICE.user, 'carrier');
    session.write(`${message.slice(0, -2)}\n.\r\n${inner}`);
    const reply = await session.readReply();
    session.close();
    if (reply.code === 250) await received('Subject: carrier');
    const mailbox = await lab.lan.mailbox(ALICE);
    const stored = [...(await mailbox.messages('INBOX')), ...(await mailbox.messages('Junk'))];

    // As text inside the outer message it is harmless
    expect(
      stored.filter((text) => /^Subject: smuggled/m.test(text.split('\r\n\r\n')[0] ?? '')),
    ).toEqual([]);
  });

  test('a forged Authentication-Results header under our name is removed', async () => {
    const forged = ['Authentication-Results: mail.example.test; dkim=pass header.d=bank.test'];
    await lab.wan.deliver(fromVisitor(ALICE.user, 'forged results', forged), stranger);

    expect(await received('forged results')).not.toContain('header.d=bank.test');
  });

  test('SPF of the sending domain is evaluated and added to the message', async () => {
    await lab.wan.deliver(fromVisitor(ALICE.user, 'checked by spf'), stranger);

    const message = await received('checked by spf');
    expect(message).toMatch(/^Authentication-Results: mail\.example\.test;[\s\S]*?spf=pass/m);
  });

  test('GTUBE is refused in the SMTP session', async () => {
    const gtube = 'XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X';
    const message = plainMessage({ from: VISITOR, to: ALICE.user, subject: 'buy' }, gtube);
    const reply = await lab.wan.deliver({ from: VISITOR, to: [ALICE.user], message }, stranger);

    expect(Math.floor(reply.code / 100)).toBe(5);
  });

  test('a message with an announced size above the limit is refused', async () => {
    const session = await lab.wan.smtp(stranger);
    await session.hello();

    expect((await session.command(`MAIL FROM:<${VISITOR}> SIZE=99999999`)).code).toBe(552);
    session.close();
  });
});

describe('addresses', () => {
  test('an address also matches in capitals and with +extension', async () => {
    await lab.wan.deliver(fromVisitor('ALICE+lists@Example.TEST', 'tagged'), stranger);

    expect(await received('tagged')).toContain('Subject: tagged');
  });

  test('an alias reaches each of its targets, inside and outside', async () => {
    await box.does(
      `alias add team@example.test ${ALICE.user} bob@example.test friend@outside.test`,
    );
    await lab.wan.deliver(fromVisitor('team@example.test', 'for the team'), stranger);

    await received('for the team');
    await received('for the team', 'INBOX', { ...ALICE, user: 'bob@example.test' });
    const outside = await lab.mx.receive(({ raw }) => raw.includes('for the team'));
    expect(outside.to).toEqual(['friend@outside.test']);
  });

  test('a catch-all gets only mail for addresses without a mailbox', async () => {
    await box.does('domain add second.test');
    await box.does('user add carol@second.test --password-stdin', { stdin: PASSWORD });
    await box.does(`alias add @second.test ${ALICE.user}`);
    await lab.wan.deliver(fromVisitor('anything@second.test', 'caught'), stranger);
    await lab.wan.deliver(fromVisitor('carol@second.test', 'not caught'), stranger);

    await received('Subject: caught');
    await received('Subject: not caught', 'INBOX', { ...ALICE, user: 'carol@second.test' });
    const inbox = await (await lab.lan.mailbox(ALICE)).messages('INBOX');
    expect(inbox.filter((message) => message.includes('Subject: not caught'))).toEqual([]);
  });

  test('an alias of a whole domain maps each of its addresses', async () => {
    await box.does('domain add alias.test');
    await box.does('alias add @alias.test @example.test');
    await lab.wan.deliver(fromVisitor('bob@alias.test', 'whole domain'), stranger);

    await received('whole domain', 'INBOX', { ...ALICE, user: 'bob@example.test' });
    const unknown = await lab.wan.deliver(fromVisitor('nobody@alias.test', 'x'), stranger);
    expect(unknown.code).toBe(550);
  });

  test('postmaster and abuse of every domain reach the postmaster', async () => {
    for (const [index, to] of ['postmaster@example.test', 'abuse@second.test'].entries()) {
      const reply = await lab.wan.deliver(fromVisitor(to, `to the postmaster ${index}`), stranger);
      expect([to, reply.code]).toEqual([to, 250]);
    }
  });
});
