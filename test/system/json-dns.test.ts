// docs/json.md against what is printed by the words that publish records or ask a CA, beside real servers.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { differences, readShapes } from '../json-document.ts';
import { type Pebble, startPebble } from './dns/pebble.ts';
import type { Router } from './dns/router.ts';
import { type DnsWorld, startDnsWorld } from './dns/world.ts';

const SHAPES = readShapes();
const DOMAIN = 'one.test';

let world: DnsWorld;
let pebble: Pebble;
let router: Router;

beforeAll(async () => {
  // the second MX is of others, and noted
  const records = ['@ 300 MX 20 mx.elsewhere.test.'];
  world = await startDnsWorld({
    [`${DOMAIN}.`]: { records, signed: true },
    'hand.test.': { records: ['@ 300 MX 0 .'] },
  });
  pebble = await startPebble(world.command, join(world.folder, 'pebble'), { badNonces: 0 });
  router = await world.router({
    domain: DOMAIN,
    dns: ["list public_address '192.0.2.25'", "option ttl '60'"],
    sections: [
      "config ssl 'ssl'",
      `\toption directory '${pebble.directory}'`,
      "\toption ca_file '/etc/acme.crt'",
    ],
  });
  await writeFile(join(router.root, 'etc/acme.crt'), await readFile(pebble.caFile));
  const accounts = join(router.root, 'srv/mailserver/config');
  await mkdir(accounts, { recursive: true });
  await writeFile(join(accounts, 'vdomains'), `${DOMAIN}\n`);
}, 120_000);
afterAll(async () => {
  await pebble?.stop();
  await world?.down();
});

type Row = readonly [example: string, words?: string];

const ROWS: readonly Row[] = [
  ['dns-setup --dry-run', 'dns-setup --dry-run'],
  ['dns-setup', 'dns-setup --yes'],
  ['dns-setup', 'dns-setup --yes'],
  ['dns-check'],
  ['ssl-setup --dry-run', 'ssl-setup --dry-run'],
  ['ssl-setup', 'ssl-setup --staging'],
  ['ssl-setup'],
  ['ssl-setup'],
  ['ssl-renew', 'ssl-renew --now'],
  ['ssl-renew'],
  ['ssl-renew --dry-run', 'ssl-renew --dry-run'],
  ['ssl-status'],
  ['dkim rotate', `dkim rotate ${DOMAIN}`],
  ['dkim show'],
  ['dkim step --dry-run', 'dkim step --dry-run'],
  ['dkim revoke', `dkim revoke ${DOMAIN} --yes`],
  ['dkim step'],
  ['dns-setup', 'dns-setup --undo --yes'],
];

test.each(ROWS.map((row) => [row[1] ?? row[0], row] as const))(
  '%s prints what is documented',
  async (_, [example, words = example]) => {
    const { stdout, stderr } = await router.mailctl(`${words} --json`);

    expect(stdout === '' ? stderr : '').toBe('');
    expect(differences(SHAPES.get(`mailctl ${example}`) ?? {}, JSON.parse(stdout))).toEqual([]);
  },
  150_000,
);

test('dns-setup prints what has to be done by hand', async () => {
  const other = await world.router({
    domain: 'hand.test',
    dns: ["list public_address '192.0.2.25'"],
  });

  const { status, stdout } = await other.mailctl('dns-setup --partial --yes --json');

  const answer = JSON.parse(stdout);
  expect(status).toBe(1);
  expect(answer.by_hand).not.toEqual([]);
  expect(differences(SHAPES.get('mailctl dns-setup') ?? {}, answer)).toEqual([]);
}, 150_000);

test('a key that waits for its TLSA record is an error with the time to retry', async () => {
  await router.mailctl('dns-setup --yes');

  const { status, stderr } = await router.mailctl('ssl-renew --now --new-key --json');

  const answer = JSON.parse(stderr.trim().split('\n').at(-1) ?? '');
  expect({ status, code: answer.error.code }).toEqual({ status: 75, code: 'CERTIFICATE_WAITS' });
  expect(answer.error.retry_at).toBeString();
  expect(differences(SHAPES.get('error') ?? {}, answer)).toEqual([]);
}, 150_000);

test('wan-changed prints the addresses of the WAN interface', async () => {
  const bin = join(router.root, 'bin');
  await mkdir(bin, { recursive: true });
  const status = JSON.stringify({ up: true, 'ipv4-address': [{ address: '192.0.2.7' }] });
  await writeFile(join(bin, 'ubus'), `#!/bin/sh\necho '${status}'\n`);
  await chmod(join(bin, 'ubus'), 0o755);
  const path = `${bin}:${join(import.meta.dir, '../stand-ins')}:${process.env.PATH}`;
  await router.configure(["option ttl '60'"]);

  const { stdout, stderr } = await router.mailctl('wan-changed --wait 60 --json', { PATH: path });

  expect(stdout === '' ? stderr : '').toBe('');
  expect(differences(SHAPES.get('mailctl wan-changed') ?? {}, JSON.parse(stdout))).toEqual([]);
}, 150_000);
