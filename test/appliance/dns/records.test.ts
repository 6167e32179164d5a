import { expect, test } from 'bun:test';
import type { MailDomain } from '../../../src/appliance/address.ts';
import { readEvidence } from '../../../src/appliance/dns/check/port.ts';
import { caaIdentity } from '../../../src/appliance/dns/facts.ts';
import { mtaStsPolicy } from '../../../src/appliance/dns/mta-sts.ts';
import { type RecordFacts, wantedRecords } from '../../../src/appliance/dns/records.ts';
import { formatZone } from '../../../src/appliance/dns/zone-text.ts';
import { checkSettings } from '../../../src/appliance/settings/check-settings.ts';

function facts(lines: string[] = [], more: Partial<RecordFacts> = {}): RecordFacts {
  const { settings, problems } = checkSettings(
    ["config mailserver 'main'", ...lines, ''].join('\n'),
    'f',
  );
  if (settings === null) throw new Error(problems[0]?.message);
  return {
    settings,
    domains: ['example.com' as MailDomain],
    addresses: { ipv4: ['192.0.2.1'], ipv6: ['2001:db8::1'], source: 'UCI', unfit: [] },
    dkim: [],
    keyDigests: ['ab'.repeat(32)],
    caaIdentity: 'letsencrypt.org',
    ...more,
  };
}

const lines = (of: RecordFacts) =>
  wantedRecords(of).map(({ name, type, value }) => `${name} ${type} ${value}`);

test('by default a domain gets the records of the table, and none for disabled services', () => {
  expect(lines(facts())).toEqual([
    'mail.example.com A 192.0.2.1',
    'mail.example.com AAAA 2001:db8::1',
    'mail.example.com CAA 0 issue "letsencrypt.org"',
    ...[25, 587, 465].map((port) => `_${port}._tcp.mail.example.com TLSA 3 1 1 ${'ab'.repeat(32)}`),
    'example.com MX 10 mail.example.com.',
    'example.com TXT v=spf1 mx a:mail.example.com ~all',
    '_dmarc.example.com TXT v=DMARC1; p=none; rua=mailto:postmaster@example.com',
    '_imaps._tcp.example.com SRV 0 1 993 mail.example.com.',
    '_imap._tcp.example.com SRV 10 1 143 mail.example.com.',
    '_submissions._tcp.example.com SRV 0 1 465 mail.example.com.',
    '_submission._tcp.example.com SRV 10 1 587 mail.example.com.',
    '_pop3s._tcp.example.com SRV 20 1 995 mail.example.com.',
    '_smtp._tls.example.com TXT v=TLSRPTv1; rua=mailto:postmaster@example.com',
  ]);
});

test('with web.enabled mail programs find their settings by name', () => {
  const found = lines(facts(["config web 'web'", "\toption enabled '1'"]));

  expect(found).toContain('autoconfig.example.com CNAME mail.example.com.');
  expect(found).toContain('autodiscover.example.com CNAME mail.example.com.');
  expect(found).toContain('_autodiscover._tcp.example.com SRV 0 1 443 mail.example.com.');
});

test('UCI options set SPF, DMARC and MTA-STS, and a disabled service has no record', () => {
  const found = lines(
    facts([
      ...["config ports 'ports'", "\toption pop3s '0'"],
      ...["config dns 'dns'", "\toption spf 'v=spf1 a:{hostname} include:{domain} -all'"],
      "\toption dmarc_policy 'reject'",
      ...["\toption mta_sts 'enforce'", "\toption tls_rpt '0'", "\toption caa '0'"],
    ]),
  );

  expect(found).toContain('example.com TXT v=spf1 a:mail.example.com include:example.com -all');
  expect(found).toContain(
    '_dmarc.example.com TXT v=DMARC1; p=reject; rua=mailto:postmaster@example.com',
  );
  expect(
    found.some((line) => /^_mta-sts\.example\.com TXT v=STSv1; id=[0-9a-f]{20}$/.test(line)),
  ).toBe(true);
  expect(found).toContain('mta-sts.example.com CNAME mail.example.com.');
  for (const absent of ['_pop3s', '_smtp._tls', ' CAA ']) {
    expect(found.filter((line) => line.includes(absent))).toEqual([]);
  }
});

test('the MTA-STS policy names the host, and its id changes with its text', () => {
  const testing = facts(["config dns 'dns'", "\toption mta_sts 'testing'"]);
  const enforce = facts(["config dns 'dns'", "\toption mta_sts 'enforce'"]);
  const idOf = (of: RecordFacts) => lines(of).find((line) => line.startsWith('_mta-sts'));

  expect(mtaStsPolicy(enforce.settings)).toBe(
    'version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmax_age: 604800\r\n',
  );
  expect(mtaStsPolicy(facts().settings)).toBeNull();
  expect(idOf(testing)).not.toBe(idOf(enforce));
});

test.each([
  ['https://acme-v02.api.letsencrypt.org/directory', 'letsencrypt.org'],
  ['https://acme-staging-v02.api.letsencrypt.org/directory', 'letsencrypt.org'],
  ['https://dv.acme-v02.api.pki.goog/directory', 'pki.goog'],
  ['https://acme.zerossl.com/v2/DV90', 'sectigo.com'],
  ['https://evil-letsencrypt.org/directory', null],
  ['https://ca.home.example/directory', null],
])('the CA at %s calls itself %p in CAA records', (directory, identity) => {
  expect(caaIdentity(directory)).toBe(identity);
});

test('the zone fragment comments out DANE records', () => {
  const zone = formatZone(facts());

  expect(zone).toContain('mail.example.com. 3600 IN A 192.0.2.1');
  expect(zone.filter((line) => line.includes(' TLSA ')).every((line) => line.startsWith(';'))).toBe(
    true,
  );
});

test('port 25 is judged by log lines with public addresses', () => {
  const smtpd = (address: string) => `postfix/smtp-in/smtpd[7]: connect from unknown[${address}]`;
  const sent =
    'postfix/smtp[9]: AB: to=<a@b.c>, relay=mx.b.c[198.51.100.7]:25, delay=1, status=sent (250 ok)';
  const blocked = 'postfix/smtp[9]: connect to mx.b.c[198.51.100.8]:25: Connection timed out';

  expect(readEvidence([smtpd('192.168.1.2'), smtpd('127.0.0.1')]).came).toBeNull();
  expect(readEvidence([smtpd('198.51.100.9'), sent, blocked])).toEqual({
    came: '198.51.100.9',
    sent: '198.51.100.7',
    blocked: '198.51.100.8',
  });
});
