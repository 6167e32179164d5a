// The headers, signature and content of a submitted message when it leaves.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { verifyDkim } from './clients/dkim.ts';
import { plainMessage } from './clients/mail.ts';
import { deliver, type Reply, type SmtpSession } from './clients/smtp.ts';
import type { Appliance } from './lab/appliance.ts';
import { publishDkim } from './lab/dkim.ts';
import { type Lab, PASSWORD, startLab } from './lab/lab.ts';

const ALICE = 'alice@example.test';
const FRIEND = 'friend@outside.test';

let lab: Lab;
let box: Appliance;

beforeAll(async () => {
  lab = await startLab();
  box = await lab.appliance({ features: { fail2ban: 0 } }, ['alice', 'bob', 'carol']);
  await publishDkim(lab.dns, box);
}, 300_000);

afterAll(() => lab?.down());

async function submission(user = ALICE): Promise<SmtpSession> {
  const session = await lab.lan.smtp({ port: 465, tls: true });
  await session.hello({ name: 'laptop.lan' });
  expect((await session.login(user, PASSWORD)).code).toBe(235);
  return session;
}

async function send(subject: string, extra: string[] = [], body = 'Hello.'): Promise<Reply> {
  const session = await submission();
  const message = plainMessage({ from: ALICE, to: FRIEND, subject }, body, extra);
  const reply = await deliver(session, { from: ALICE, to: [FRIEND], message });
  session.close();
  return reply;
}

async function arrived(subject: string): Promise<string> {
  const fits = ({ raw }: { raw: string }) => raw.includes(`Subject: ${subject}\r\n`);
  return (await lab.mx.receive(fits, 60_000)).raw;
}

const resultsOf = async (message: string) =>
  (await verifyDkim(lab.dns, message)).map(({ result }) => result);

test.each([
  ['words without tags', 'garbage'],
  ['nothing', ''],
  ['a tag twice', 'v=1; v=1; a=rsa-sha256; d=example.test; d=x; s=s; h=from; bh=AA==; b=AA=='],
  ['no domain', 'v=1; a=rsa-sha256; s=s; h=from; bh=AA==; b=AA=='],
  ['a foreign domain', 'v=1; a=rsa-sha256; d=bank.test; s=s; h=from; bh=AA==; b=AA=='],
])('a DKIM-Signature of the client with %s is removed, and ours is made', async (what, value) => {
  const subject = `signed with ${what}`;
  expect((await send(subject, [`DKIM-Signature: ${value}`])).code).toBe(250);

  const raw = await arrived(subject);
  expect(raw.match(/^DKIM-Signature:/gim)).toHaveLength(1);
  expect(await resultsOf(raw)).toEqual(['pass']);
});

test('each header that affects the display of a message is signed', async () => {
  await send('what is signed', ['Content-Transfer-Encoding: 8bit', `Reply-To: ${ALICE}`]);

  const raw = await arrived('what is signed');
  const signed = /^DKIM-Signature:[\s\S]*?;\s*h=([\s\S]*?);/m.exec(raw)?.[1] ?? '';
  const names = signed.replace(/\s/g, '').toLowerCase().split(':');
  expect(names).toContain('content-type');
  expect(names).toContain('content-transfer-encoding');
  expect(names).toContain('mime-version');
  for (const twice of ['from', 'to', 'subject', 'date', 'message-id']) {
    expect(names.filter((name) => name === twice)).toHaveLength(2);
  }
  expect(names).toContain('cc');
});

test.each([
  'From: Boss <boss@bank.test>',
  'To: other@outside.test',
  'Cc: other@outside.test',
  'Subject: Another subject',
  'Date: Thu, 01 Jan 2026 00:00:00 +0000',
  'Message-ID: <other@outside.test>',
])('a header added in transit breaks the signature: %s', async (header) => {
  const subject = `before ${header.split(':')[0]} was added`;
  await send(subject);
  const raw = await arrived(subject);

  expect(await resultsOf(raw)).toEqual(['pass']);
  expect(await resultsOf(`${header}\r\n${raw}`)).not.toContain('pass');
  // At the end too: some clients display the last duplicate
  expect(await resultsOf(raw.replace('\r\n\r\n', `\r\n${header}\r\n\r\n`))).not.toContain('pass');
});

test('a changed Content-Type breaks the signature', async () => {
  await send('type');
  const raw = await arrived('type');

  const changed = raw.replace(/^Content-Type: .*$/m, 'Content-Type: text/html');
  expect(await resultsOf(changed)).not.toContain('pass');
});

test('NUL is removed from header and body', async () => {
  expect((await send('nothing\0ness', ['X-Note: a\0b'], 'be\0fore\r\n\0\r\nafter')).code).toBe(250);

  const raw = await arrived('nothingness');
  expect(raw).not.toContain('\0');
  expect(raw).toContain('before');
  expect(raw).toContain('X-Note: ab');
  expect(await resultsOf(raw)).toEqual(['pass']);
});

/** The replies to RCPT and to the message. */
async function toMany(user: string, count: number): Promise<{ codes: number[]; last: Reply }> {
  const session = await submission(user);
  await session.command(`MAIL FROM:<${user}>`);
  const codes: number[] = [];
  for (let n = 0; n < count; n += 1) {
    codes.push((await session.command(`RCPT TO:<bob+${n}@example.test>`)).code);
  }
  const message = plainMessage({ from: user, to: user, subject: `to ${count}` });
  const last = await session.data(message);
  session.close();
  return { codes, last };
}

// The rate limit of a login: 200 recipients per hour
test('200 recipients of one message are accepted, and further ones get 452', async () => {
  const { codes, last } = await toMany('bob@example.test', 210);

  expect(codes.slice(0, 200)).toEqual(Array(200).fill(250));
  expect(codes.slice(200)).toEqual(Array(10).fill(452));
  expect(last.code).toBe(250);
}, 120_000);

test('the remaining recipients of the hour are accepted in one message too', async () => {
  expect((await toMany('carol@example.test', 1)).last.code).toBe(250);
  expect((await toMany('carol@example.test', 199)).last.code).toBe(250);
  expect((await toMany('carol@example.test', 200)).last.code).toBe(451);
}, 120_000);

test('with Ed25519 on, mail of a new domain has a valid signature of both kinds, that of others one', async () => {
  await box.configure({ dns: { dkim_ed25519: 1, dkim_bits: 3072 } });
  await box.does('apply');
  await lab.dns.addZone('second.test.', ['@ MX 10 mail.example.test.']);
  await box.does('domain add second.test');
  await box.does('user add dave@second.test --password-stdin', { stdin: PASSWORD });
  await publishDkim(lab.dns, box, 'second.test');

  const dave = 'dave@second.test';
  const mail = { from: dave, to: FRIEND, subject: 'signed twice', text: 'Hello.' };
  await lab.lan.submit({ user: dave, password: PASSWORD }, mail);
  const signatures = await verifyDkim(lab.dns, await arrived('signed twice'));
  expect(signatures.map(({ result, selector }) => `${selector} ${result}`).sort()).toEqual([
    'mail pass',
    'mail-ed25519 pass',
  ]);
  const raw = await arrived('signed twice');
  expect(raw).toContain('a=ed25519-sha256');
  const rsa = raw.slice(raw.indexOf('a=rsa-sha256'));
  const signed = /\sb=((?:[A-Za-z0-9+/=]|\r\n[ \t]+)*)/.exec(rsa)?.[1] ?? '';
  expect(Buffer.from(signed, 'base64')).toHaveLength(3072 / 8);

  expect((await send('signed once')).code).toBe(250);
  expect(await resultsOf(await arrived('signed once'))).toEqual(['pass']);
}, 90_000);
