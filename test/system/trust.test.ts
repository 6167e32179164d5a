// All changes on one server while mail flows: a domain, records, a certificate, its renewal, a new key, new DKIM keys,
// another address. Outside senders and receivers see no gap, and doctor names every injected fault.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Pebble, startPebble } from './dns/pebble.ts';
import type { Appliance } from './lab/appliance.ts';
import { type Lab, PASSWORD, settled, startLab } from './lab/lab.ts';
import { onHost } from './lab/network.ts';
import { NETWORK, WORK_DIRECTORY } from './lab/plan.ts';
import { type Finished, waitFor } from './lab/programs.ts';
import { type Watch, watch } from './trust/watch.ts';

const CA = '203.0.113.14';
const MAIL = 'mail.example.test.';
const ALICE = { user: 'alice@example.test', password: PASSWORD };
const MOVED = '192.0.2.77';
const UBUS = `#!/bin/sh
[ "$*" = 'call network.interface.wan status' ] || exit 4
printf '{"up":true,"ipv4-address":[{"address":"%s"}]}\\n' "$(cat "$(dirname "$0")/address")"
`;

interface Check {
  id: string;
  severity: string;
  message: string;
  fix: string | null;
}

let lab: Lab;
let box: Appliance;
let pebble: Pebble;
let seen: Watch;
let bin: string;

const mailctl = (words: string, stdin?: string): Promise<Finished> =>
  box.mailctl(words, {
    env: { PATH: `${bin}:${process.env.PATH}` },
    ...(stdin === undefined ? {} : { stdin }),
  });

async function does(words: string, stdin?: string): Promise<string> {
  const { status, stdout, stderr } = await mailctl(words, stdin);
  if (status !== 0) throw new Error(`mailctl ${words} ended with ${status}\n${stderr}${stdout}`);
  return stdout;
}

const wan = (address: string) => writeFile(join(bin, 'address'), address);
const reverse = (address: string) =>
  lab.dns.publish(`${address.split('.').reverse().join('.')}.in-addr.arpa.`, 'PTR', [MAIL]);

const fingerprint = async () =>
  (JSON.parse(await does('ssl-status --json')) as { fingerprint: string }).fingerprint;

/** The findings of doctor that are not ok. */
async function complaints(words = ''): Promise<Check[]> {
  const { stdout } = await mailctl(`doctor --json ${words}`.trim());
  const { checks } = JSON.parse(stdout) as { checks: Check[] };
  return checks.filter(({ severity }) => severity === 'error' || severity === 'warning');
}

const ids = (checks: readonly Check[]) => checks.map(({ id }) => id);

beforeAll(async () => {
  lab = await startLab();
  bin = join(WORK_DIRECTORY, 'bin');
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, 'ubus'), UBUS);
  await chmod(join(bin, 'ubus'), 0o755);
  await wan(NETWORK.router.wan);
  // Both addresses lead here while resolvers may cache the old one
  await lab.router.run(['ip', 'addr', 'add', `${MOVED}/24`, 'dev', 'wan0']);
  pebble = await startPebble((argv) => onHost('wan', argv), join(WORK_DIRECTORY, 'pebble'), {
    ...{ address: CA, resolver: NETWORK.dns },
  });
  box = await lab.prepare({
    features: { greylist: 0, fail2ban: 0 },
    smtp: { rate_limit: 0 },
    report: { enabled: 0 },
    dns: { provider: 'rfc2136', server: NETWORK.dns, resolver: [NETWORK.dns], ttl: 60 },
    ssl: { type: 'letsencrypt', directory: pebble.directory, ca_file: pebble.caFile },
  });
  await does('install');
  await settled(box, lab.wan);
  await does(`user add ${ALICE.user} --password-stdin`, PASSWORD);
}, 300_000);

afterAll(async () => {
  await seen?.stop();
  await pebble?.stop();
  await lab?.down();
});

describe('while mail flows', () => {
  test('the records of every domain are published', async () => {
    await lab.dns.addZone('second.test.', []);
    await does('domain add second.test');
    await does('dns-setup --yes --wait 60');
    expect(await lab.dns.lookup('second.test.', 'MX')).toEqual([`10 ${MAIL}`]);
    expect(await lab.dns.lookup(`_25._tcp.${MAIL}`, 'TLSA')).toHaveLength(2);
    seen = await watch(lab, ALICE);
    await waitFor('mail and handshakes', () =>
      seen.counts.sent > 0 && seen.counts.received > 0 && seen.counts.handshakes > 2
        ? true
        : undefined,
    );
  }, 90_000);

  test('a certificate is obtained, and renewed with the same key', async () => {
    expect(await does('ssl-setup')).toContain('is served on every port');
    const first = await fingerprint();
    await does('ssl-renew --now');
    expect(await fingerprint()).not.toBe(first);
  }, 90_000);

  test('a new key is announced; the scheduler puts it into use when it is due', async () => {
    const before = await fingerprint();
    expect((await mailctl('ssl-renew --now --new-key')).status).toBe(75);
    expect(await fingerprint()).toBe(before);

    // During the key change:
    expect(await does('dkim rotate --all')).toContain('is signed with');
    await wan(MOVED);
    await reverse(MOVED);
    await does('wan-changed');
    expect(await lab.dns.lookup(MAIL, 'A')).toEqual([MOVED]);
    const sent = seen.counts.sent;

    await waitFor(
      'the new key to be in use',
      async () => ((await fingerprint()) === before ? undefined : true),
      180_000,
    );
    await waitFor('mail after the key change', () =>
      seen.counts.sent > sent + 2 ? true : undefined,
    );
  }, 240_000);

  test('outside senders and receivers have seen no gap', async () => {
    const counts = { ...seen.counts };
    await waitFor('more mail and handshakes', () =>
      seen.counts.handshakes > counts.handshakes + 3 && seen.counts.received > counts.received + 2
        ? true
        : undefined,
    );
    await seen.stop();
    console.log(
      `watched: ${JSON.stringify(seen.counts)}, selectors ${[...seen.selectors].join(', ')}`,
    );
    expect(seen.faults).toEqual([]);
    expect(seen.selectors.size).toBe(2);
  }, 60_000);
});

describe('at the end', () => {
  test('dns-setup is a no-op, dns-check and doctor report no problem', async () => {
    expect(await does('dns-setup --yes')).toContain('nothing to change');
    expect((await mailctl('dns-check')).status).toBe(0);
    expect(await complaints()).toEqual([]);
    const { status, stdout } = await mailctl('doctor');
    expect(status).toBe(0);
    expect(stdout).toContain('dkim.signature: the signature matches the published key');
  }, 90_000);

  test('the report is sent once, and again only after a change', async () => {
    expect(await does('report send')).toContain('sent to postmaster@example.test');
    expect(await does('report send')).toContain('nothing has changed');
    await does('user add bob@example.test --generate --quiet');
    expect(await does('report send')).toContain('sent to');
  }, 120_000);
});

describe('doctor names an injected fault:', () => {
  test('a removed record, and dns-setup publishes it again', async () => {
    await lab.dns.publish('second.test.', 'MX', []);
    expect(ids(await complaints('--only dns'))).toEqual(['dns.record.mx']);
    await does('dns-setup --yes');
    expect(await complaints('--only dns')).toEqual([]);
  }, 60_000);

  test('a TLSA record of a key that is not in use', async () => {
    const name = `_25._tcp.${MAIL}`;
    const right = await lab.dns.lookup(name, 'TLSA');
    await lab.dns.publish(name, 'TLSA', [`3 1 1 ${'ab'.repeat(32)}`]);
    expect(ids(await complaints('--only dns'))).toEqual(['dns.record.dane']);
    await lab.dns.publish(name, 'TLSA', right);
    expect(await complaints('--only dns')).toEqual([]);
  }, 60_000);

  test('a published DKIM key that differs from the signing key', async () => {
    const [own] = [...seen.selectors].filter((selector) => selector !== 'mail');
    const name = `${own}._domainkey.example.test.`;
    const right = await lab.dns.lookup(name, 'TXT');
    const wrong = right.map((value) =>
      value.replace(/p=.{40}/, (text) => `p=${'A'.repeat(text.length - 2)}`),
    );
    await lab.dns.publish(name, 'TXT', wrong);
    await forgetKeys();
    const { stdout } = await mailctl('doctor --json --only dkim dns');
    const { checks } = JSON.parse(stdout) as { checks: Check[] };
    expect(checks.find(({ id }) => id === 'dkim.signature')).toMatchObject({ severity: 'error' });
    expect(checks.find(({ id }) => id === 'dns.record.dkim')?.severity).toBe('error');
    await lab.dns.publish(name, 'TXT', right);
    await forgetKeys();
  }, 90_000);

  test('a daemon that is down, and --fix starts it', async () => {
    await box.inside(['s6-svc', '-wd', '-T', '10000', '-d', '/run/service/opendkim']);
    expect(ids(await complaints('--only daemons'))).toEqual(['daemons.up']);
    expect((await mailctl('doctor --only daemons --fix')).status).toBe(64);
    expect((await mailctl('doctor --only daemons --fix --yes')).status).toBe(0);
    expect(await complaints('--only daemons')).toEqual([]);
  }, 60_000);

  test('a private key that other accounts can read, and --fix restricts it', async () => {
    const key = join(box.data, 'ssl/current/privkey.pem');
    const before = await readFile(key, 'utf8');
    await chmod(key, 0o644);
    expect(ids(await complaints('--only files'))).toEqual(['files.modes']);
    await does('doctor --only files --fix --yes');
    expect(await complaints('--only files')).toEqual([]);
    expect(await readFile(key, 'utf8')).toBe(before);
  }, 60_000);

  test('an open relay', async () => {
    const custom = join(box.data, 'custom/postfix-main.cf');
    const lines = [
      'mynetworks = 0.0.0.0/0',
      'smtpd_relay_restrictions = permit_mynetworks, reject',
    ];
    await writeFile(custom, [...lines, 'smtpd_recipient_restrictions = permit', ''].join('\n'));
    await does('apply');
    const [found] = await complaints('--only smtp.open-relay');
    expect(found?.message).toContain('open relay: the server accepted foreign recipients');
    await rm(custom);
    await does('apply');
    expect(await complaints('--only smtp.open-relay')).toEqual([]);
  }, 120_000);

  test('a message that is in the queue for a day', async () => {
    await lab.mx.behave({ rcpt: { code: 451 } });
    await does('test late@outside.test --timeout 2').catch(() => undefined);
    const later = new Date(Date.now() + 86_400_000).toISOString();
    const { stdout } = await box.mailctl('doctor --only queue --json', {
      env: {
        LD_PRELOAD: await preload(),
        FAKETIME: `@${later.slice(0, 19).replace('T', ' ')}`,
        TZ: 'UTC',
      },
    });
    await lab.mx.behave({});
    const { checks } = JSON.parse(stdout) as { checks: Check[] };
    expect(checks.find(({ id }) => id === 'queue.age')?.severity).toBe('error');
  }, 60_000);

  test('a clock in 1970', async () => {
    const { status, stdout } = await box.mailctl('doctor --only clock --json', {
      env: { LD_PRELOAD: await preload(), FAKETIME: '@1970-01-02 00:00:00' },
    });
    expect(status).toBe(1);
    expect(stdout).toContain('1970-01-02');
    const rotated = await box.mailctl('dkim rotate --all', {
      env: { LD_PRELOAD: await preload(), FAKETIME: '@1970-01-02 00:00:00' },
    });
    expect(rotated.status).toBe(75);
    expect(rotated.stderr).toContain('which cannot be right');
  }, 30_000);

  test('a stopped container, and --fix starts it', async () => {
    await does('stop');
    expect(ids(await complaints('--only container'))).toEqual(['container.running']);
    await does('doctor --only container --fix --yes');
    expect(await complaints('--only container daemons ports')).toEqual([]);
  }, 120_000);
});

/** Unbound and Rspamd cache a key for its TTL. */
async function forgetKeys(): Promise<void> {
  for (const name of ['unbound', 'rspamd']) {
    await box.inside(['s6-svc', '-wr', '-T', '20000', '-r', `/run/service/${name}`]);
  }
  await settled(box, lab.wan);
}

async function preload(): Promise<string> {
  const { stdout } = await lab.router.run(['sh', '-c', 'ls /usr/lib/*/faketime/libfaketime.so.1']);
  return stdout.trim();
}
