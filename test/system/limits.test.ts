// Limits against a stolen login, a forged sender and a hostile relayhost.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { copyFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { plainMessage } from './clients/mail.ts';
import type { Appliance } from './lab/appliance.ts';
import { type Lab, PASSWORD, startLab } from './lab/lab.ts';
import { startMx } from './lab/mx.ts';
import { NETWORK, RUN_DIRECTORY } from './lab/plan.ts';
import { waitFor } from './lab/programs.ts';

const ALICE = { user: 'alice@example.test', password: PASSWORD };
const BOB = { user: 'bob@example.test', password: PASSWORD };
const SECRET = 'relay-secret-4711';
const RELAY = '203.0.113.26';

let lab: Lab;
let box: Appliance;

beforeAll(async () => {
  lab = await startLab();
  box = await lab.appliance({ features: { greylist: 0 }, smtp: { rate_limit: 5 } }, [
    'alice',
    'bob',
  ]);
}, 300_000);

afterAll(() => lab?.down());

/** 250, or the code of the rejection. */
async function submit(account: typeof ALICE, subject: string): Promise<number> {
  const mail = { from: account.user, to: BOB.user, subject, text: 'Hello.' };
  try {
    return Number((await lab.lan.submit(account, mail)).slice(0, 3));
  } catch (error) {
    return (error as { responseCode?: number }).responseCode ?? 0;
  }
}

describe('the rate limit of a login', () => {
  test('defers the login that exceeds it, and no other', async () => {
    const codes: number[] = [];
    for (let n = 0; n < 7; n += 1) codes.push(await submit(ALICE, `limited ${n}`));

    expect(codes.slice(0, 5)).toEqual([250, 250, 250, 250, 250]);
    expect(Math.floor((codes[6] ?? 0) / 100)).toBe(4);
    expect(await submit(BOB, 'not limited')).toBe(250);
  }, 120_000);
});

describe('a message from outside that cannot be forwarded', () => {
  test('causes no notice to a sender that neither SPF nor DKIM proves', async () => {
    await box.does('alias add away@example.test gone@outside.test');
    await lab.mx.behave({ recipients: { 'gone@outside.test': { code: 550, text: 'no' } } });
    await lab.dns.addZone('unproved.test.', ['@ MX 10 mx.outside.test.']);
    const from = 'forged@unproved.test';
    const message = plainMessage({ from, to: 'away@example.test', subject: 'bounce me' });
    const envelope = { from, to: ['away@example.test'], message };
    expect((await lab.wan.deliver(envelope, { from: NETWORK.stranger })).code).toBe(250);

    await waitFor('the notice to be discarded', async () =>
      /relay=none[^\n]*(no notice to strangers|discard)|backscatter/.test(await box.log())
        ? true
        : undefined,
    );
    expect(lab.mx.messages.filter(({ to }) => to.includes(from))).toEqual([]);
    await lab.mx.behave({});
  }, 60_000);
});

describe('a relayhost', () => {
  const mail = { from: ALICE.user, to: 'friend@outside.test', subject: 'careful', text: 'x' };

  test('without TLS never gets the password, and mail is deferred', async () => {
    await lab.mx.behave({ tls: false });
    await box.configure({
      smtp: {
        rate_limit: 0,
        relayhost: `[${NETWORK.mx}]:25`,
        relay_user: 'office',
        relay_password: SECRET,
        relay_tls: 'encrypt',
      },
    });
    const plan = await box.does('plan');
    const applied = await box.does('apply');
    await lab.lan.submit(ALICE, mail);

    await waitFor('a deferred message', async () =>
      (await box.does('queue list')).includes('friend@outside.test') ? true : undefined,
    );
    expect(plan + applied + (await box.log())).not.toContain(SECRET);
    const readable = await lab.router.run([
      'sh',
      '-c',
      `grep -rl ${SECRET} ${box.data}/ | xargs -r stat -c '%a'`,
    ]);
    expect([...new Set(readable.stdout.trim().split('\n'))]).toEqual(['600']);
    await lab.mx.behave({});
  }, 120_000);

  test('with an invalid certificate never gets the password', async () => {
    await box.configure({ smtp: { relayhost: '[mx.outside.test]:25', relay_tls: '' } });
    await box.does('apply');
    await box.does('queue delete all --yes');
    await lab.lan.submit(ALICE, { ...mail, subject: 'unproved' });

    await waitFor('a deferred message', async () =>
      /certificate/i.test(await box.does('queue list')) ? true : undefined,
    );
    expect(lab.mx.messages.some(({ raw }) => raw.includes('Subject: unproved'))).toBe(false);
  }, 120_000);

  test('with a certificate of a known CA gets the mail', async () => {
    const known = join(box.data, 'custom/relay-ca.pem');
    await copyFile(`${RUN_DIRECTORY}/mx.outside.test.pem`, known);
    const custom = join(box.data, 'custom/postfix-main.cf');
    await writeFile(custom, 'smtp_tls_CAfile = /custom/relay-ca.pem\n');
    await box.does('apply');
    await box.does('queue flush');

    const { tls } = await lab.mx.receive(({ raw }) => raw.includes('Subject: unproved'), 30_000);
    expect(tls).not.toBeNull();
    await rm(custom);
    const none = { relayhost: '', relay_user: '', relay_password: '', relay_tls: '' };
    await box.configure({ smtp: none });
    await box.does('apply');
  }, 120_000);
});

test('each sender domain has its own relayhost and login, all other mail none', async () => {
  const pair = {
    certificate: `${RUN_DIRECTORY}/mx.outside.test.pem`,
    key: `${RUN_DIRECTORY}/mx.outside.test.key`,
  };
  const relay = await startMx({ host: 'wan', address: RELAY, port: 587, pair });
  await relay.behave({ auth: true });
  await box.does('domain add second.test');
  await box.does('user add dave@second.test --password-stdin', { stdin: PASSWORD });
  const options = { domain: 'second.test', host: `[${RELAY}]:587`, tls: 'encrypt' };
  await box.configure({ relay_second: { ...options, user: 'second', password: SECRET } });
  expect((await box.does('plan')) + (await box.does('apply'))).not.toContain(SECRET);

  const mail = { to: 'friend@outside.test', text: 'Hello.' };
  const dave = 'dave@second.test';
  await lab.lan.submit(
    { user: dave, password: PASSWORD },
    { ...mail, from: dave, subject: 'by relay' },
  );
  await lab.lan.submit(ALICE, { ...mail, from: ALICE.user, subject: 'by MX' });

  const relayed = await relay.receive(({ raw }) => raw.includes('Subject: by relay'));
  expect(relayed).toMatchObject({ from: dave, login: `second:${SECRET}` });
  expect(relayed.tls).not.toBeNull();
  const direct = await lab.mx.receive(({ raw }) => raw.includes('Subject: by MX'));
  expect(direct.login).toBeNull();
  expect(relay.messages).toHaveLength(1);
  expect(await box.log()).not.toContain(SECRET);
  relay.stop();
}, 120_000);
