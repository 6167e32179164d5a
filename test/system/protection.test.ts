// Bans by fail2ban, TLS versions and ciphers, and the effect of every option of `features`.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { plainMessage } from './clients/mail.ts';
import type { Appliance } from './lab/appliance.ts';
import { type Lab, PASSWORD, startLab } from './lab/lab.ts';
import { NETWORK } from './lab/plan.ts';
import { waitFor } from './lab/programs.ts';

const ALICE = { user: 'alice@example.test', password: PASSWORD };
const ATTACKER = '203.0.113.66';
/** An address outside of every ignored network. */
const LATER_ATTACKER = '198.51.100.66';

let lab: Lab;
let box: Appliance;

beforeAll(async () => {
  lab = await startLab();
  box = await lab.appliance({ features: { greylist: 0 }, fail2ban: { ban_time: '1h' } }, ['alice']);
}, 300_000);

afterAll(() => lab?.down());

async function guess(host: Lab['wan'], from?: string): Promise<string> {
  const where = from === undefined ? {} : { from };
  try {
    const session = await host.imap({ port: 993, tls: true, ...where });
    const { status } = await session.login(ALICE.user, 'wrong password');
    session.close();
    return status;
  } catch {
    return 'no connection';
  }
}

const isBanned = async (address: string) =>
  (await box.does('fail2ban list --json')).includes(address);

describe('fail2ban', () => {
  test('an address that guesses passwords is banned from every mail port, and no other address is', async () => {
    for (let n = 0; n < 7; n += 1) await guess(lab.wan, ATTACKER);
    await waitFor('the ban', async () => ((await isBanned(ATTACKER)) ? true : undefined), 60_000);

    await expect(lab.wan.smtp({ from: ATTACKER })).rejects.toThrow('ECONNREFUSED');
    expect((await lab.wan.smtp({ from: NETWORK.stranger })).greeting.code).toBe(220);
  }, 120_000);

  test('mailctl removes a ban', async () => {
    await box.does(`fail2ban unban ${ATTACKER}`);

    expect(await isBanned(ATTACKER)).toBe(false);
    expect((await lab.wan.smtp({ from: ATTACKER })).greeting.code).toBe(220);
  }, 60_000);

  test('a configured network is never banned', async () => {
    await box.configure({ fail2ban: { ignore: ['203.0.113.0/24'] } });
    await box.does('apply');
    for (let n = 0; n < 6; n += 1) await guess(lab.wan, '203.0.113.77');
    // fail2ban reads the log in order: a later ban means that the earlier guesses were counted
    for (let n = 0; n < 6; n += 1) await guess(lab.wan, LATER_ATTACKER);
    await waitFor(
      'the ban of a later attacker',
      async () => ((await isBanned(LATER_ATTACKER)) ? true : undefined),
      60_000,
    );

    expect(await isBanned('203.0.113.77')).toBe(false);
  }, 120_000);
});

describe("the operator's own lines for fail2ban", () => {
  const patience = async (jail: string) =>
    (await box.inside(['fail2ban-client', 'get', jail, 'maxretry'])).stdout.trim();

  test('replace single options of a jail of ours', async () => {
    expect([await patience('mail-login'), await patience('mail-abuse')]).toEqual(['5', '15']);
    const custom = join(box.data, 'custom/fail2ban.local');
    await writeFile(custom, '[mail-abuse]\nmaxretry = 40\n');
    await box.does('apply');

    expect([await patience('mail-login'), await patience('mail-abuse')]).toEqual(['5', '40']);
    await rm(custom);
    await box.does('apply');
    expect(await patience('mail-abuse')).toBe('15');
  }, 60_000);
});

describe('TLS', () => {
  const handshake = (port: number, extra: string[]) =>
    lab.lan.run([
      'openssl',
      's_client',
      '-connect',
      `${NETWORK.router.lan}:${port}`,
      ...extra,
      ...(port === 587 ? ['-starttls', 'smtp'] : []),
    ]);

  test.each([465, 993, 995, 587])('port %d speaks TLS 1.2 and 1.3', async (port) => {
    for (const version of ['-tls1_2', '-tls1_3']) {
      const { stdout } = await handshake(port, [version]);
      expect(stdout).toMatch(/Cipher is (?!\(NONE\))/);
    }
  });

  test.each([465, 993, 995, 587])(
    'port %d refuses TLS 1.1 and ciphers without forward secrecy or AEAD',
    async (port) => {
      const refused = [
        ['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'],
        ['-tls1_2', '-cipher', 'AES256-GCM-SHA384'],
        ['-tls1_2', '-cipher', 'ECDHE-RSA-AES256-SHA384'],
      ];
      for (const options of refused) {
        const { stdout } = await handshake(port, options);
        expect([options.join(' '), /Cipher is \(NONE\)/.test(stdout)]).toEqual([
          options.join(' '),
          true,
        ]);
      }
    },
  );

  test('the certificate is for the hostname', async () => {
    const { stdout } = await handshake(993, ['-servername', 'mail.example.test']);
    const text = await lab.lan.run(['openssl', 'x509', '-noout', '-text'], { stdin: stdout });

    expect(text.stdout).toContain('DNS:mail.example.test');
  });
});

describe('features', () => {
  const daemons = async () => {
    const { stdout } = await box.mailctl('status --json');
    return (JSON.parse(stdout) as { daemons: { name: string }[] }).daemons.map(({ name }) => name);
  };
  const gtube = () => {
    const body = 'XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X';
    const mail = { from: 'visitor@outside.test', to: ALICE.user, subject: 'offer' };
    const envelope = { from: mail.from, to: [mail.to], message: plainMessage(mail, body) };
    return lab.wan.deliver(envelope, { from: NETWORK.stranger });
  };

  test('each can be disabled, with its daemon and its effect', async () => {
    expect((await gtube()).code).toBeGreaterThanOrEqual(500);
    const off = { spam_filter: 0, dkim: 0, spf: 0, dmarc: 0, fail2ban: 0 };
    await box.configure({ features: off, ports: { pop3: 0, sieve: 0 } });
    await box.does('apply');

    const running = await daemons();
    expect(running).not.toContain('opendkim');
    expect(running).not.toContain('fail2ban');
    expect((await gtube()).code).toBe(250);
    await expect(lab.lan.pop3()).rejects.toThrow();
    await expect(lab.lan.sieve()).rejects.toThrow();
    expect((await lab.lan.imap()).greeting).toStartWith('* OK');

    // OpenDKIM is down: a new key needs no reload
    const file = join(box.data, 'config/vdomains');
    const before = await readFile(file, 'utf8');
    await writeFile(file, `${before}byhand.test\n`);
    await box.does('apply');
    await writeFile(file, before);
    await box.does('apply');
  }, 120_000);

  test('each can be enabled again', async () => {
    const on = { spam_filter: 1, dkim: 1, spf: 1, dmarc: 1, fail2ban: 1 };
    await box.configure({ features: on, ports: { pop3: 110, sieve: 4190 } });
    await box.does('apply');

    expect(await daemons()).toContain('opendkim');
    expect((await gtube()).code).toBeGreaterThanOrEqual(500);
    (await lab.lan.pop3()).close();
  }, 120_000);

  test('Valkey has refused no connection of a starting Rspamd', async () => {
    expect(await box.log()).not.toContain('max number of clients');
  });
});
