// Forged mail from outside that claims our domains, vacation replies to forged senders, and submissions whose headers
// name another sender.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { generateKeyPairSync } from 'node:crypto';
import { dkimSign } from 'mailauth';
import { plainMessage } from './clients/mail.ts';
import type { Appliance } from './lab/appliance.ts';
import { dkimRecord } from './lab/dkim.ts';
import { type Lab, PASSWORD, startLab } from './lab/lab.ts';
import { NETWORK } from './lab/plan.ts';
import { waitFor } from './lab/programs.ts';

const ALICE = { user: 'alice@example.test', password: PASSWORD };
const BOB = { user: 'bob@example.test', password: PASSWORD };
/** An address that no SPF record allows. */
const FORGER = '203.0.113.66';
/** An authorized sender of our domain, as a newsletter service: our SPF record has its address. */
const SERVICE = '198.51.100.77';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

let lab: Lab;
let box: Appliance;

beforeAll(async () => {
  lab = await startLab();
  box = await lab.appliance({ features: { greylist: 0 } }, ['alice', 'bob']);
  await box.does(`alias add sales@example.test ${ALICE.user}`);
  await lab.dns.publish('example.test.', 'TXT', [
    `"v=spf1 ip4:${NETWORK.router.wan} ip4:${SERVICE} -all"`,
  ]);
  await lab.dns.publish('ours._domainkey.example.test.', 'TXT', [dkimRecord(publicKey)]);
}, 300_000);

afterAll(() => lab?.down());

async function filed(subject: string): Promise<{ mailbox: string; text: string }> {
  return waitFor(subject, async () => {
    const session = await lab.lan.mailbox(ALICE);
    for (const mailbox of ['INBOX', 'Junk']) {
      const text = (await session.messages(mailbox)).find((one) =>
        one.includes(`Subject: ${subject}\r\n`),
      );
      if (text === undefined) continue;
      session.close();
      return { mailbox, text };
    }
    session.close();
    return undefined;
  });
}

interface Letter {
  subject: string;
  /** header From */
  from: string;
  /** envelope sender, if it differs from header From */
  sender?: string;
  /** address of the host that delivers */
  host: string;
  helo?: string;
  extra?: string[];
}

const text = ({ subject, from, extra }: Letter) =>
  plainMessage({ from, to: ALICE.user, subject }, 'Hello.', extra);

async function arrives(letter: Letter, message = text(letter)): Promise<number> {
  const envelope = { from: letter.sender ?? letter.from, to: [ALICE.user], message };
  const where = letter.helo === undefined ? {} : { helo: letter.helo };
  return (await lab.wan.deliver(envelope, { from: letter.host, ...where })).code;
}

/** Signed by our domain, like a message of our user to a list or a forwarder. */
async function signedByUs(message: string): Promise<string> {
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const key = { selector: 'ours', privateKey: pem, signingDomain: 'example.test' };
  const options = { ...key, signatureData: [{ ...key, canonicalization: 'relaxed/relaxed' }] };
  const { signatures } = await dkimSign(message, options);
  return `${signatures}${message}`;
}

describe('mail from outside that claims our domain', () => {
  const forgeries: [string, Letter][] = [
    ['with our envelope sender', { subject: 'forged 1', from: BOB.user, host: FORGER }],
    [
      'with our From under an envelope sender that passes SPF',
      { subject: 'forged 2', from: BOB.user, sender: 'me@outside.test', host: NETWORK.stranger },
    ],
    [
      'with our From and no envelope sender',
      { subject: 'forged 3', from: BOB.user, sender: '', host: FORGER },
    ],
    [
      'with our From, as a list whose domain does not authenticate it',
      {
        ...{ subject: 'forged 4', from: BOB.user, sender: 'list@outside.test', host: FORGER },
        extra: ['List-Id: <list.outside.test>'],
      },
    ],
  ];

  test.each(forgeries)('%s is filed into Junk', async (_, letter) => {
    expect(await arrives(letter)).toBe(250);
    expect((await filed(letter.subject)).mailbox).toBe('Junk');
  });

  test('reaches the inbox from a host that our SPF record allows', async () => {
    const letter = { subject: 'newsletter', from: BOB.user, host: SERVICE };
    expect(await arrives(letter)).toBe(250);
    expect((await filed('newsletter')).mailbox).toBe('INBOX');
  });

  test('reaches the inbox with our signature, as forwarded mail does', async () => {
    // A server of another provider, with its own name, missing in our SPF record
    const forwarder = { host: NETWORK.mx, helo: 'mx.outside.test' };
    const letter = { subject: 'forwarded', from: BOB.user, ...forwarder };
    expect(await arrives(letter, await signedByUs(text(letter)))).toBe(250);
    expect((await filed('forwarded')).mailbox).toBe('INBOX');
  });

  test('reaches the inbox from a list that changed the message of our user', async () => {
    const letter = {
      ...{ subject: 'to the list', from: BOB.user, sender: 'bounces@outside.test' },
      ...{ host: NETWORK.stranger, extra: ['List-Id: <talk.outside.test>'] },
    };
    const signed = await signedByUs(text({ ...letter, subject: 'before the list' }));
    const changed = signed.replace('Subject: before the list', 'Subject: to the list');
    expect(await arrives(letter, changed)).toBe(250);
    expect((await filed('to the list')).mailbox).toBe('INBOX');
  });

  test('reaches the inbox when a user of ours submits it', async () => {
    const mail = { from: BOB.user, to: ALICE.user, subject: 'from a colleague', text: 'Hello.' };
    expect(await lab.lan.submit(BOB, mail)).toStartWith('250');
    expect((await filed('from a colleague')).mailbox).toBe('INBOX');
  });

  test('is rejected or accepted as the option own_domain_forgery says', async () => {
    await box.configure({ spam: { own_domain_forgery: 'reject' } });
    await box.does('apply');
    const letter = { subject: 'forged 5', from: BOB.user, host: FORGER };
    // The old Rspamd may still answer after apply has returned
    await waitFor('a refusal', async () => ((await arrives(letter)) === 554 ? true : undefined));

    await box.configure({ spam: { own_domain_forgery: 'accept' } });
    await box.does('apply');
    // an envelope sender that SPF allows: without it the spam filter has reasons of its own
    const sender = 'bounces@outside.test';
    const next = { ...letter, subject: 'forged 6', sender, host: NETWORK.stranger };
    await waitFor('a delivery', async () => ((await arrives(next)) === 250 ? true : undefined));
    expect((await filed('forged 6')).mailbox).toBe('INBOX');
    await box.configure({ spam: { own_domain_forgery: 'junk' } });
    await box.does('apply');
  }, 120_000);
});

describe('a vacation reply', () => {
  test('answers an authenticated sender, and no forged one', async () => {
    const session = await lab.lan.sieve();
    await session.starttls();
    await session.login(ALICE.user, ALICE.password);
    await session.putScript('away', 'require "vacation"; vacation "I am away.";');
    await session.command('SETACTIVE "away"');
    session.close();
    await lab.dns.addZone('soft.test.', [
      '@ MX 10 mx.outside.test.',
      `@ TXT "v=spf1 ip4:${NETWORK.stranger} ~all"`,
    ]);

    const forged = { subject: 'soft failure', from: 'victim@soft.test', host: FORGER };
    expect(await arrives(forged)).toBe(250);
    expect((await filed('soft failure')).text).toContain('X-Auto-Response-Suppress: OOF');
    const hard = { subject: 'hard failure', from: 'victim@outside.test', host: FORGER };
    expect(await arrives(hard)).toBe(250);
    await filed('hard failure');
    const honest = { subject: 'honest', from: 'honest@soft.test', host: NETWORK.stranger };
    await waitFor('the sender to be accepted', async () =>
      (await arrives(honest)) === 250 ? true : undefined,
    );

    const { raw } = await lab.mx.receive(({ to }) => to.includes('honest@soft.test'));
    expect(raw).toContain('I am away.');
    expect(lab.mx.messages.filter(({ to }) => to.some((one) => one.includes('victim')))).toEqual(
      [],
    );
  }, 60_000);
});

describe('a submission', () => {
  const mail = (headers: Record<string, string>) => ({
    ...{ from: ALICE.user, to: BOB.user, subject: 'whose is it', text: 'Hello.', headers },
  });
  const code = async (headers: Record<string, string>): Promise<number> => {
    try {
      return Number((await lab.lan.submit(ALICE, mail(headers))).slice(0, 3));
    } catch (error) {
      return (error as { responseCode?: number }).responseCode ?? 0;
    }
  };

  test.each(['Sender', 'Resent-From', 'Resent-Sender'])(
    'is rejected if %s names a foreign address, and accepted with an address of the login',
    async (name) => {
      for (const foreign of [BOB.user, 'ceo@outside.test', `"${ALICE.user}" <ceo@outside.test>`]) {
        expect(await code({ [name]: foreign })).toBe(554);
      }
      for (const own of [ALICE.user, 'Sales <sales@example.test>', 'alice+news@example.test']) {
        expect(await code({ [name]: own })).toBe(250);
      }
    },
  );
});
