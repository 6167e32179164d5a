// dns-setup and dns-check up to the first DNS query.

import { afterAll, expect, test } from 'bun:test';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROJECT = join(import.meta.dir, '../..');
const folder = mkdtempSync(join(tmpdir(), 'mailctl-dns-'));
afterAll(() => rmSync(folder, { recursive: true }));

let routers = 0;

interface Given {
  readonly dns?: readonly string[];
  readonly programs?: Readonly<Record<string, string>>;
  /** Text of /etc/config/dns-provider. */
  readonly provider?: string;
}

function createRouter({ dns = [], programs = {}, provider }: Given) {
  routers += 1;
  const root = join(folder, String(routers));
  const keys = join(root, 'srv/mailserver/dkim/example.com');
  for (const path of [join(root, 'etc/config'), join(root, 'bin'), keys]) {
    mkdirSync(path, { recursive: true });
  }
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(join(keys, 'mail.private'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const uci = ["config mailserver 'main'", "config dns 'dns'", ...dns.map((line) => `\t${line}`)];
  writeFileSync(join(root, 'etc/config/mailserver'), `${uci.join('\n')}\n`);
  if (provider !== undefined) writeFileSync(join(root, 'etc/config/dns-provider'), provider);
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(root, 'bin', name), text);
    chmodSync(join(root, 'bin', name), 0o755);
  }
  return (line: string) => {
    const { exitCode, stdout, stderr } = Bun.spawnSync(
      [process.execPath, join(PROJECT, 'src/mailctl/main.ts'), ...line.split(' ')],
      { env: { MAILCTL_ROOT: root, PATH: `${join(root, 'bin')}:/usr/bin:/bin` } },
    );
    return { status: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
  };
}

const FIXED = ["list public_address '192.0.2.25'", "list public_address '2001:0db8::25'"];

function ubus(status: object): Record<string, string> {
  return {
    ubus: `#!/bin/sh\n[ "$*" = "call network.interface.wan status" ] || exit 4\ncat <<'EOF'\n${JSON.stringify(status)}\nEOF\n`,
  };
}

test('dns-setup without dnsctl names it and the command for publishing by hand', () => {
  const mailctl = createRouter({ dns: FIXED });

  const { status, stderr } = mailctl('dns-setup --yes');

  expect(status).toBe(69);
  expect(stderr).toContain('error: dnsctl is not installed: cannot publish records');
  expect(stderr).toContain('hint: mailctl dns-setup --zone');
});

test('dns-setup --zone prints a zone fragment without a DNS query', () => {
  const mailctl = createRouter({ dns: FIXED });

  const { status, stdout } = mailctl('dns-setup --zone');

  expect(status).toBe(0);
  expect(stdout).toContain('\nmail.example.com. 3600 IN AAAA 2001:db8::25\n');
  expect(stdout).toContain('\nexample.com. 3600 IN MX 10 mail.example.com.\n');
  expect(stdout).toMatch(/\nmail\._domainkey\.example\.com\. 3600 IN TXT "[^"]{255}" "[^"]+"\n/);
});

test('dns-setup --zone --json gives the records as data', () => {
  const { stdout } = createRouter({ dns: FIXED })('dns-setup --zone --json');

  expect(JSON.parse(stdout)).toMatchObject({
    v: 1,
    records: expect.arrayContaining([
      {
        name: 'example.com',
        type: 'MX',
        ttl: 3600,
        value: '10 mail.example.com.',
        purpose: 'MX',
        needs_dnssec: false,
      },
    ]),
  });
});

test('the public address comes from the WAN interface', () => {
  const wan = { up: true, 'ipv4-address': [{ address: '198.51.100.4', mask: 24 }] };
  const mailctl = createRouter({ programs: ubus(wan) });

  expect(mailctl('dns-setup --zone').stdout).toContain(
    '\nmail.example.com. 3600 IN A 198.51.100.4\n',
  );
});

test.each([
  ['192.168.1.7', 'private (RFC 1918): this router is behind another one'],
  ['100.80.1.7', 'shared among customers of the provider (CGNAT'],
])('the WAN address %s is explained', (address, reason) => {
  const mailctl = createRouter({
    programs: ubus({ up: true, 'ipv4-address': [{ address, mask: 24 }] }),
  });

  const { status, stderr } = mailctl('dns-setup --zone');

  expect(status).toBe(69);
  expect(stderr).toContain(
    `no public address is known: ${address} (from the interface wan (ubus))`,
  );
  expect(stderr).toContain(reason);
  expect(stderr).toContain('hint: set mailserver.dns.public_address');
});

test.each([
  ['{"up": false}', 'the interface wan is down'],
  ['not JSON', 'ubus returned no valid JSON for the interface wan'],
])('ubus that says %p leads to a clear sentence', (text, reason) => {
  const mailctl = createRouter({ programs: { ubus: `#!/bin/sh\necho '${text}'\n` } });

  expect(mailctl('dns-setup --zone').stderr).toContain(`no public address is known: ${reason}`);
});

test.each([
  [["option provider 'rfc2136'"], "provider 'rfc2136' requires server"],
  [["option tsig_name 'key'"], 'tsig_name and tsig_secret must be set together'],
  [["option spf 'mx -all'"], 'is not an SPF record'],
])('the UCI lines %p are refused with 78', (dns, message) => {
  const { status, stderr } = createRouter({ dns })('dns-setup --zone');

  expect(status).toBe(78);
  expect(stderr).toContain(message);
});

test('with provider none, dns-setup names the command that prints the records', () => {
  const { status, stderr } = createRouter({ dns: [...FIXED, "option provider 'none'"] })(
    'dns-setup --yes',
  );

  expect(status).toBe(69);
  expect(stderr).toContain('hint: mailctl dns-setup --zone');
});

test.each([
  ['dns-setup nobody.example --zone', 67, 'nobody.example is not a mail domain here'],
  ['dns-setup --wait soon', 64, '--wait takes whole seconds, not "soon"'],
  ['dns-check exa..mple', 64, 'is not a mail domain'],
])('%s ends with %d', (line, status, message) => {
  const result = createRouter({ dns: FIXED })(line);

  expect(result.status).toBe(status);
  expect(result.stderr).toContain(message);
});

const chosen = (name: string, ...lines: string[]) =>
  `config dns_provider 'main'\n\toption provider '${name}'\n\toption zone 'example.com'\nconfig ${name} '${name}'\n${lines.join('\n')}\n`;

test.each([
  [
    'auto',
    chosen('ovh', "\toption app_key 'a'"),
    'dns-provider.ovh.app_secret, dns-provider.ovh.consumer_key not set',
  ],
  ['auto', chosen('gandi'), 'dns-provider.gandi.api_key not set'],
  [
    'auto',
    chosen('cloudflare', "\toption api_token ''"),
    'dns-provider.cloudflare.api_token not set',
  ],
  ['cloudflare', chosen('ovh'), 'dns-provider.cloudflare.api_token not set'],
  [
    'ovh',
    chosen(
      'ovh',
      ...['app_key', 'app_secret', 'consumer_key'].map((name) => `\toption ${name} 'x'`),
      "\toption endpoint 'ovh-fr'",
    ),
    'dns-provider.ovh.endpoint is not one of ovh-eu, ovh-ca, ovh-us',
  ],
])(
  'with dns.provider %s, missing or wrong credentials are named at once',
  (setting, provider, words) => {
    const mailctl = createRouter({ dns: [...FIXED, `option provider '${setting}'`], provider });

    const { status, stderr } = mailctl('dns-setup --yes');

    expect(status).toBe(69);
    expect(stderr).toContain(`error: ${words}`);
    expect(stderr).toContain('hint: correct /etc/config/dns-provider');
  },
);

test('dnsctl without a configured provider is not started', () => {
  const programs = { dnsctl: '#!/bin/sh\necho "[ERROR] No DNS provider configured."\nexit 1\n' };

  const { status, stderr } = createRouter({ dns: FIXED, programs })('dns-setup --yes');

  expect(status).toBe(69);
  expect(stderr).toContain('no DNS provider is configured: dns-provider.main.provider is not set');
});
