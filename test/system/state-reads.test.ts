// ssl-setup and ssl-renew read each state file once.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Pebble, startPebble } from './dns/pebble.ts';
import type { Router } from './dns/router.ts';
import { type DnsWorld, startDnsWorld } from './dns/world.ts';

const domain = 'one.test';
let world: DnsWorld;
let pebble: Pebble;
let router: Router;

beforeAll(async () => {
  world = await startDnsWorld({ [`${domain}.`]: { records: [], signed: true } });
  pebble = await startPebble(world.command, join(world.folder, 'pebble'), { badNonces: 0 });
  router = await world.router({
    domain,
    dns: ["list public_address '192.0.2.25'", "option ttl '60'"],
    sections: [
      "config ssl 'ssl'",
      `\toption directory '${pebble.directory}'`,
      "\toption ca_file '/etc/acme.crt'",
    ],
  });
  await writeFile(join(router.root, 'etc/acme.crt'), await readFile(pebble.caFile));
}, 120_000);
afterAll(async () => {
  await pebble?.stop();
  await world?.down();
});

interface Counted {
  readonly outcome: string;
  readonly reads: Readonly<Record<string, number>>;
}

async function count(...words: string[]): Promise<Counted> {
  const program = join(import.meta.dir, 'dns/count-reads.ts');
  const { status, stdout, stderr } = await router.run([program, ...words]);
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Counted;
}

const MEMORY = { 'acme/state.json': 1, 'acme/tlsa.json': 1, 'dns/state.json': 1 };

test('the first certificate reads each state file once', async () => {
  const { outcome, reads } = await count('setUp');

  expect(outcome).toBe('issued');
  expect(reads).toMatchObject({ ...MEMORY, 'acme/order.json': 1 });
}, 120_000);

test('a renewal with the same key reads each state file once', async () => {
  expect((await router.mailctl('dns-setup --yes')).status).toBe(0);

  const { outcome, reads } = await count('renew');

  expect(outcome).toBe('issued');
  expect(reads).toMatchObject({ ...MEMORY, 'acme/order.json': 1 });
}, 120_000);

test('a renewal that waits for its new key reads each state file once', async () => {
  const { outcome, reads } = await count('renew', 'newKey');

  expect(outcome).toBe('waiting');
  expect(reads).toEqual(MEMORY);
}, 120_000);
