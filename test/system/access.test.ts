// Mail access for the owner of a mailbox: logins, folders, Sieve, quota, and changes by the operator.

import { Database } from 'bun:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createHash, randomBytes } from 'node:crypto';
import { ACCEPTED_SCHEMES } from '../../src/appliance/accounts/password.ts';
import { plainMessage } from './clients/mail.ts';
import type { Appliance } from './lab/appliance.ts';
import { type Lab, PASSWORD, startLab } from './lab/lab.ts';
import { NETWORK } from './lab/plan.ts';
import { must, waitFor } from './lab/programs.ts';

const ALICE = { user: 'alice@example.test', password: PASSWORD };
const VISITOR = 'visitor@outside.test';
const stranger = { from: NETWORK.stranger };

let lab: Lab;
let box: Appliance;

beforeAll(async () => {
  lab = await startLab();
  const features = { greylist: 0, quota: 1, quota_default: '20M' };
  box = await lab.appliance({ features }, ['alice', 'bob', 'carol']);
}, 300_000);

afterAll(() => lab?.down());

const deliver = (to: string, subject: string, body = 'Hello.', extra: string[] = []) =>
  lab.wan.deliver(
    {
      from: VISITOR,
      to: [to],
      message: plainMessage({ from: VISITOR, to, subject }, body, extra),
    },
    stranger,
  );

async function arrives(subject: string, mailbox: string): Promise<string> {
  const session = await lab.lan.mailbox(ALICE);
  try {
    return await waitFor(`${subject} in ${mailbox}`, async () => {
      const { untagged } = await session.ok(`LIST "" "${mailbox}"`);
      if (untagged.length === 0) return undefined;
      return (await session.messages(mailbox)).find((text) => text.includes(subject));
    });
  } finally {
    session.close();
  }
}

/** For each scheme a hash, those of other mail servers made without Dovecot. */
async function hashesOf(password: string): Promise<Map<string, string>> {
  const own = ['ARGON2ID', 'ARGON2I', 'SHA512-CRYPT', 'SHA256-CRYPT', 'BLF-CRYPT', 'PBKDF2'];
  const hashes = new Map<string, string>();
  for (const scheme of own) {
    const { stdout } = await box.inside(['doveadm', 'pw', '-s', scheme], {
      stdin: `${password}\n${password}\n`,
    });
    hashes.set(scheme, stdout.trim().split('\n').at(-1) ?? '');
  }
  for (const [scheme, digest] of [
    ['SSHA512', 'sha512'],
    ['SSHA256', 'sha256'],
  ] as const) {
    const salt = randomBytes(8);
    const bytes = createHash(digest).update(password).update(salt).digest();
    hashes.set(scheme, `{${scheme}}${Buffer.concat([bytes, salt]).toString('base64')}`);
  }
  const md5 = await must(['openssl', 'passwd', '-1', '-stdin'], { stdin: `${password}\n` });
  return hashes.set('MD5-CRYPT', `{MD5-CRYPT}${md5.trim()}`);
}

describe('logging in', () => {
  test('IMAP refuses a cleartext login and accepts it after STARTTLS', async () => {
    const session = await lab.lan.imap();

    expect(session.greeting).toContain('LOGINDISABLED');
    expect((await session.login(ALICE.user, PASSWORD)).status).not.toBe('OK');
    await session.starttls();
    expect((await session.login(ALICE.user, PASSWORD)).status).toBe('OK');
    session.close();
  });

  test('POP3 refuses a cleartext login and accepts it on 995', async () => {
    const clear = await lab.lan.pop3();
    clear.write('USER alice@example.test\r\n');
    expect(await clear.readLine()).toStartWith('-ERR');
    clear.close();

    const secured = await lab.lan.pop3({ port: 995, tls: true });
    secured.write(`USER ${ALICE.user}\r\n`);
    expect(await secured.readLine()).toStartWith('+OK');
    secured.write(`PASS ${PASSWORD}\r\n`);
    expect(await secured.readLine()).toStartWith('+OK');
    secured.close();
  });

  test('a mailbox has the special-use folders of RFC 6154', async () => {
    const session = await lab.lan.mailbox(ALICE);
    const { untagged } = await session.ok('LIST "" "*"');
    session.close();

    for (const use of ['Drafts', 'Sent', 'Trash', 'Junk', 'Archive']) {
      expect(untagged.join('\n')).toMatch(new RegExp(`\\\\${use}[^\n]*${use}`));
    }
  });

  test('a new password works at once, and the old one fails', async () => {
    const account = { user: 'carol@example.test', password: 'another horse 8 battery' };
    await box.does(`user passwd ${account.user} --password-stdin`, { stdin: account.password });

    (await lab.lan.mailbox(account)).close();
    await expect(lab.lan.mailbox({ ...account, password: PASSWORD })).rejects.toThrow('log in');
  });

  test('every accepted hash scheme lets its owner log in, and nobody with another password', async () => {
    const hashes = await hashesOf('an old horse 7 pasture');
    expect([...hashes.keys()].sort()).toEqual(ACCEPTED_SCHEMES.split(', ').sort());
    for (const [scheme, hash] of hashes) {
      const user = `${scheme.toLowerCase()}@example.test`;
      await box.does(['user', 'add', user, '--hash', hash]);

      const session = await lab.lan.imap({ port: 993, tls: true });
      const right = await session.login(user, 'an old horse 7 pasture');
      session.close();
      // a wrong password over the network would count towards a ban
      const wrong = await box.inside(['doveadm', 'auth', 'test', user, `${scheme} wrong`]);
      expect([scheme, right.status, wrong.status]).toEqual([scheme, 'OK', 77]);
    }
  }, 90_000);

  test('a locked database is a temporary failure, never an unknown mailbox or a wrong password', async () => {
    const database = new Database(`${box.data}/directory/directory.db`);
    database.run('BEGIN EXCLUSIVE');
    const asked = await box.inside(['doveadm', 'user', ALICE.user]);
    const session = await lab.lan.imap({ port: 993, tls: true });
    const { text } = await session.login(ALICE.user, PASSWORD);
    database.run('ROLLBACK');
    database.close();

    // EX_TEMPFAIL; 67 would be EX_NOUSER
    expect([asked.status, asked.stderr]).toEqual([75, asked.stderr]);
    expect(text).toContain('UNAVAILABLE');
    expect((await session.login(ALICE.user, PASSWORD)).status).toBe('OK');
    session.close();
  }, 60_000);

  test('deleting a mailbox ends its open session and keeps its mail', async () => {
    await box.does('user add leaver@example.test --password-stdin', { stdin: PASSWORD });
    expect((await deliver('leaver@example.test', 'kept for later')).code).toBe(250);
    const leaver = { user: 'leaver@example.test', password: PASSWORD };
    const session = await lab.lan.mailbox(leaver);
    await waitFor('the letter', async () =>
      (await session.messages('INBOX')).find((text) => text.includes('kept for later')),
    );

    await box.does('user del leaver@example.test');

    expect(await session.readAnswer(5000).catch(() => 'closed')).toMatch(/BYE|closed/);
    await expect(lab.lan.mailbox(leaver)).rejects.toThrow('log in');
    await box.does('user add leaver@example.test --password-stdin', { stdin: PASSWORD });
    const again = await lab.lan.mailbox(leaver);
    expect((await again.messages('INBOX')).join()).toContain('kept for later');
    again.close();
  });
});

/** Number of keys in Rspamd's Valkey. */
async function remembered(): Promise<number> {
  const { stdout } = await box.inside(['valkey-cli', '-s', '/run/valkey/valkey.sock', 'dbsize']);
  return Number(stdout.replace(/\D/g, ''));
}

describe('sorting', () => {
  test('a Sieve script uploaded by ManageSieve files mail', async () => {
    const session = await lab.lan.sieve();
    await session.starttls();
    expect((await session.login(ALICE.user, PASSWORD)).status).toBe('OK');
    const script =
      'require ["fileinto", "mailbox"]; if header :contains "subject" "invoice" { fileinto :create "Bills"; }';
    expect((await session.putScript('main', script)).status).toBe('OK');
    expect((await session.command('SETACTIVE "main"')).status).toBe('OK');
    session.close();
    await deliver(ALICE.user, 'your invoice');

    await arrives('your invoice', 'Bills');
  });

  test('a message marked as spam is filed into Junk', async () => {
    // A header of bulk mail software, scored high by an operator's rule
    await Bun.write(
      `${box.data}/custom/rspamd/test.conf`,
      'regexp { LAB_SPAM { re = "Subject=/labspam/H"; score = 9.0; } }\n',
    );
    await box.does('apply');
    expect((await deliver(ALICE.user, 'buy labspam now')).code).toBe(250);

    expect((await arrives('labspam', 'Junk')).toLowerCase()).toContain('x-spam: yes');
  }, 120_000);

  test('moving a message into Junk and back trains Bayes', async () => {
    // Bayes ignores messages with fewer than 11 tokens (min_tokens)
    const lesson =
      'Win a wonderful watch today, cheap prices and quick delivery for every lucky reader of this letter.';
    await deliver(ALICE.user, 'teach me', lesson);
    await arrives('teach me', 'INBOX');
    const before = await remembered();
    const session = await lab.lan.mailbox(ALICE);
    await session.ok('SELECT INBOX');
    const [found = ''] = (await session.ok('SEARCH SUBJECT "teach me"')).untagged.filter((line) =>
      line.startsWith('SEARCH'),
    );
    await session.ok(`MOVE ${found.split(' ')[1]} Junk`);
    session.close();

    await waitFor('the tokens of the message in Valkey', async () =>
      (await remembered()) > before + 5 ? true : undefined,
    );
  }, 60_000);
});

describe('quota', () => {
  test('a full mailbox is refused in the SMTP session, and accepts mail again after a higher quota', async () => {
    await box.does('user quota bob@example.test 1M');
    const big = 'x'.repeat(70).concat('\r\n').repeat(12_000);
    await deliver('bob@example.test', 'filler one', big);
    const refused = await waitFor('the refusal', async () => {
      const { code } = await deliver('bob@example.test', 'filler two', big);
      return code === 250 ? undefined : code;
    });

    expect(Math.floor(refused / 100)).toBeGreaterThanOrEqual(4);
    await box.does('user quota bob@example.test 50M');
    await waitFor('the higher quota to apply', async () =>
      (await deliver('bob@example.test', 'fits')).code === 250 ? true : undefined,
    );
  }, 60_000);
});

describe('mailctl test', () => {
  test('reports that a message reached a mailbox signed, and why another message did not', async () => {
    expect(await box.does(`test ${ALICE.user}`)).toMatch(/was delivered[\s\S]*DKIM: signed/);
    const { status, stdout } = await box.mailctl('test nobody@example.test');

    expect(status).toBe(1);
    expect(stdout).toContain('User unknown');
  }, 60_000);
});

describe('parallel commands', () => {
  test('fifty mailboxes added at the same time all exist', async () => {
    const names = Array.from({ length: 50 }, (_, n) => `many${n}@example.test`);
    const hash = `{SHA512-CRYPT}$6$saltsalt$${'a'.repeat(86)}`;
    const results = await Promise.all(
      names.map((name) => box.mailctl(['user', 'add', name, '--hash', hash])),
    );

    expect(results.map(({ status }) => status)).toEqual(names.map(() => 0));
    const list = (await box.does('user list')).split('\n');
    expect(names.filter((name) => !list.includes(name))).toEqual([]);
  }, 120_000);
});
