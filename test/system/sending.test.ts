// Mail of our users: allowed senders, headers that leave, and bounces that return.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { verifyDkim } from './clients/dkim.ts';
import { plainMessage } from './clients/mail.ts';
import { deliver } from './clients/smtp.ts';
import type { Appliance } from './lab/appliance.ts';
import { publishDkim } from './lab/dkim.ts';
import { type Lab, PASSWORD, startLab } from './lab/lab.ts';
import { NETWORK } from './lab/plan.ts';
import { waitFor } from './lab/programs.ts';

const ALICE = { user: 'alice@example.test', password: PASSWORD };
const FRIEND = 'friend@outside.test';

let lab: Lab;
let box: Appliance;

beforeAll(async () => {
  lab = await startLab();
  box = await lab.appliance({}, ['alice', 'bob']);
  await box.does(`alias add sales@example.test ${ALICE.user}`);
  await publishDkim(lab.dns, box);
}, 300_000);

afterAll(() => lab?.down());

const mail = (subject: string, from = ALICE.user, to = FRIEND) => ({
  from,
  to,
  subject,
  text: 'Hello.',
});

const arrivedOutside = (subject: string) =>
  lab.mx.receive(({ raw }) => raw.includes(`Subject: ${subject}`), 60_000);

/** An authenticated session on 587. */
async function submission(account = ALICE) {
  const session = await lab.lan.smtp({ port: 587 });
  await session.hello({ name: 'laptop.lan', starttls: true });
  expect((await session.login(account.user, account.password)).code).toBe(235);
  return session;
}

test.each([465, 587])(
  'a message submitted on %p reaches another host, signed once',
  async (port) => {
    await lab.lan.submit(ALICE, mail(`signed on ${port}`), { port });

    const message = await arrivedOutside(`signed on ${port}`);
    expect(message.from).toBe(ALICE.user);
    const signatures = await verifyDkim(lab.dns, message.raw);
    expect(signatures.map(({ result, domain }) => [result, domain])).toEqual([
      ['pass', 'example.test'],
    ]);
  },
);

test('outgoing mail discloses neither address nor name nor program of the client', async () => {
  const headers = { 'X-Originating-IP': '192.168.77.10', 'User-Agent': 'Example/1.0' };
  await lab.lan.submit(ALICE, { ...mail('private'), headers, xMailer: 'Example Mailer' });

  const { raw } = await arrivedOutside('private');
  for (const leak of [NETWORK.lan.address, 'laptop.lan', 'Example/1.0', 'Example Mailer']) {
    expect(raw).not.toContain(leak);
  }
});

test('TLS is used if the receiving server offers it', async () => {
  await lab.lan.submit(ALICE, mail('under tls'));

  expect((await arrivedOutside('under tls')).tls).not.toBeNull();
});

test('mail leaves without TLS if the receiving server has none', async () => {
  await lab.mx.behave({ tls: false });
  await lab.lan.submit(ALICE, mail('in clear'));

  expect((await arrivedOutside('in clear')).tls).toBeNull();
  await lab.mx.behave({});
});

test('AUTH is not offered before TLS on 587, and not accepted', async () => {
  const session = await lab.lan.smtp({ port: 587 });
  const hello = await session.hello();

  expect(hello.text).not.toContain('AUTH');
  expect((await session.login(ALICE.user, ALICE.password)).code).toBeGreaterThanOrEqual(500);
  session.close();
});

test('587 and 465 accept no mail without a login', async () => {
  const session = await lab.lan.smtp({ port: 587 });
  await session.hello({ starttls: true });
  await session.command(`MAIL FROM:<${ALICE.user}>`);

  expect((await session.command(`RCPT TO:<${FRIEND}>`)).code).toBeGreaterThanOrEqual(500);
  session.close();
});

test.each([
  ['bob@example.test', 'another mailbox'],
  ['boss@outside.test', 'a foreign address'],
])('the envelope sender %s (%s) is refused', async (from) => {
  const session = await submission();
  const message = plainMessage({ from, to: FRIEND, subject: 'not mine' });
  const reply = await deliver(session, { from, to: [FRIEND], message });

  expect(reply.code).toBe(553);
  session.close();
});

test.each([
  ['another mailbox', 'From: bob@example.test'],
  ['a foreign address', 'From: boss@outside.test'],
  ['two addresses, one of them foreign', `From: ${ALICE.user}, boss@outside.test`],
  ['a folded foreign address', 'From: "alice@example.test"\r\n <boss@outside.test>'],
])('a header From with %s is refused', async (_, header) => {
  const session = await submission();
  const lines = plainMessage({ from: ALICE.user, to: FRIEND, subject: 'forged' });
  const message = lines.replace(`From: ${ALICE.user}`, header);
  const reply = await deliver(session, { from: ALICE.user, to: [FRIEND], message });

  expect(reply.code).toBeGreaterThanOrEqual(500);
  session.close();
});

test('a user may send as an alias that leads to the mailbox', async () => {
  await lab.lan.submit(ALICE, mail('from sales', 'sales@example.test'));

  expect((await arrivedOutside('from sales')).from).toBe('sales@example.test');
});

test('a wrong password is refused, and so is a suspended mailbox with the right one', async () => {
  const session = await lab.lan.smtp({ port: 465, tls: true });
  await session.hello();
  expect((await session.login('bob@example.test', 'wrong')).code).toBe(535);
  await box.does('user suspend bob@example.test');
  expect((await session.login('bob@example.test', PASSWORD)).code).toBe(535);
  await box.does('user resume bob@example.test');
  expect((await session.login('bob@example.test', PASSWORD)).code).toBe(235);
  session.close();
});

test('a rejection outside returns to our user as a bounce', async () => {
  await lab.mx.behave({ recipients: { 'gone@outside.test': { code: 550, text: 'no such user' } } });
  await lab.lan.submit(ALICE, mail('to nobody', ALICE.user, 'gone@outside.test'));

  const session = await lab.lan.mailbox(ALICE);
  const bounce = await waitFor('the bounce', async () =>
    (await session.messages('INBOX')).find((message) => message.includes('no such user')),
  );
  expect(bounce).toContain('Content-Type: multipart/report');
  session.close();
  await lab.mx.behave({});
});

test('mail stays in the queue while the outside server answers 4xx, and leaves on flush', async () => {
  await lab.mx.behave({ rcpt: { code: 450, text: 'come back later' } });
  await lab.lan.submit(ALICE, mail('patient'));
  await waitFor('a deferred message', async () =>
    (await box.does('queue list')).includes(FRIEND) ? true : undefined,
  );
  await lab.mx.behave({});
  await box.does('queue flush');

  await arrivedOutside('patient');
});
