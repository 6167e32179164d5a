// Mail forwarded to other servers: the envelope sender that they see, the way of a bounce back, and the ARC seal.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { verifyDkim, verifyForward } from './clients/dkim.ts';
import { plainMessage } from './clients/mail.ts';
import type { Appliance } from './lab/appliance.ts';
import { publishDkim } from './lab/dkim.ts';
import { type Lab, PASSWORD, startLab } from './lab/lab.ts';
import { NETWORK } from './lab/plan.ts';
import { waitFor } from './lab/programs.ts';

const ALICE = { user: 'alice@example.test', password: PASSWORD };
const ALIAS = 'away@example.test';
const FRIEND = 'friend@outside.test';
const VISITOR = 'Visitor.One@outside.test';
const REWRITTEN = /^SRS0=[A-Za-z0-9+/]{8}=[A-Z2-7]{2}=outside\.test=Visitor\.One@example\.test$/;

let lab: Lab;
let box: Appliance;

beforeAll(async () => {
  lab = await startLab();
  box = await lab.appliance({ features: { greylist: 0 } }, ['alice']);
  await box.does(`alias add ${ALIAS} ${FRIEND}`);
  await publishDkim(lab.dns, box);
  const spf = `"v=spf1 ip4:${NETWORK.router.wan} ip6:${NETWORK.router.wan6} -all"`;
  await lab.dns.publish('example.test.', 'TXT', [spf]);
}, 300_000);

afterAll(() => lab?.down());

/** Delivers a message on port 25 as its sender's own server; returns the last reply. */
async function stranger(to: string, subject: string, from = VISITOR) {
  const message = plainMessage({ from: from || VISITOR, to, subject });
  return lab.wan.deliver({ from, to: [to], message }, { from: NETWORK.stranger });
}

const arrived = (subject: string) =>
  lab.mx.receive(({ raw }) => raw.includes(`Subject: ${subject}\r\n`), 40_000);

/** Forwards a message and returns the envelope sender with which it left. */
async function forwarded(subject: string): Promise<string> {
  expect((await stranger(ALIAS, subject)).code).toBe(250);
  return (await arrived(subject)).from;
}

const bounceTo = (address: string, subject: string) => stranger(address, subject, '');

async function inbox(subject: string): Promise<string> {
  return waitFor(subject, async () => {
    const session = await lab.lan.mailbox(ALICE);
    const found = (await session.messages('INBOX')).find((one) =>
      one.includes(`Subject: ${subject}\r\n`),
    );
    session.close();
    return found;
  });
}

describe('a message to an alias of another server', () => {
  test('leaves with an SRS address of ours, passes SPF there, and has a valid ARC seal', async () => {
    const from = await forwarded('by alias');
    expect(from).toMatch(REWRITTEN);

    const message = await arrived('by alias');
    const found = await verifyForward(lab.dns, message);
    expect(found.spf).toEqual({ result: 'pass', domain: 'example.test' });
    expect(found.arc).toEqual({ result: 'pass', instance: 1, domain: 'example.test' });
    expect(found.quoted).toMatchObject({ mta: 'mail.example.test', spf: { result: 'pass' } });
    expect(message.raw).toContain(`From: ${VISITOR}\r\n`);
    expect(message.raw).not.toContain('DKIM-Signature');
  }, 60_000);

  test('is sealed with the results of this server, not with those that the sender wrote', async () => {
    const to = ALIAS;
    const forged = 'Authentication-Results: other.test; dkim=pass header.d=bank.test';
    const message = plainMessage({ from: VISITOR, to, subject: 'with results' }, 'Hi.', [forged]);
    await lab.wan.deliver({ from: VISITOR, to: [to], message }, { from: NETWORK.stranger });
    const received = await arrived('with results');
    expect(received.raw).not.toContain('bank.test');
    expect((await verifyForward(lab.dns, received)).arc.result).toBe('pass');
  }, 60_000);

  test('is bounced to its sender when the other server refuses it', async () => {
    await lab.mx.behave({ recipients: { [FRIEND]: { code: 550, text: '5.1.1 moved away' } } });
    await stranger(ALIAS, 'refused there');
    const { from, raw } = await lab.mx.receive(
      ({ to, raw }) => to.includes(VISITOR) && raw.includes('5.1.1 moved away'),
      40_000,
    );
    await lab.mx.behave({});
    expect(from).toBe('');
    expect(raw).toContain('Subject: Undelivered Mail Returned to Sender');
  }, 60_000);

  test('of a sender that neither SPF nor DKIM proves leaves with an address that takes no bounce', async () => {
    await lab.dns.addZone('unproved.test.', ['@ MX 10 mx.outside.test.']);
    await stranger(ALIAS, 'perhaps forged', '"x; spf=pass"@unproved.test');
    const message = await arrived('perhaps forged');
    expect(message.from).toBe('SRS0=unproved@example.test');
    expect((await verifyForward(lab.dns, message)).spf.result).toBe('pass');
    expect((await bounceTo(message.from, 'backscatter')).code).toBe(550);
  }, 60_000);

  test('keeps its envelope sender when it is from one of our users, and is signed', async () => {
    const mail = { from: ALICE.user, to: ALIAS, subject: 'from inside', text: 'Hello.' };
    await lab.lan.submit(ALICE, mail);
    const message = await arrived('from inside');
    expect(message.from).toBe(ALICE.user);
    expect((await verifyDkim(lab.dns, message.raw)).map(({ result }) => result)).toEqual(['pass']);
    expect(message.raw).not.toContain('ARC-Seal');
  }, 60_000);
});

test('a message to a mailbox keeps its envelope sender', async () => {
  await stranger(ALICE.user, 'for alice');
  expect(await inbox('for alice')).toContain(`Return-Path: <${VISITOR}>`);
}, 60_000);

describe('a bounce to an SRS address', () => {
  test('reaches the original sender', async () => {
    const address = await forwarded('comes back');
    expect((await bounceTo(address, 'a bounce')).code).toBe(250);
    const { from, to } = await arrived('a bounce');
    expect({ from, to }).toEqual({ from: '', to: [VISITOR] });
  }, 60_000);

  test('is refused when the signature, the date or the sender was changed, also with a catch-all', async () => {
    const address = await forwarded('to be forged');
    await box.does(`alias add @example.test ${ALICE.user}`);
    const [, hash = '', date = '', domain = '', name = ''] = address.split(/[=@]/);
    const other = (text: string) => `${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}`;
    const forged = [
      `SRS0=${other(hash)}=${date}=${domain}=${name}@example.test`,
      `SRS0=${hash}=${other(date)}=${domain}=${name}@example.test`,
      `SRS0=${hash}=${date}=${domain}=victim@example.test`,
      `SRS0=${hash}=${date}=victim.test=${name}@example.test`,
      'SRS0=@example.test',
      `SRS1=${hash}=victim.test==${hash}=${date}=${domain}=${name}@example.test`,
    ];
    for (const one of forged) {
      const { code, text } = await bounceTo(one, 'forged');
      expect([one, code, text]).toEqual([
        one,
        550,
        expect.stringContaining('no valid signature of this server'),
      ]);
    }
    expect((await bounceTo(address, 'still valid')).code).toBe(250);
    await box.does('alias del @example.test');
  }, 60_000);
});

test('after a rotation of the secret former addresses are accepted once more', async () => {
  const address = await forwarded('before the rotation');
  await box.does('srs rotate');
  expect((await bounceTo(address, 'after one rotation')).code).toBe(250);
  const fresh = await forwarded('with the new secret');
  expect(fresh).toMatch(REWRITTEN);
  await box.does('srs rotate');
  expect((await bounceTo(address, 'after two rotations')).code).toBe(550);
  expect((await bounceTo(fresh, 'former secret')).code).toBe(250);
}, 120_000);
