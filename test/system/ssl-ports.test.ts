// The certificate of a running mail server: issued by a real ACME server, loaded by every port, and renewed with the
// same and with a new key while senders that check DANE keep connecting.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Pebble, startPebble } from './dns/pebble.ts';
import type { Appliance } from './lab/appliance.ts';
import { type Lab, startLab } from './lab/lab.ts';
import { onHost } from './lab/network.ts';
import { NETWORK, WORK_DIRECTORY } from './lab/plan.ts';
import { must, waitFor } from './lab/programs.ts';

const CA = '203.0.113.14';
const MAIL = 'mail.example.test';
/** The ports other than SMTP, with openssl's -starttls value. */
const OTHER_PORTS = [
  [143, 'imap'],
  [993, null],
  [110, 'pop3'],
  [995, null],
  [4190, 'sieve'],
] as const;

let lab: Lab;
let box: Appliance;
let pebble: Pebble;
let roots: string;

interface Status {
  fingerprint: string;
  names: string[];
  next_renewal_why: string;
  last_error: string | null;
  ports: { name: string; port: number; fingerprint: string | null; problem: string | null }[];
}

const status = () => box.json<Status>('ssl-status');
const tlsa = (port = 25) => lab.dns.lookup(`_${port}._tcp.${MAIL}.`, 'TLSA');

async function handshake(port: number, words: readonly string[]): Promise<string> {
  const openssl = ['openssl', 's_client', '-connect', `${NETWORK.router.wan}:${port}`, '-brief'];
  const done = await lab.wan.run([...openssl, ...words], { stdin: '', timeout: 20_000 });
  return done.stdout + done.stderr;
}

/** Checks the certificate against these TLSA records as a sender with DANE does (RFC 7672), without mail. */
async function checkDane(port: number, records: readonly string[]): Promise<string> {
  const start = port === 465 ? [] : ['-starttls', 'smtp'];
  const data = records.flatMap((record) => ['-dane_tlsa_rrdata', record]);
  const words = [...start, '-dane_tlsa_domain', MAIL, ...data, '-verify_return_error'];
  return handshake(port, words);
}

async function dane(port: number, records: readonly string[]): Promise<void> {
  const said = await checkDane(port, records);
  expect(said).toContain('Verification: OK');
  expect(said).toContain('DANE TLSA 3 1 1');
}

/** Checks DANE with the current DNS, on every port with a TLSA record. */
async function daneHolds(): Promise<void> {
  for (const port of [25, 587, 465]) {
    const records = await tlsa(port);
    expect(records.length).toBeGreaterThan(0);
    await dane(port, records);
  }
}

async function receive(): Promise<void> {
  const message = 'From: a@outside.test\r\nTo: alice@example.test\r\nSubject: x\r\n\r\nhello\r\n';
  const envelope = { from: 'visitor@outside.test', to: ['alice@example.test'], message };
  const where = { from: NETWORK.stranger, helo: 'client.outside.test' };
  expect((await lab.wan.deliver(envelope, where)).code).toBe(250);
}

/** Moves the publication time of the next key's TLSA records back by ten minutes. */
async function letTlsaAge(): Promise<void> {
  const file = join(box.data, 'acme/tlsa.json');
  const notices = JSON.parse(await readFile(file, 'utf8')) as Record<string, { since: string }>;
  const aged = Object.entries(notices).map(([digest, notice]) => {
    const since = new Date(Date.parse(notice.since) - 600_000).toISOString();
    return [digest, { ...notice, since }];
  });
  await writeFile(file, JSON.stringify(Object.fromEntries(aged)));
}

async function everyPortShows(): Promise<void> {
  const { fingerprint, ports } = await status();
  expect(ports.map(({ name }) => name)).toContain('sieve');
  expect(ports.filter((port) => port.fingerprint !== fingerprint)).toEqual([]);
}

beforeAll(async () => {
  lab = await startLab();
  pebble = await startPebble((argv) => onHost('wan', argv), join(WORK_DIRECTORY, 'pebble'), {
    ...{ address: CA, resolver: NETWORK.dns },
  });
  box = await lab.appliance(
    {
      features: { spam_filter: 0, spf: 0, dmarc: 0, greylist: 0, fail2ban: 0 },
      ports: { pop3: 110, pop3s: 995 },
      dns: {
        ...{ provider: 'rfc2136', server: NETWORK.dns, resolver: [NETWORK.dns], ttl: 60 },
        public_address: [NETWORK.router.wan],
      },
      ssl: { type: 'letsencrypt', directory: pebble.directory, ca_file: pebble.caFile },
    },
    ['alice'],
  );
  roots = join(WORK_DIRECTORY, 'roots.pem');
  await writeFile(roots, await must(onHost('wan', ['curl', '-ks', `https://${CA}:15000/roots/0`])));
}, 300_000);

afterAll(async () => {
  await pebble?.stop();
  await lab?.down();
});

test('before the first certificate, DANE verifies and the next key is announced', async () => {
  await box.does('dns-setup --yes --wait 30');

  expect(await tlsa()).toHaveLength(2);
  await daneHolds();
  const foreign = await checkDane(25, [`3 1 1 ${'0'.repeat(64)}`]);
  expect(foreign).not.toContain('Verification: OK');
}, 60_000);

test('ssl-setup puts a certificate on every port without a gap', async () => {
  const cached = await tlsa();

  const said = await box.does('ssl-setup');

  expect(said).toContain('is served on every port');
  await everyPortShows();
  await dane(25, cached);
  await daneHolds();
  await receive();
  expect(await lab.dns.lookup(`_acme-challenge.${MAIL}.`, 'TXT')).toEqual([]);
}, 90_000);

test('the certificate has the hostname, and no name that is not served', async () => {
  const trust = ['-CAfile', roots, '-verify_return_error'];
  const named = ['-servername', MAIL, '-verify_hostname', MAIL, ...trust];
  expect(await handshake(465, named)).toContain('Verification: OK');
  for (const [port, way] of OTHER_PORTS) {
    const start = way === null ? [] : ['-starttls', way];
    expect(await handshake(port, [...named, ...start])).toContain('Verification: OK');
  }
  expect((await status()).names).toEqual([MAIL]);
}, 60_000);

test('a renewal keeps the key, and with it every TLSA record', async () => {
  const before = (await status()).fingerprint;
  const records = await tlsa();
  expect(records).toHaveLength(1);

  await box.does('ssl-renew --now');

  expect((await status()).fingerprint).not.toBe(before);
  expect(await tlsa()).toEqual(records);
  await everyPortShows();
  await daneHolds();
}, 60_000);

test('a new key is used only when no resolver can still cache a TLSA set without it', async () => {
  const before = (await status()).fingerprint;
  const old = await tlsa();

  const early = await box.mailctl('ssl-renew --now --new-key');

  expect(early.status).toBe(75);
  expect(await tlsa()).toHaveLength(2);
  expect((await status()).fingerprint).toBe(before);
  await dane(25, old);
  await daneHolds();

  const cached = await tlsa();
  await letTlsaAge();
  await box.does('ssl-renew');

  expect((await status()).fingerprint).not.toBe(before);
  await everyPortShows();
  await dane(25, cached);
  await daneHolds();
  expect(await tlsa()).toHaveLength(1);
  expect(await tlsa()).not.toEqual(old);
  expect(await box.does('dns-setup --yes')).toBe('nothing to change\n');
  await receive();
}, 90_000);

test('after a kill before the removal of the old TLSA record, the next run removes it', async () => {
  const [present = ''] = await tlsa();
  const old = '7'.repeat(64);
  await lab.dns.publish(`_25._tcp.${MAIL}.`, 'TLSA', [present, `3 1 1 ${old}`]);
  const file = join(box.data, 'acme/state.json');
  const state = JSON.parse(await readFile(file, 'utf8')) as object;
  await writeFile(file, JSON.stringify({ ...state, retiring: [old] }));

  expect(await box.does('ssl-renew')).toContain('nothing to do before');

  expect(await tlsa()).toEqual([present]);
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ retiring: [] });
}, 60_000);

test('a port without the new certificate is named, and the next run continues', async () => {
  await box.inside(['s6-svc', '-wd', '-T', '10000', '-d', '/run/service/dovecot']);

  const { status: code, stderr } = await box.mailctl('ssl-renew --now');

  expect(code).toBe(1);
  expect(stderr).toContain('the new certificate is installed, but is not shown on imap (143)');
  expect(stderr).not.toContain('smtp (25)');
  const { fingerprint, last_error } = await status();
  expect(last_error).toContain('is not shown on imap (143)');
  await daneHolds();

  await box.inside(['s6-svc', '-u', '/run/service/dovecot']);
  await waitFor('Dovecot', async () =>
    (await handshake(993, [])).includes('CONNECTION ESTABLISHED') ? true : undefined,
  );
  await box.does('ssl-renew --now');

  // The installed certificate is used; no other is ordered
  expect(await status()).toMatchObject({ fingerprint, last_error: null });
  await everyPortShows();
}, 90_000);

test('certificate and key files that do not match are refused, and the server keeps its certificate', async () => {
  const { fingerprint } = await status();
  const other = join(WORK_DIRECTORY, 'other.key');
  await must(['openssl', 'genpkey', '-algorithm', 'RSA', '-out', other]);
  const given = join(WORK_DIRECTORY, 'given.pem');
  await writeFile(given, await readFile(join(box.data, 'ssl/fullchain.pem')));
  await box.configure({ ssl: { type: 'manual', cert_path: given, key_path: other } });

  for (const words of ['ssl-renew', 'apply']) {
    const { status: code, stderr } = await box.mailctl(words);
    expect(code).toBe(65);
    expect(stderr).toContain('the private key belongs to another certificate');
  }

  expect((await status()).fingerprint).toBe(fingerprint);
  await everyPortShows();
  const refused = await box.mailctl('ssl-setup');
  expect(refused.status).toBe(64);
  expect(refused.stderr).toContain('ssl.type is manual');
}, 60_000);
