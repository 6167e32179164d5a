import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkSettings, defaultSettings } from '../../../src/appliance/settings/check-settings.ts';
import { formatOptionsPage, formatShippedFile } from '../../../src/appliance/settings/documents.ts';
import * as kinds from '../../../src/appliance/settings/kinds.ts';
import * as names from '../../../src/appliance/settings/names.ts';
import * as networks from '../../../src/appliance/settings/networks.ts';
import type { Kind } from '../../../src/appliance/settings/option.ts';
import { OPTIONS } from '../../../src/appliance/settings/options.ts';
import { RELAY } from '../../../src/appliance/settings/relay-section.ts';
import { senderOrNetwork } from '../../../src/appliance/settings/senders.ts';
import { parseIp } from '../../../src/host/ip.ts';

const ROOT = join(import.meta.dir, '../../..');

test.each([
  ['files/etc/config/mailserver', formatShippedFile(OPTIONS)],
  ['docs/options.md', formatOptionsPage({ ...OPTIONS, NAME: RELAY })],
])('%s is up to date with `npx bun scripts/generate-config.ts`', (path, expected) => {
  expect(readFileSync(join(ROOT, path), 'utf8')).toBe(expected);
});

test('the shipped file is valid and gives the defaults', () => {
  const { settings, problems } = checkSettings(formatShippedFile(OPTIONS), 'f');

  expect(problems).toEqual([]);
  expect(settings).toEqual(defaultSettings());
});

// Installed UCI files depend on these names and defaults: do not change them
test.each([
  ['main', 'mailserver', 'enabled=0 hostname=mail domain=example.com postmaster=postmaster'],
  ['main', 'mailserver', 'data_path=/srv/mailserver container=mailserver'],
  ['ports', 'ports', 'smtp=25 submission=587 smtps=465 imap=143 imaps=993 pop3=110 pop3s=995'],
  ['ports', 'ports', 'sieve=4190'],
  ['features', 'features', 'spam_filter=1 virus_scan=0 dkim=1 spf=1 dmarc=1 fail2ban=1 quota=0'],
  ['features', 'features', 'quota_default=1G'],
  ['ssl', 'ssl', 'type=letsencrypt cert_path= key_path='],
  ['webmail', 'webmail', 'enabled=1 container=secubox-webmail port=8026'],
  ['mesh', 'mesh', 'enabled=0 backup_peers= sync_interval=3600'],
])('section %s of type %s keeps its names and defaults: %s', (name, type, defaults) => {
  const section = new Map(Object.entries(OPTIONS)).get(name as keyof typeof OPTIONS);
  expect(section?.type).toBe(type);
  const options = new Map(Object.entries(section?.options ?? {}));
  for (const [option = '', value = ''] of defaults.split(' ').map((pair) => pair.split('='))) {
    expect(options.get(option)?.default).toBe(value);
  }
});

const ACCEPTED: [string, Kind<unknown>, string, unknown][] = [
  ...['1', 'yes', 'on', 'true', 'enabled'].map((text): [string, Kind<unknown>, string, unknown] => [
    'boolean',
    kinds.boolean(),
    text,
    true,
  ]),
  ...['0', 'no', 'off', 'false', 'disabled'].map(
    (text): [string, Kind<unknown>, string, unknown] => ['boolean', kinds.boolean(), text, false],
  ),
  ...[
    ['Bob+x@Example.ORG', 'address', 'bob+x@example.org'],
    ['Bücher.example', 'domain', 'xn--bcher-kva.example'],
    ['192.0.2.7', 'network', '192.0.2.7'],
    ['192.0.2.7/24', 'network', '192.0.2.0/24'],
    ['2001:DB8::7/32', 'network', '2001:db8::/32'],
    ['::1.2.3.4/128', 'network', '::102:304/128'],
  ].map(([text = '', kind, value]): [string, Kind<unknown>, string, unknown] => [
    'senderOrNetwork',
    senderOrNetwork(),
    text,
    { kind, text: value },
  ]),
  ['integer', kinds.integer(1, 10), '10', 10],
  ['decimal', kinds.decimal(0, 10), '4.5', 4.5],
  ['port or off', kinds.orOff(kinds.port()), '65535', 65535],
  ['port or off', kinds.orOff(kinds.port()), '0', null],
  ['size', kinds.size('1M', '1T'), '1048576', 1_048_576],
  ['size', kinds.size('1M', '1T'), '512M', 536_870_912],
  ['size', kinds.size('1M', '1T'), '2g', 2_147_483_648],
  ['duration', kinds.duration('1m', '1w'), '3600', 3600],
  ['duration', kinds.duration('1m', '1w'), '90s', 90],
  ['duration', kinds.duration('1m', '1w'), '4h', 14_400],
  ['duration', kinds.duration('1m', '1w'), '1w', 604_800],
  ['oneOf', kinds.oneOf('a', 'b'), 'b', 'b'],
  ['secret', kinds.secret(), 'a b:"\'\\$', 'a b:"\'\\$'],
  ['optional', kinds.optional(kinds.port()), '', null],
  ['domain', names.domain(), 'Example.COM', 'example.com'],
  ['domain', names.domain(), 'bücher.example', 'xn--bcher-kva.example'],
  ['hostname', names.hostname(), 'mail', 'mail'],
  ['hostname', names.hostname(), 'MX1.example.com', 'mx1.example.com'],
  ['recipient', names.recipient(), 'Postmaster', 'postmaster'],
  ['recipient', names.recipient(), 'me@example.org', 'me@example.org'],
  ['path', names.path(), '/srv/a-b_c.d/', '/srv/a-b_c.d'],
  ['ownFolder', names.ownFolder(), '/srv/mailserver', '/srv/mailserver'],
  [
    'fileOrUrl',
    names.fileOrUrl(),
    'https://mail.example/i.squashfs?x=1',
    'https://mail.example/i.squashfs?x=1',
  ],
  ['fileOrUrl', names.fileOrUrl(), '/tmp/image.squashfs', '/tmp/image.squashfs'],
  ['containerName', names.containerName(), 'mail-1', 'mail-1'],
  ['interfaceName', names.interfaceName(), 'br-lan.10', 'br-lan.10'],
  ['peer', names.peer(), 'sb-aa:bb:cc:00:11:22', 'sb-aa:bb:cc:00:11:22'],
  ['peer', names.peer(), 'f'.repeat(64), 'f'.repeat(64)],
  ['peer', names.peer(), 'file:///mnt/usb/mail/', 'file:///mnt/usb/mail'],
  ['peer', names.peer(), 's3://my-bucket/box/1', 's3://my-bucket/box/1'],
  ['loginName', names.loginName(), 'me@example.net', 'me@example.net'],
  ['nexthop', names.nexthop(), 'smtp.example.net', 'smtp.example.net'],
  ['nexthop', names.nexthop(), '[smtp.example.net]:587', '[smtp.example.net]:587'],
  ['nexthop', names.nexthop(), '[192.0.2.1]', '[192.0.2.1]'],
  ['nexthop', names.nexthop(), '[ipv6:2001:db8::1]:587', '[ipv6:2001:db8::1]:587'],
  ['ipAddress', networks.ipAddress(), '192.0.2.1', '192.0.2.1'],
  ['ipAddress', networks.ipAddress(), '2001:db8::1', '2001:db8::1'],
  ['hostCidr', networks.hostCidr(4), '192.0.2.25/24', '192.0.2.25/24'],
  ['hostCidr', networks.hostCidr(4), '192.0.2.25/32', '192.0.2.25/32'],
  ['hostCidr', networks.hostCidr(6), 'fd00::25/64', 'fd00::25/64'],
  ['ipNetwork', networks.ipNetwork(), '10.0.0.0/8', '10.0.0.0/8'],
  ['ipNetwork', networks.ipNetwork(), '127.0.0.1', '127.0.0.1'],
];

test.each(ACCEPTED.map(([name, kind, text, expected]) => [name, text, expected, kind] as const))(
  '%s reads %j as %p',
  (_name, text, expected, kind) => {
    expect(kind.parse(text)).toEqual(expected);
  },
);

const HOSTILE = [
  '',
  ' ',
  'a b',
  '$(id)',
  '`id`',
  '%s',
  '{{x}}',
  "a'b",
  'a"b',
  'a\\b',
  'a;b',
  '../x',
  'é\u202e',
];

const REFUSED: [string, Kind<unknown>, string[]][] = [
  ['boolean', kinds.boolean(), ['2', 'TRUE', 'y', ...HOSTILE]],
  ['integer', kinds.integer(1, 10), ['0', '11', '-1', '+5', '05', '1e0', '0x5', '5.0', ...HOSTILE]],
  ['decimal', kinds.decimal(0, 10), ['-1', '10.1', '1.', '.5', '1,5', 'NaN', ...HOSTILE]],
  ['port', kinds.orOff(kinds.port()), ['65536', '00', '-0', '99999', 'smtp', ...HOSTILE]],
  ['size', kinds.size('1M', '1T'), ['1', '2T', '0M', '1.5G', '1GB', '1 G', 'G', ...HOSTILE]],
  ['duration', kinds.duration('1m', '1w'), ['59', '2w', '1h30m', '1 h', '4H', 'h', ...HOSTILE]],
  ['oneOf', kinds.oneOf('manual'), ['Manual', 'manua', ...HOSTILE]],
  ['secret', kinds.secret(), ['', ' a', 'a ', 'ä', 'a\tb', 'x'.repeat(257)]],
  [
    'domain',
    names.domain(),
    ['example', '.example.com', 'a..b', '-a.example', '1.2.3.4', 'a_b.example', ...HOSTILE],
  ],
  ['hostname', names.hostname(), ['-mail', 'mail-', 'mail.', 'a_b', 'x'.repeat(64), ...HOSTILE]],
  ['recipient', names.recipient(), ['a@b', '@example.com', '.a', 'a@b@c', ...HOSTILE]],
  [
    'path',
    names.path(),
    ['srv', '/', '/a//b', '/a/../b', '/a/.', '/a b', `/${'x'.repeat(200)}`, ...HOSTILE],
  ],
  [
    'ownFolder',
    names.ownFolder(),
    ['/', '/etc', '/srv/', '/usr', '/proc/1', '/dev/shm', ...HOSTILE],
  ],
  [
    'fileOrUrl',
    names.fileOrUrl(),
    ['ftp://a/b', 'https://', 'https://a', 'https://a/b c', 'https://u:p@a/b', ...HOSTILE],
  ],
  ['containerName', names.containerName(), ['-a', '.', '..', 'a/b', 'x'.repeat(64), ...HOSTILE]],
  ['interfaceName', names.interfaceName(), ['.', '..', 'a/b', 'x'.repeat(16), ...HOSTILE]],
  [
    'peer',
    names.peer(),
    [
      '-a',
      'a/b',
      'x'.repeat(65),
      'file://host/a',
      'file:///../etc',
      's3://B',
      's3://b/..//',
      ...HOSTILE,
    ],
  ],
  [
    'loginName',
    names.loginName(),
    ['a:b', 'ä', ...HOSTILE.filter((text) => /^$|\s|[^ -~]/.test(text))],
  ],
  [
    'nexthop',
    names.nexthop(),
    [
      '[a.example',
      'a.example]',
      'a.example:0',
      'a.example:65536',
      '192.0.2.1',
      'a.example:smtp',
      ...HOSTILE,
    ],
  ],
  [
    'ipAddress',
    networks.ipAddress(),
    [
      '256.0.0.1',
      '1.2.3',
      '01.2.3.4',
      '0.0.0.0',
      '127.0.0.1',
      '224.0.0.1',
      '::',
      '::1',
      'ff02::1',
      ':::',
      '1::2::3',
      'fe80::1%eth0',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '::12345',
      ...HOSTILE,
    ],
  ],
  ['ipAddress 4', networks.ipAddress(4), ['2001:db8::1']],
  [
    'hostCidr',
    networks.hostCidr(4),
    [
      '192.0.2.25',
      '192.0.2.0/24',
      '192.0.2.255/24',
      '192.0.2.25/33',
      '192.0.2.25/0',
      '192.0.2.25/024',
      '192.0.2.25/',
      ...HOSTILE,
    ],
  ],
  [
    'hostCidr 6',
    networks.hostCidr(6),
    ['2001:db8::/64', '192.0.2.25/24', 'fd00::1/129', ...HOSTILE],
  ],
  [
    'senderOrNetwork',
    senderOrNetwork(),
    ['example', '@example.org', 'a=b@example.org', 'a{b@example.org', '192.0.2.0/33', ...HOSTILE],
  ],
  ['ipNetwork', networks.ipNetwork(), ['10.0.0.0/', '10.0.0/8', 'lan', ...HOSTILE]],
  [
    'destination',
    networks.destination(),
    [
      ...['192.0.2.25', '192.0.2.25:0', '192.0.2.25:65536', '192.0.2.25:025', '192.0.2.25:25/sctp'],
      ...['*', '**:25', 'mail.example:25', ':25', '0.0.0.0/0:25', '127.0.0.1:25', '224.0.0.1:25'],
      ...[
        '192.0.2.0/33:25',
        '2001:db8::1:25',
        '[192.0.2.1]:25',
        '[::1]:25',
        '[ff02::1]:25',
        '[]:25',
      ],
      ...HOSTILE,
    ],
  ],
];

test.each([
  ['192.168.1.5:25', '192.168.1.5', 'tcp', 25],
  ['192.168.1.0/24:25/tcp', '192.168.1.0/24', 'tcp', 25],
  ['[FD00::5]:853/UDP', 'fd00::5', 'udp', 853],
  ['[fd00::/64]:25', 'fd00::/64', 'tcp', 25],
  ['*:443', null, 'tcp', 443],
] as const)('destination reads %j', (text, to, protocol, port) => {
  expect(networks.destination().parse(text)).toEqual({ to, protocol, port });
});

describe.each(REFUSED)('%s', (_name, kind, texts) => {
  test.each([...texts, 'a\nb', '1\n', 'a\0', '\u2028'])('refuses %j', (text) => {
    expect(kind.parse(text)).toBeUndefined();
  });
});

test.each([
  ['::', 0n],
  ['::1', 1n],
  ['1::', 1n << 112n],
  ['2001:DB8::ff', 0x20010db80000000000000000000000ffn],
  ['::ffff:192.0.2.1', 0xffffc0000201n],
  ['1:2:3:4:5:6:7:8', 0x00010002000300040005000600070008n],
])('the IPv6 address %s is read as a number', (text, value) => {
  const ip = parseIp(text);
  const digits = ip?.address.toByteArray().map((byte) => byte.toString(16).padStart(2, '0'));

  expect(ip?.version).toBe(6);
  expect(BigInt(`0x${digits?.join('')}`)).toBe(value);
});
