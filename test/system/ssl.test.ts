// Certificates from a real ACME server with dns-01 validation, and from one that fails in several ways.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Pebble, startPebble } from './dns/pebble.ts';
import { endPrograms, type ProviderName, type Router } from './dns/router.ts';
import { type DnsWorld, startDnsWorld } from './dns/world.ts';
import { must, startInBackground, waitFor } from './lab/programs.ts';

const BINDING = {
  kid: 'kid-1',
  hmac: 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W',
};
const LIAR = '127.53.0.15';
const LATER_TTL = "option ttl '60'";

let world: DnsWorld;
let pebble: Pebble;
let strict: Pebble;
let liar: Bun.Subprocess;
let lyingCa: { directory: string; caFile: string };

interface Given {
  readonly ca?: { readonly directory: string; readonly caFile: string };
  readonly provider?: ProviderName;
  readonly ssl?: readonly string[];
  readonly dns?: readonly string[];
}

const ZONES = [
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'eleven',
];
let used = 0;

/** A router with a zone of its own. */
async function freshRouter(given: Given = {}): Promise<{ router: Router; domain: string }> {
  const domain = `${ZONES[used]}.test`;
  used += 1;
  const ca = given.ca ?? pebble;
  const router = await world.router({
    domain,
    ...(given.provider === undefined ? {} : { provider: given.provider }),
    dns: ["list public_address '192.0.2.25'", ...(given.dns ?? [])],
    sections: [
      "config ssl 'ssl'",
      `\toption directory '${ca.directory}'`,
      "\toption ca_file '/etc/acme.crt'",
      ...(given.ssl ?? []).map((line) => `\t${line}`),
    ],
  });
  await writeFile(join(router.root, 'etc/acme.crt'), await readFile(ca.caFile));
  return { router, domain };
}

const chainFile = (router: Router) => join(router.root, 'srv/mailserver/ssl/fullchain.pem');
const served = async (router: Router) => new X509Certificate(await readFile(chainFile(router)));
const isServed = async (router: Router) => Bun.file(chainFile(router)).exists();
const proofs = async (domain: string) =>
  (await world.zone(`${domain}.`)).filter((line) => line.includes('_acme-challenge'));
const mode = (text: string) => writeFile(join(world.folder, 'mode'), text);

/** Moves the publication time of the next key's TLSA records back by ten minutes. */
async function letTlsaAge(router: Router): Promise<void> {
  const file = join(router.root, 'srv/mailserver/acme/tlsa.json');
  const notices = JSON.parse(await readFile(file, 'utf8')) as Record<string, { since: string }>;
  const aged = Object.entries(notices).map(([digest, notice]) => {
    const since = new Date(Date.parse(notice.since) - 600_000).toISOString();
    return [digest, { ...notice, since }];
  });
  await writeFile(file, JSON.stringify(Object.fromEntries(aged)));
}

const fakeClock = (time: string) => {
  const [library] = new Bun.Glob('/usr/lib/*/faketime/libfaketime.so.1').scanSync('/');
  if (library === undefined) throw new Error('no libfaketime.so.1: apt-get install faketime');
  return { LD_PRELOAD: library, FAKETIME: `@${time}`, FAKETIME_DONT_FAKE_MONOTONIC: '1' };
};

beforeAll(async () => {
  const zones = ZONES.map((name, index) => [`${name}.test.`, { records: [], signed: index <= 1 }]);
  world = await startDnsWorld(Object.fromEntries(zones));
  pebble = await startPebble(world.command, join(world.folder, 'pebble'), { badNonces: 50 });
  strict = await startPebble(world.command, join(world.folder, 'strict'), {
    ...{ address: '127.53.0.16', bindings: { [BINDING.kid]: BINDING.hmac } },
  });
  await mode('none');
  const pair = join(world.folder, 'liar');
  const openssl = ['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30'];
  const made = (file: string, names: string) =>
    must([
      ...openssl,
      '-subj',
      '/CN=x',
      '-addext',
      `subjectAltName=${names}`,
      '-out',
      `${file}.crt`,
      '-keyout',
      `${file}.key`,
    ]);
  await made(pair, `IP:${LIAR}`);
  await made(join(world.folder, 'other'), 'DNS:mail.somebody-else.test');
  const script = join(import.meta.dir, 'dns/lying-ca.ts');
  const upstream = pebble.directory.replace(/\/dir$/, '');
  liar = startInBackground(
    world.command([
      process.execPath,
      script,
      LIAR,
      '14000',
      upstream,
      `${pair}.crt`,
      `${pair}.key`,
      join(world.folder, 'mode'),
      join(world.folder, 'other.crt'),
    ]),
    join(world.folder, 'liar.log'),
  );
  lyingCa = { directory: `https://${LIAR}:14000/dir`, caFile: `${pair}.crt` };
  await waitFor('the lying CA', async () =>
    (await world.run(['curl', '-ks', '-m', '2', lyingCa.directory])).status === 0
      ? true
      : undefined,
  );
}, 120_000);

afterAll(async () => {
  liar?.kill('SIGKILL');
  await strict?.stop();
  await pebble?.stop();
  await world?.down();
});

describe('a certificate, while half of all nonces are refused', () => {
  let router: Router;
  let domain: string;

  test('dns-setup publishes TLSA for the first CA key before its use', async () => {
    const dns = [LATER_TTL, "option provider 'dnsctl'"];
    ({ router, domain } = await freshRouter({ provider: 'gandi', dns }));
    const { status, stderr } = await router.mailctl('dns-setup --yes');
    expect(stderr).not.toContain('error');
    expect(status).toBe(0);
  }, 60_000);

  test('a dry run prints the CA and the names of the order, and orders nothing', async () => {
    const { status, stdout } = await router.mailctl('ssl-setup --dry-run --json');

    expect(status).toBe(0);
    const { dry_run, would, names, directory } = JSON.parse(stdout);
    expect({ dry_run, directory }).toEqual({ dry_run: true, directory: pebble.directory });
    expect(names).toContain(`mail.${domain}`);
    expect(would).toEqual([expect.stringContaining(`ask ${pebble.directory} for a certificate`)]);
    expect(await isServed(router)).toBe(false);
    expect(await proofs(domain)).toEqual([]);
  }, 60_000);

  test('a trial with the staging directory installs and keeps nothing', async () => {
    const { status, stdout } = await router.mailctl('ssl-setup --staging');
    expect(status).toBe(0);
    expect(stdout).toContain('trial passed');
    expect(await isServed(router)).toBe(false);
    expect(await proofs(domain)).toEqual([]);
  }, 60_000);

  test('is issued for the served names, and its challenge records are removed', async () => {
    const { status, stderr } = await router.mailctl('ssl-setup');
    expect(stderr).not.toContain('error');
    expect(status).toBe(0);
    const leaf = await served(router);
    expect(leaf.subjectAltName).toBe(`DNS:mail.${domain}`);
    expect(leaf.publicKey.asymmetricKeyType).toBe('ec');
    expect(await proofs(domain)).toEqual([]);
  }, 60_000);

  test('is not ordered again by a second ssl-setup', async () => {
    const before = (await served(router)).fingerprint256;
    const { status, stdout } = await router.mailctl('ssl-setup');
    expect(status).toBe(0);
    expect(stdout).toContain('nothing to do before');
    expect((await served(router)).fingerprint256).toBe(before);
  });

  test('is renewed with the same key, so that TLSA stays valid', async () => {
    const before = await served(router);
    await router.mailctl('dns-setup --yes');
    expect((await router.mailctl('ssl-renew --now')).status).toBe(0);
    const after = await served(router);
    expect(after.fingerprint256).not.toBe(before.fingerprint256);
    const spki = (leaf: X509Certificate) => leaf.publicKey.export({ type: 'spki', format: 'pem' });
    expect(spki(after)).toEqual(spki(before));
  }, 60_000);

  test('a new key waits two TTLs without TLSA at a provider that allows one value per name', async () => {
    const before = await served(router);
    const tlsa = async () =>
      (await world.zone(`${domain}.`)).filter((line) => line.includes('_25._tcp'));
    const waiting = await router.mailctl('ssl-renew --now --new-key');
    expect(waiting.status).toBe(75);
    expect(waiting.stderr).toContain('must have been visible for two TTLs');
    expect((await served(router)).fingerprint256).toBe(before.fingerprint256);
    // dnsctl at gandi allows one value per name: the change needs an interval without TLSA
    expect(await tlsa()).toHaveLength(0);
    const early = await router.mailctl('ssl-renew');
    expect(early.status).toBe(75);
    expect((await served(router)).fingerprint256).toBe(before.fingerprint256);

    await letTlsaAge(router);
    const ready = await router.mailctl('ssl-renew');
    expect(ready.stderr).not.toContain('error');
    expect(ready.status).toBe(0);
    expect((await served(router)).fingerprint256).not.toBe(before.fingerprint256);
    expect(await tlsa()).toHaveLength(1);
    expect((await router.mailctl('dns-setup --yes')).stdout).toContain('nothing to change');
  }, 90_000);

  test('ssl-status shows names, issuer, key and the next renewal', async () => {
    const { stdout } = await router.mailctl('ssl-status --json');
    const status = JSON.parse(stdout) as Record<string, unknown>;
    expect(status.names).toContain(`mail.${domain}`);
    expect(String(status.issuer)).toContain('Pebble');
    const share = Date.parse(String(status.next_renewal)) - Date.parse(String(status.not_before));
    const life = Date.parse(String(status.not_after)) - Date.parse(String(status.not_before));
    expect(share / life).toBeGreaterThan(0.6);
    expect(share / life).toBeLessThan(0.67);
  });

  test('in 1970 and 2099 it is not renewed, and the reason is printed', async () => {
    const before = (await served(router)).fingerprint256;
    for (const time of ['1970-01-02 00:00:00', '2099-12-02 00:00:00']) {
      const { status, stderr } = await router.mailctl('ssl-renew --now', fakeClock(time));
      expect(status).toBe(75);
      expect(stderr).toContain('the clock of this host shows');
    }
    expect((await served(router)).fingerprint256).toBe(before);
  });
});

test('at a provider with several values per name, both TLSA are published two TTLs before the new key', async () => {
  const { router, domain } = await freshRouter({ dns: [LATER_TTL] });
  await router.mailctl('ssl-setup');
  await router.mailctl('dns-setup --yes');
  const before = await served(router);
  const tlsa = async () =>
    (await world.zone(`${domain}.`)).filter((line) => line.includes('_25._tcp'));
  expect(await tlsa()).toHaveLength(1);
  expect((await router.mailctl('ssl-renew --now --new-key')).status).toBe(75);
  expect(await tlsa()).toHaveLength(2);
  expect((await router.mailctl('ssl-renew')).status).toBe(75);
  expect((await served(router)).fingerprint256).toBe(before.fingerprint256);

  await letTlsaAge(router);
  const ready = await router.mailctl('ssl-renew');
  expect(ready.status).toBe(0);
  expect((await served(router)).fingerprint256).not.toBe(before.fingerprint256);
  expect(await tlsa()).toHaveLength(1);
}, 90_000);

describe('killed', () => {
  let router: Router;
  let domain: string;

  /** Kills ssl-setup and its child processes as soon as `moment` is true. */
  async function killAt(what: string, moment: () => Promise<boolean>): Promise<void> {
    const running = router.mailctl('ssl-setup');
    await waitFor(what, async () => ((await moment()) ? true : undefined));
    await endPrograms(router);
    const { status, stdout } = await running;
    expect(status).not.toBe(0);
    expect(stdout).toBe('');
    expect(await isServed(router)).toBe(false);
  }

  beforeAll(async () => {
    ({ router, domain } = await freshRouter({ ca: lyingCa }));
  });

  const steps: [string, string][] = [
    ['the account was made', '/sign-me-up'],
    ['the order was placed', '/order-plz'],
    ['the CA named its challenges', '/authZ/'],
    ['the first proof was accepted', '/chalZ/'],
    ['the certificate was asked for', '/finalize-order/'],
    ['the certificate was made', '/certZ/'],
  ];
  for (const [when, path] of steps) {
    test(`after ${when}, before the response arrives, it has installed no certificate`, async () => {
      const silent = Bun.file(join(world.folder, 'mode.silent'));
      await mode(`silent ${path}`);
      await killAt(when, () => silent.exists());
      await silent.delete();
      await mode('none');
      if (path !== '/order-plz') return;
      await killAt('a proof in the zone', async () => (await proofs(domain)).length > 0);
    }, 60_000);
  }

  test('at each of these moments, it continues and leaves no challenge record behind', async () => {
    const { status, stderr } = await router.mailctl('ssl-setup');
    expect(stderr).toContain('continuing the order of an earlier run');
    expect(status).toBe(0);
    expect((await served(router)).checkHost(`mail.${domain}`)).toBeDefined();
    expect(await proofs(domain)).toEqual([]);
  }, 60_000);
});

describe('a challenge name with a CNAME', () => {
  let router: Router;
  let domain: string;
  const delegate = (name: string, verb = 'add') =>
    world.update(
      `${domain}.`,
      `update ${verb} _acme-challenge.${name}.${domain}. 60 CNAME proofs.elsewhere.test.`,
    );

  test('excludes only its own name from the certificate', async () => {
    ({ router, domain } = await freshRouter({ dns: ["option mta_sts 'testing'"] }));
    await delegate('mta-sts');
    const { status, stdout } = await router.mailctl('ssl-setup');
    expect(stdout).toContain(`the certificate will not name mta-sts.${domain}`);
    expect(stdout).toContain('is an alias (CNAME) of proofs.elsewhere.test');
    expect(status).toBe(0);
    const leaf = await served(router);
    expect(leaf.checkHost(`mta-sts.${domain}`)).toBeUndefined();
    expect(leaf.checkHost(`mail.${domain}`)).toBeDefined();
  }, 60_000);

  test('is refused for the hostname, and the old certificate stays in use', async () => {
    const before = (await served(router)).fingerprint256;
    await delegate('mail');
    const { status, stderr } = await router.mailctl('ssl-renew --now');
    expect(status).toBe(1);
    expect(stderr).toContain(`remove the CNAME record of _acme-challenge.mail.${domain}`);
    expect((await served(router)).fingerprint256).toBe(before);
  }, 60_000);
});

test('a provider that removes whole record sets works too', async () => {
  const { router, domain } = await freshRouter({
    provider: 'gandi',
    ssl: ["option key_type 'rsa'"],
  });
  expect((await router.mailctl('ssl-setup')).status).toBe(0);
  expect((await served(router)).publicKey.asymmetricKeyType).toBe('rsa');
  expect(await proofs(domain)).toEqual([]);
}, 60_000);

describe('external account binding', () => {
  test('an account without one is refused, and the CA is quoted', async () => {
    const { router } = await freshRouter({ ca: strict });
    const { status, stderr } = await router.mailctl('ssl-setup');
    expect(status).toBe(69);
    expect(stderr).toContain('externalAccountRequired');
  }, 60_000);

  test('an account with the MAC key works, and the key is never shown', async () => {
    const ssl = [`option eab_kid '${BINDING.kid}'`, `option eab_hmac '${BINDING.hmac}'`];
    const { router } = await freshRouter({ ca: strict, ssl });
    const { status, stdout, stderr } = await router.mailctl('ssl-setup --debug');
    expect(stderr).not.toContain('error');
    expect(status).toBe(0);
    expect(stdout + stderr).not.toContain(BINDING.hmac);
  }, 60_000);
});

describe('a failing CA', () => {
  let router: Router;
  let domain: string;
  let before: string;
  const again = async (words = 'ssl-renew --now') => router.mailctl(words);

  /** Clears the recorded failures, so that the next run does not wait. */
  const forgetFailures = async () => {
    const file = join(router.root, 'srv/mailserver/acme/state.json');
    const state = JSON.parse(await readFile(file, 'utf8')) as object;
    await writeFile(
      file,
      JSON.stringify({ ...state, failures: [], refusals: [], notBefore: null }),
    );
  };

  beforeAll(async () => {
    ({ router, domain } = await freshRouter({ ca: lyingCa }));
    await mode('none');
    const { status, stderr } = await router.mailctl('ssl-setup');
    if (status !== 0) throw new Error(stderr);
    before = (await served(router)).fingerprint256;
  }, 60_000);

  const refused: [string, string, number, string][] = [
    ['that is down', 'failed: ', 75, 'down'],
    ['that limits requests', 'rate limits requests', 75, 'limited'],
    [
      'that omits the intermediate certificate',
      'its chain lacks the issuer certificate',
      65,
      'cut',
    ],
    ['that sends a certificate for other names', 'mail.somebody-else.test', 65, 'other'],
  ];
  for (const [what, words, expected, setting] of refused) {
    test(`${what} is reported, and the old certificate stays in use`, async () => {
      await mode(setting);
      const { status, stderr } = await again();
      expect(stderr).toContain(words);
      expect(status).toBe(expected);
      expect((await served(router)).fingerprint256).toBe(before);
      expect(await proofs(domain)).toEqual([]);
      if (setting !== 'limited') return forgetFailures();
      await mode('none');
      const second = await again();
      expect(second.status).toBe(75);
      expect(second.stderr).toContain('no retry before');
      await forgetFailures();
    }, 60_000);
  }

  test('that fails the challenges gets only a few tries in an hour', async () => {
    await mode('none');
    const file = join(router.root, 'srv/mailserver/acme/state.json');
    const state = JSON.parse(await readFile(file, 'utf8')) as object;
    const failures = [1, 2, 3].map((minutes) =>
      new Date(Date.now() - minutes * 60_000).toISOString(),
    );
    await writeFile(
      file,
      JSON.stringify({
        ...state,
        failures: failures.reverse(),
        refusals: failures,
        lastError: 'x',
      }),
    );
    const third = await again();
    expect(third.status).toBe(75);
    expect(third.stderr).toContain('3 attempts failed');
    await forgetFailures();
  }, 60_000);

  test('that suggests an early renewal (ARI) is followed', async () => {
    await mode('advice');
    expect((await again()).status).toBe(0);
    const first = (await served(router)).fingerprint256;
    expect(first).not.toBe(before);
    expect((await router.mailctl('ssl-status')).stdout).toContain(
      "the CA's renewal information says so",
    );
    const renewed = await again('ssl-renew --debug');
    expect(renewed.stderr).not.toContain('error');
    expect(renewed.status).toBe(0);
    expect((await served(router)).fingerprint256).not.toBe(first);
  }, 60_000);
});

test('an unreachable CA is named by its address', async () => {
  const directory = pebble.directory.replace('14000', '14999');
  const { router } = await freshRouter({ ca: { ...pebble, directory } });
  const { status, stderr } = await router.mailctl('ssl-setup');
  expect(stderr).toContain(`${directory} cannot be reached`);
  expect(status).toBe(75);
}, 60_000);

test('if the zone of the hostname is not in the account, no request goes to the CA', async () => {
  const domain = `${ZONES[used]}.test`;
  used += 1;
  const router = await world.router({
    ...{ domain, zone: 'elsewhere.test', provider: 'ovh' },
    sections: ["config ssl 'ssl'", `\toption directory '${pebble.directory}'`],
  });
  const { status, stderr } = await router.mailctl('ssl-setup');
  expect(status).toBe(65);
  expect(stderr).toContain('which is not in the account at ovh');
  expect(await isServed(router)).toBe(false);
}, 60_000);
