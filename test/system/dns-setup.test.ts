// dns-setup against real authoritative servers in the default mode: dnsctl, and the provider's API for the rest.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { ProviderName, Router } from './dns/router.ts';
import { PRIMARY, TSIG } from './dns/servers.ts';
import { type DnsWorld, startDnsWorld } from './dns/world.ts';
import type { Finished } from './lab/programs.ts';

/** Foreign records that exist before dns-setup, some at our names. */
const FOREIGN = [
  '@ 300 A 192.0.2.80',
  '@ 300 TXT "google-site-verification=abcdef"',
  '@ 300 TXT "MS=ms12345678" "second string"',
  '@ 300 CAA 0 issue "other-ca.example"',
  'www 300 CNAME @',
  'autodiscover 300 CNAME outlook.elsewhere.test.',
  '_dmarc 300 TXT "v=DMARC1; p=reject; rua=mailto:them@elsewhere.test"',
  '_sip._tls 300 SRV 100 1 443 sip.elsewhere.test.',
  '* 300 TXT "wildcard"',
];
const OWN_SPF = '@ 300 TXT "v=spf1 include:_spf.elsewhere.test -all"';
const PROVIDERS: ProviderName[] = ['cloudflare', 'ovh', 'gandi'];

let world: DnsWorld;
/** Tests that mostly wait; they run in parallel. */
let hanging: { router: Router; done: Promise<Finished> };

beforeAll(async () => {
  const zones = PROVIDERS.flatMap((name) => [
    [`${name}-empty.test.`, { records: [] }],
    [`${name}-full.test.`, { records: FOREIGN }],
    [`${name}-spf.test.`, { records: [OWN_SPF] }],
    [`${name}-both.test.`, { records: [...FOREIGN, OWN_SPF] }],
    [`${name}-undo.test.`, { records: [OWN_SPF] }],
    [`${name}-lie.test.`, { records: [OWN_SPF] }],
    [`${name}-move.test.`, { records: [] }],
  ]);
  const others = {
    'hang.test.': { records: [] },
    'refuse.test.': { records: [] },
    'garbage.test.': { records: [] },
    'two.test.': { records: ['@ 300 TXT "v=spf1 a -all"', '@ 300 TXT "v=spf1 mx ?all"'] },
    'split.test.': { records: ['@ 300 MX 5 a.elsewhere.test.'], elsewhere: ['@ 300 TXT "else"'] },
    'down.test.': { records: [] },
    'sub.test.': { records: ['news 300 CNAME www.elsewhere.test.'] },
    'nullmx.test.': { records: ['@ 300 MX 0 .'] },
    'rival.test.': { records: ['mail 300 A 192.0.2.99'] },
    'quote.test.': { records: [`@ 300 TXT "v=spf1 exists:it's.test -all"`] },
    'update.test.': { records: [...FOREIGN, OWN_SPF] },
    'old.test.': { records: ['@ 300 MX 20 old.elsewhere.test.'] },
  };
  world = await startDnsWorld({ ...Object.fromEntries(zones), ...others });
  const router = await newRouter('hang.test');
  hanging = { router, done: router.mailctl('dns-setup --yes', { DNSCTL_FAULT: 'hang' }) };
});

afterAll(() => world.down());

const SETUP = 'dns-setup --yes --wait 30';

async function newRouter(domain: string, provider: ProviderName = 'cloudflare'): Promise<Router> {
  return world.router({ domain, provider });
}

/** The zone without the lines of `names`, and the added and removed lines. */
async function difference(zone: string, before: readonly string[]) {
  const after = await world.zone(zone);
  return {
    gone: before.filter((line) => !after.includes(line)),
    come: after.filter((line) => !before.includes(line)),
  };
}

describe.each(PROVIDERS)('with dnsctl and the API of %s', (provider) => {
  test('an empty zone gets every record, and a second run is a no-op', async () => {
    const domain = `${provider}-empty.test`;
    const router = await newRouter(domain, provider);

    const { status, stdout } = await router.mailctl(SETUP);

    expect(stdout).toBe('published 12 record sets; every authoritative server shows them\n');
    expect(status).toBe(0);
    const zone = await world.zone(`${domain}.`);
    expect(zone).toContain(`mail.${domain}. 3600 IN CAA 0 issue "letsencrypt.org"`);
    expect(zone.filter((line) => /autoconfig|autodiscover/.test(line))).toEqual([]);
    expect(zone).toContain(`${domain}. 3600 IN TXT "v=spf1 mx a:mail.${domain} ~all"`);
    expect(zone).toContain(`${domain}. 3600 IN MX 10 mail.${domain}.`);
    const calls = (await router.calls()).length;

    const again = await router.mailctl('dns-setup --yes');

    expect(again).toMatchObject({ status: 0, stdout: 'nothing to change\n' });
    expect(await router.calls()).toHaveLength(calls);
    expect(await world.zone(`${domain}.`)).toEqual(zone);
  });

  test('a dry run shows the records and makes no changing call', async () => {
    const router = await newRouter(`${provider}-spf.test`, provider);
    const before = await world.zone(`${provider}-spf.test.`);

    const { status, stdout } = await router.mailctl('dns-setup --dry-run');

    expect(status).toBe(0);
    expect(stdout).toContain('- ');
    expect(stdout).toContain(
      `"v=spf1 include:_spf.elsewhere.test mx a:mail.${provider}-spf.test -all"`,
    );
    expect(await router.calls()).toEqual([]);
    expect(await world.zone(`${provider}-spf.test.`)).toEqual(before);
  });

  test('a single SPF record is merged, not duplicated', async () => {
    const domain = `${provider}-spf.test`;
    const router = await newRouter(domain, provider);

    expect((await router.mailctl(SETUP)).status).toBe(0);

    const texts = (await world.zone(`${domain}.`)).filter((line) => line.includes('v=spf1'));
    expect(texts).toEqual([
      `${domain}. 300 IN TXT "v=spf1 include:_spf.elsewhere.test mx a:mail.${domain} -all"`,
    ]);
    expect((await router.mailctl(SETUP)).stdout).toBe('nothing to change\n');
  });

  test('an SPF record among foreign records is merged, and no other record changes', async () => {
    const domain = `${provider}-both.test`;
    const router = await newRouter(domain, provider);
    const before = await world.zone(`${domain}.`);

    expect((await router.mailctl(SETUP)).status).toBe(0);

    const { gone, come } = await difference(`${domain}.`, before);
    expect(gone).toEqual([`${domain}. 300 IN TXT "v=spf1 include:_spf.elsewhere.test -all"`]);
    expect(come).toContain(
      `${domain}. 300 IN TXT "v=spf1 include:_spf.elsewhere.test mx a:mail.${domain} -all"`,
    );
    expect((await router.mailctl('dns-setup --undo --yes --wait 30')).status).toBe(0);
    expect(await difference(`${domain}.`, before)).toEqual({ gone: [], come: [] });
  });

  test('undo restores the zone, including the foreign SPF record', async () => {
    const domain = `${provider}-undo.test`;
    const router = await newRouter(domain, provider);
    const before = await world.zone(`${domain}.`);
    expect((await router.mailctl(SETUP)).status).toBe(0);

    const { status, stdout } = await router.mailctl('dns-setup --undo --yes --wait 30');

    expect({ status, stdout }).toMatchObject({ status: 0 });
    expect(await difference(`${domain}.`, before)).toEqual({ gone: [], come: [] });
    expect((await router.mailctl('dns-setup --undo --yes')).stdout).toBe('nothing to change\n');
  });

  test('a new public address replaces our old one', async () => {
    const domain = `${provider}-move.test`;
    const router = await newRouter(domain, provider);
    expect((await router.mailctl(SETUP)).status).toBe(0);
    await router.configure(["list public_address '192.0.2.26'"]);

    expect((await router.mailctl(SETUP)).status).toBe(0);

    const addresses = (await world.zone(`${domain}.`)).filter((line) => / A /.test(line));
    expect(addresses).toEqual([`mail.${domain}. 3600 IN A 192.0.2.26`]);
  });

  test('a dnsctl that reports success without a change is detected, and the API makes the change', async () => {
    const domain = `${provider}-lie.test`;
    const router = await newRouter(domain, provider);

    const { status, stderr } = await router.mailctl(SETUP, { DNSCTL_FAULT: 'lie' });

    expect(status).toBe(0);
    expect(stderr).toContain(`no server shows mail.${domain} A: retrying`);
    expect(await world.zone(`${domain}.`)).toContain(`mail.${domain}. 3600 IN A 192.0.2.25`);
  });
});

describe.each(PROVIDERS)('in a zone with foreign records, at %s', (provider) => {
  test('each foreign record stays, byte for byte', async () => {
    const domain = `${provider}-full.test`;
    const router = await newRouter(domain, provider);
    const before = await world.zone(`${domain}.`);

    const { status, stderr } = await router.mailctl(SETUP);

    expect({ status, stderr }).toMatchObject({ status: 0 });
    const { gone, come } = await difference(`${domain}.`, before);
    expect(gone).toEqual([]);
    expect(come).toContain(`${domain}. 300 IN TXT "v=spf1 mx a:mail.${domain} ~all"`);
    expect(come.filter((line) => line.startsWith('_dmarc.'))).toEqual([]);
    expect((await router.mailctl('dns-setup --yes')).stdout).toBe('nothing to change\n');
  });
});

test.each(['refuse', 'garbage'])('after %s from dnsctl the API takes over', async (fault) => {
  const router = await newRouter(`${fault}.test`);

  const { status, stderr } = await router.mailctl(SETUP, { DNSCTL_FAULT: fault });

  expect(status).toBe(0);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none may reach a terminal
  expect(stderr).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
});

test('a dnsctl that hangs is killed, and its command is named', async () => {
  const { router, done } = hanging;

  const { status, stderr } = await done;

  expect(status).toBe(75);
  expect(stderr).toContain('error: mail.hang.test A: dnsctl did not finish within 60 s');
  expect(await router.calls()).toHaveLength(1);
}, 100_000);

test('a zone that is not in the account is refused before any change', async () => {
  const router = await world.router({ domain: 'down.test', zone: 'another.test' });

  const { status, stderr } = await router.mailctl(SETUP);

  expect(status).toBe(65);
  expect(stderr).toContain(
    'down.test is in the zone down.test, which is not in the account at cloudflare',
  );
  expect(await router.calls()).toEqual([]);
});

test('an unregistered domain is refused', async () => {
  const router = await newRouter('nobody.test');

  const { status, stderr } = await router.mailctl(SETUP);

  expect(status).toBe(65);
  expect(stderr).toContain('nobody.test is not delegated: no such name in the zone .test');
});

test.each([
  ['two.test', 'two.test has 2 SPF records', '"v=spf1 a mx a:mail.two.test -all"'],
  ['nullmx.test', 'has a null MX: it accepts no mail', 'remove   nullmx.test. 300 IN MX 0 .'],
  [
    'rival.test',
    'mail.rival.test A is 192.0.2.99: this foreign record conflicts',
    'remove   mail.rival.test. 300 IN A 192.0.2.99',
  ],
])('%s stops the setup: %s', async (domain, reason, step) => {
  const router = await newRouter(domain);
  const before = await world.zone(`${domain}.`);

  const { status, stderr } = await router.mailctl(SETUP);

  expect(status).toBe(1);
  expect(stderr).toContain(reason);
  expect(stderr).toContain(step);
  expect(await router.calls()).toEqual([]);
  expect(await world.zone(`${domain}.`)).toEqual(before);
});

test('a value with a single quote is sent by the API', async () => {
  const router = await newRouter('quote.test');

  expect((await router.mailctl(SETUP)).status).toBe(0);

  expect(await world.zone('quote.test.')).toContain(
    `quote.test. 300 IN TXT "v=spf1 exists:it's.test mx a:mail.quote.test -all"`,
  );
});

test('a mail domain that is an alias is explained', async () => {
  const router = await world.router({ domain: 'news.sub.test', zone: 'sub.test' });

  const { status, stderr } = await router.mailctl(SETUP);

  expect(status).toBe(1);
  expect(stderr).toContain('news.sub.test is a CNAME of www.elsewhere.test.');
});

test('a foreign MX record of the domain is kept and reported', async () => {
  const router = await newRouter('old.test');

  const { status, stderr } = await router.mailctl(SETUP);

  expect(status).toBe(0);
  expect(stderr).toContain(
    'warning: old.test MX also has 20 old.elsewhere.test.: senders deliver mail there',
  );
  expect(await world.zone('old.test.')).toContain('old.test. 300 IN MX 20 old.elsewhere.test.');
});

test('servers with different answers stop the setup with status 75', async () => {
  const router = await newRouter('split.test');

  const { status, stderr } = await router.mailctl(SETUP);

  expect(status).toBe(75);
  expect(stderr).toContain('the servers of split.test do not agree on split.test');
  expect(await router.calls()).toEqual([]);
});

test('a server that is down is named, and the setup completes when it is up again', async () => {
  const router = await newRouter('down.test');
  world.signalSecondary('SIGSTOP');
  try {
    const { status, stderr } = await router.mailctl('dns-setup --yes --wait 1');

    expect(status).toBe(75);
    expect(stderr).toContain(
      'visible at 1 of 2 servers (ns2.nic.test (127.53.0.2) does not answer)',
    );
  } finally {
    world.signalSecondary('SIGCONT');
  }
  expect((await router.mailctl('dns-setup --yes --wait 30')).status).toBe(0);
}, 120_000);

test('without a terminal and without --yes nothing is published', async () => {
  const router = await newRouter('hang.test');

  const { status, stderr } = await router.mailctl('dns-setup');

  expect(status).toBe(64);
  expect(stderr).toContain('hint: repeat with --yes');
});

test('an own server is updated with TSIG in one transaction, including an SPF record among foreign records', async () => {
  const router = await world.router({ domain: 'update.test', dns: rfc2136() });
  const before = await world.zone('update.test.');

  const { status, stderr } = await router.mailctl(SETUP);

  expect({ status, stderr }).toMatchObject({ status: 0 });
  expect(stderr).not.toContain(TSIG.secret);
  const { gone, come } = await difference('update.test.', before);
  expect(gone).toEqual(['update.test. 300 IN TXT "v=spf1 include:_spf.elsewhere.test -all"']);
  expect(come).toContain(
    'update.test. 300 IN TXT "v=spf1 include:_spf.elsewhere.test mx a:mail.update.test -all"',
  );
  expect((await router.mailctl(SETUP)).stdout).toBe('nothing to change\n');

  expect((await router.mailctl('dns-setup --undo --yes --wait 30')).status).toBe(0);
  expect(await difference('update.test.', before)).toEqual({ gone: [], come: [] });
});

test('an own server that refuses the key is quoted, without the key', async () => {
  const wrong = 'd3JvbmctLXdyb25nLS13cm9uZy0td3JvbmctLTMyYiE=';
  const router = await world.router({ domain: 'update.test', dns: rfc2136(wrong) });

  const { status, stderr } = await router.mailctl(SETUP);

  expect(status).toBe(69);
  expect(stderr).toMatch(/nsupdate ended with status \d: [\s\S]*(BADSIG|BADKEY|REFUSED|NOTAUTH)/);
  expect(stderr).not.toContain(wrong);
});

function rfc2136(secret: string = TSIG.secret): string[] {
  return [
    "list public_address '192.0.2.25'",
    "option provider 'rfc2136'",
    `option server '${PRIMARY}'`,
    `option tsig_name '${TSIG.name}'`,
    `option tsig_secret '${secret}'`,
  ];
}
