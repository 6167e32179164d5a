// DKIM, DMARC, ARC, greylisting and lists of senders for incoming mail, DANE for outgoing mail; and both directions over
// IPv6.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createHash, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dkimSign, sealMessage } from 'mailauth';
import { plainMessage } from './clients/mail.ts';
import type { Appliance } from './lab/appliance.ts';
import { makeCertificate } from './lab/certificate.ts';
import { dkimRecord } from './lab/dkim.ts';
import { type Lab, PASSWORD, settled, startLab } from './lab/lab.ts';
import { startMx } from './lab/mx.ts';
import { NETWORK, RUN_DIRECTORY } from './lab/plan.ts';
import { waitFor } from './lab/programs.ts';

const ALICE = { user: 'alice@example.test', password: PASSWORD };
/** An address that the SPF record of outside.test does not allow. */
const FORGER = '203.0.113.66';
/** An unused address: greylisting knows an address that has passed once. */
const NEWCOMER = '198.51.100.99';
const OUTSIDE_MX6 = '2001:db8:1::25';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const SIGNER = {
  selector: 'out',
  privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
};

let lab: Lab;
let box: Appliance;

beforeAll(async () => {
  lab = await startLab();
  const record = [dkimRecord(publicKey)];
  await lab.dns.publish('out._domainkey.outside.test.', 'TXT', record);
  await lab.dns.addZone('list.test.', [
    '@ MX 10 mx.outside.test.',
    `@ TXT "v=spf1 ip4:${NEWCOMER} -all"`,
  ]);
  await lab.dns.publish('out._domainkey.list.test.', 'TXT', record);
  box = await lab.prepare({
    network: { address6: 'fd00:82::2/64', gateway6: 'fd00:82::1' },
    spam: { greylist_score: 2.9 },
  });
  // Short times in place of 5 minutes and 4 hours
  await mkdir(`${box.data}/custom/rspamd`, { recursive: true });
  await writeFile(`${box.data}/custom/rspamd/greylist.conf`, 'greylist { timeout = 3s; }\n');
  await writeFile(`${box.data}/custom/postfix-main.cf`, 'delay_warning_time = 3s\n');
  await box.does('install');
  await settled(box, lab.wan);
  await box.does('user add alice@example.test --password-stdin', { stdin: PASSWORD });
}, 300_000);

afterAll(() => lab?.down());

/** The message with this subject, in any folder. */
async function filed(subject: string): Promise<{ mailbox: string; text: string }> {
  const session = await lab.lan.mailbox(ALICE);
  try {
    return await waitFor(subject, async () => {
      for (const mailbox of ['INBOX', 'Junk']) {
        const text = (await session.messages(mailbox)).find((one) =>
          one.includes(`Subject: ${subject}\r\n`),
        );
        if (text !== undefined) return { mailbox, text };
      }
      return undefined;
    });
  } finally {
    session.close();
  }
}

/** The server's Authentication-Results, unfolded. */
const verdicts = (text: string) =>
  /^Authentication-Results: mail\.example\.test;(.*\r\n(?:[ \t].*\r\n)*)/m
    .exec(text)?.[1]
    ?.replace(/\s+/g, ' ') ?? '';

async function signed(message: string, domain = 'outside.test'): Promise<string> {
  const key = { ...SIGNER, signingDomain: domain };
  // Options that its types lack but its code reads
  const options = { ...key, signatureData: [{ ...key, canonicalization: 'relaxed/relaxed' }] };
  const { signatures } = await dkimSign(message, options);
  return `${signatures}${message}`;
}

const mail = (subject: string, from = 'visitor@outside.test') =>
  plainMessage({ from, to: ALICE.user, subject });

async function arrives(message: string, from: string, sender = 'visitor@outside.test') {
  const reply = await lab.wan.deliver({ from: sender, to: [ALICE.user], message }, { from });
  return reply.code;
}

/** Retries while greylisted, as a real sender does. */
const comesBack = (message: string, from: string, sender?: string) =>
  waitFor('the greylist', async () =>
    (await arrives(message, from, sender)) === 250 ? true : undefined,
  );

describe('an authenticated sender', () => {
  test('with SPF and a signature passes SPF, DKIM and DMARC', async () => {
    expect(await arrives(await signed(mail('proved')), NETWORK.stranger)).toBe(250);
    const { mailbox, text } = await filed('proved');
    expect(mailbox).toBe('INBOX');
    for (const verdict of ['spf=pass', 'dkim=pass', 'dmarc=pass']) {
      expect(verdicts(text)).toContain(verdict);
    }
  });

  test('with a signature alone passes, like forwarded mail', async () => {
    await comesBack(await signed(mail('forwarded')), FORGER);
    const { mailbox, text } = await filed('forwarded');
    expect(mailbox).toBe('INBOX');
    expect(verdicts(text)).toContain('spf=fail');
    expect(verdicts(text)).toContain('dmarc=pass');
  });
});

describe('an unauthenticated sender', () => {
  test('is filed into Junk if the DMARC policy asks for it', async () => {
    await comesBack(mail('forged'), FORGER);
    const { mailbox, text } = await filed('forged');
    expect(mailbox).toBe('Junk');
    expect(verdicts(text)).toContain('dmarc=fail');
  });

  test('with a signature over other content fails DKIM', async () => {
    const message = (await signed(mail('altered'))).replace('Hello.', 'Good bye.');
    await comesBack(message, NETWORK.stranger);
    expect(verdicts((await filed('altered')).text)).toContain('dkim=fail');
  });

  test('with an ARC chain has it checked', async () => {
    const original = await signed(mail('from a list'));
    const how = {
      ...{ ...SIGNER, signingDomain: 'list.test', cv: 'none' },
      authResults: 'mx.list.test; dkim=pass header.d=outside.test',
    };
    const seal = await sealMessage(original, how);
    await comesBack(`${seal}${original}`, FORGER, 'bounces@list.test');
    expect(verdicts((await filed('from a list')).text)).toContain('arc=pass');
  });
});

test('a suspicious message is deferred once, any other is accepted at once', async () => {
  const sender = 'newcomer@list.test';
  const head = `From: ${sender}\r\nTo: ${ALICE.user}\r\nSubject: bare\r\n`;
  const send = () => arrives(`${head}\r\nhello\r\n`, NEWCOMER, sender);
  expect(await arrives(mail('ordinary'), NETWORK.stranger)).toBe(250);
  expect(await send()).toBe(451);
  expect(await send()).toBe(451);
  await waitFor('the end of the greylisting time', async () =>
    (await send()) === 250 ? true : undefined,
  );
  // An address that has passed once is known
  expect(await send()).toBe(250);
  await filed('bare');
}, 30_000);

describe('a domain with TLSA records (DANE)', () => {
  const zone = ['@ MX 10 mx', `mx A ${NETWORK.mx}`];

  async function own(): Promise<string> {
    const pem = await readFile(`${RUN_DIRECTORY}/mx.outside.test.pem`, 'utf8');
    const spki = createPublicKey(
      new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'pem' }),
    );
    const hash = createHash('sha256').update(spki.export({ type: 'spki', format: 'der' }));
    return `3 1 1 ${hash.digest('hex')}`;
  }

  const send = (subject: string, to: string) =>
    lab.lan.submit(ALICE, { from: ALICE.user, to, subject, text: 'Hello.' });

  test('gets mail over a connection verified by DANE', async () => {
    await lab.dns.addZone('right.example.', zone);
    await lab.dns.publish('_25._tcp.mx.right.example.', 'TLSA', [await own()]);
    await send('verified', 'friend@right.example');
    await lab.mx.receive(({ raw }) => raw.includes('Subject: verified'), 60_000);
    expect(await box.log()).toContain('Verified TLS connection established to mx.right.example');
  }, 90_000);

  test('gets no mail over an unverified connection, until the record is fixed', async () => {
    await lab.dns.addZone('wrong.example.', zone);
    await lab.dns.publish('_25._tcp.mx.wrong.example.', 'TLSA', [`3 1 1 ${'ab'.repeat(32)}`]);
    await send('withheld', 'friend@wrong.example');
    const waiting = await waitFor('the message to be deferred', async () => {
      const list = await box.does('queue list');
      return list.includes('wrong.example') && /certificate/i.test(list) ? list : undefined;
    });
    expect(waiting).toContain('friend@wrong.example');
    expect(lab.mx.messages.some(({ raw }) => raw.includes('Subject: withheld'))).toBe(false);

    await lab.dns.publish('_25._tcp.mx.wrong.example.', 'TLSA', [await own()]);
    await box.inside(['s6-svc', '-wr', '-T', '20000', '-r', '/run/service/unbound']);
    const flushed = async () => {
      await box.does('queue flush');
      return lab.mx.messages.find(({ raw }) => raw.includes('Subject: withheld'));
    };
    // A process of Postfix that lives on keeps the old record for its TTL, 30 s
    await waitFor('the message to be delivered', flushed, 60_000);
  }, 120_000);
});

test('the sender gets a delay notice, and a bounce in the end', async () => {
  await lab.mx.behave({ rcpt: { code: 451, text: 'not today' } });
  await lab.lan.submit(ALICE, {
    ...{ from: ALICE.user, to: 'friend@outside.test', subject: 'delayed', text: 'Hello.' },
  });
  await waitFor('the notice', async () => {
    await box.does('queue flush');
    const session = await lab.lan.mailbox(ALICE);
    const all = await session.messages('INBOX');
    session.close();
    return all.find((one) => one.includes('Action: delayed') && one.includes('not today'));
  });
  await lab.mx.behave({});
}, 60_000);

describe('over IPv6', () => {
  test('mail arrives, and Received has the real address', async () => {
    const reply = await lab.wan.deliver(
      { from: 'visitor@outside.test', to: [ALICE.user], message: mail('by six') },
      { host: NETWORK.router.wan6, from: NETWORK.stranger6 },
    );
    expect(reply.code).toBe(250);
    const { text } = await filed('by six');
    expect(text).toContain(`[IPv6:${NETWORK.stranger6}]`);
    expect(verdicts(text)).toContain('spf=pass');
  });

  test('mail leaves to a server without IPv4', async () => {
    const pair = await makeCertificate(RUN_DIRECTORY, ['mx.six.test']);
    const mx = await startMx({ host: 'wan', address: OUTSIDE_MX6, pair });
    await lab.dns.addZone('six.test.', ['@ MX 10 mx', `mx AAAA ${OUTSIDE_MX6}`]);
    const mailFrom = { from: ALICE.user, to: 'friend@six.test', subject: 'to six', text: 'Hello.' };
    await lab.lan.submit(ALICE, mailFrom);
    const { client } = await mx.receive(({ raw }) => raw.includes('Subject: to six'), 60_000);
    expect(client).toContain(NETWORK.router.wan6);
    mx.stop();
  }, 90_000);
});

describe('with lists of senders', () => {
  const SENDS_ALLOWED = '198.51.100.101';
  const SENDS_OTHER = '198.51.100.102';
  const ALLOWED_NETWORK = '198.51.100.96/29';
  const IN_NETWORK = '198.51.100.103';
  const DENIED_NETWORK = '198.51.100.128/25';
  const spf = (address: string) => [
    '@ MX 10 mx.outside.test.',
    `@ TXT "v=spf1 ip4:${address} -all"`,
  ];

  /** A message that the greylist defers, by its score. */
  const bare = (from: string, subject: string) =>
    `From: ${from}\r\nTo: ${ALICE.user}\r\nSubject: ${subject}\r\n\r\nhello\r\n`;
  const send = (host: string, from: string, subject = `bare from ${from}`) =>
    arrives(bare(from, subject), host, from);
  const configured = async (
    spam: Record<string, string | string[]>,
    accepts: () => Promise<boolean>,
  ) => {
    await box.configure({ spam });
    await box.does('apply');
    // The old Rspamd may still answer after apply has returned
    await waitFor('the new lists', async () => ((await accepts()) ? true : undefined));
  };

  beforeAll(async () => {
    for (const name of ['allowed', 'control', 'denied']) {
      await lab.dns.addZone(`${name}.test.`, spf(name === 'control' ? SENDS_OTHER : SENDS_ALLOWED));
    }
    await configured(
      {
        allow: ['allowed.test', IN_NETWORK],
        deny: ['denied.test', 'pest@outside.test', DENIED_NETWORK],
      },
      async () => (await send(SENDS_ALLOWED, 'first@allowed.test')) === 250,
    );
  }, 120_000);

  test('an allowed domain that SPF proves is not greylisted, another one is', async () => {
    expect(await send(SENDS_OTHER, 'friend@control.test')).toBe(451);
    expect(await send(SENDS_ALLOWED, 'friend@allowed.test')).toBe(250);
    expect((await filed('bare from friend@allowed.test')).mailbox).toBe('INBOX');
  });

  test('an allowed domain that is forged is treated like any other', async () => {
    expect(await send(SENDS_OTHER, 'forger@allowed.test')).toBe(451);
    // its own envelope sender passes SPF, which proves nothing about From
    const forged = bare('ceo@allowed.test', 'posing');
    expect(await arrives(forged, SENDS_OTHER, 'forger@control.test')).toBe(451);
    expect(await box.log()).toMatch(/SENDER_UNPROVED\([^)]*\)\{allowed\.test/);
  });

  test('an allowed network is not greylisted, and forgeries from it go to Junk all the same', async () => {
    expect(await send(IN_NETWORK, 'anyone@nowhere.test')).toBe(250);
    expect(await arrives(mail('as us', 'bob@example.test'), IN_NETWORK, 'a@list.test')).toBe(250);
    expect((await filed('as us')).mailbox).toBe('Junk');
    expect(await arrives(mail('against DMARC'), IN_NETWORK)).toBe(250);
    expect((await filed('against DMARC')).mailbox).toBe('Junk');
  });

  const denied: [string, string, string][] = [
    ['an envelope sender in a denied domain', 'x@denied.test', NETWORK.stranger],
    ['one in a subdomain of it', 'x@news.denied.test', NETWORK.stranger],
    ['a denied address', 'pest@outside.test', NETWORK.stranger],
    ['a denied address with an extension', 'pest+1@outside.test', NETWORK.stranger],
    ['a denied network', 'visitor@outside.test', '198.51.100.200'],
  ];
  test.each(denied)('%s is refused with 550 at RCPT', async (_, from, host) => {
    const session = await lab.wan.smtp({ from: host });
    await session.hello();
    await session.command(`MAIL FROM:<${from}>`);
    const { code, text } = await session.command(`RCPT TO:<${ALICE.user}>`);
    session.close();
    expect([code, text]).toEqual([550, expect.stringContaining('is not accepted here')]);
  });

  test('a denied header From is refused, the rest of its domain is accepted', async () => {
    const message = await signed(mail('pest', 'Pest <pest@outside.test>'));
    expect(await arrives(message, NETWORK.stranger)).toBe(554);
    expect(await arrives(await signed(mail('no pest')), NETWORK.stranger)).toBe(250);
  });

  test('reject refuses what fails p=reject, and servers without a name unless they are allowed', async () => {
    const forged = () => arrives(mail('refused by policy'), NETWORK.mx);
    await configured(
      { dmarc_failure: 'reject', missing_rdns: 'reject', allow: ['allowed.test', ALLOWED_NETWORK] },
      async () => (await forged()) === 554,
    );
    expect(await arrives(await signed(mail('right by policy')), NETWORK.stranger)).toBe(250);
    expect((await filed('right by policy')).mailbox).toBe('INBOX');
    expect(await arrives(mail('from a named host', 'x@plain.test'), FORGER, 'x@plain.test')).toBe(
      550,
    );
    expect(await send(IN_NETWORK, 'second@nowhere.test')).toBe(250);
    const own = { from: ALICE.user, to: ALICE.user, subject: 'from a phone', text: 'Hello.' };
    expect(await lab.lan.submit(ALICE, own)).toStartWith('250');
  }, 120_000);
});
