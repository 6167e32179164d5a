import { describe, expect, test } from 'bun:test';
import {
  checkSettings,
  defaultSettings,
  formatProblems,
} from '../../../src/appliance/settings/check-settings.ts';
import { findNearest } from '../../../src/appliance/settings/nearest.ts';

const FILE = '/etc/config/mailserver';
const MAIN = "config mailserver 'main'\n";

/** The problems of a file, as shown to the operator, without the file name. */
function problemsOf(text: string): string[] {
  const { settings, problems } = checkSettings(text, FILE);
  expect(settings === null).toBe(problems.length > 0);
  const shown = formatProblems(problems);
  return shown === '' ? [] : shown.split('\n').map((line) => line.replace(`${FILE}:`, ''));
}

function settingsOf(text: string) {
  const { settings, problems } = checkSettings(text, FILE);
  expect(problems).toEqual([]);
  return settings ?? defaultSettings();
}

test('a file with only the main section gives the defaults', () => {
  expect(settingsOf(MAIN)).toEqual(defaultSettings());
});

test('every option of the file is read', () => {
  const settings = settingsOf(`${MAIN}
	option enabled on
	option hostname mx
	option domain 'Example.ORG'
	option postmaster 'admin'
	option memory 1G
config ports 'ports'
	option pop3 0
	option smtp '2525'
config network 'network'
	option address '192.168.1.25/24'
	option gateway '192.168.1.1'
	list publish '192.0.2.1'
	list publish '2001:db8::1'
	option dns_forward '192.0.2.53 192.0.2.54'
config ssl 'ssl'
	option type manual
	option cert_path /etc/cert.pem
	option key_path /etc/key.pem
`);

  expect(settings.main).toMatchObject({
    enabled: true,
    hostname: 'mx.example.org',
    domain: 'example.org',
    postmaster: 'admin@example.org',
    memory: 2 ** 30,
  });
  expect(settings.ports).toMatchObject({ pop3: null, smtp: 2525, imap: 143 });
  expect(settings.network).toMatchObject({
    address: '192.168.1.25/24',
    publish: ['192.0.2.1', '2001:db8::1'],
    dnsForward: ['192.0.2.53', '192.0.2.54'],
  });
  expect(settings.ssl.type).toBe('manual');
});

test.each([
  ["option publish '*'", 'all'],
  ["list publish '*'", 'all'],
  ["option publish 'none'", []],
  ["option publish ''", 'all'],
  ["option publish '192.0.2.1'", ['192.0.2.1']],
])('%j selects the addresses that publish the ports', (statement, expected) => {
  const { network } = settingsOf(`${MAIN}config network 'network'\n${statement}\n`);

  expect(network.publish).toEqual(expected as never);
});

test('a hostname with a dot and a postmaster with an @ are not completed with the domain', () => {
  const { main } = settingsOf(
    `${MAIN}option hostname mx.example.net\noption postmaster me@example.org\n`,
  );

  expect(main).toMatchObject({ hostname: 'mx.example.net', postmaster: 'me@example.org' });
});

describe('a problem is reported with its line:', () => {
  test.each([
    ['', "1: mailserver.main: missing section (add: config mailserver 'main')"],
    [`${MAIN}config prots 'prots'`, "2: mailserver.prots: unknown section (did you mean 'ports'?)"],
    [`${MAIN}config x 'nothing_like_it'`, '2: mailserver.nothing_like_it: unknown section'],
    [`${MAIN}config x '__proto__'`, '2: mailserver.__proto__: unknown section'],
    [`${MAIN}config constructor 'constructor'`, '2: mailserver.constructor: unknown section'],
    [
      `${MAIN}config ports`,
      "2: mailserver.@ports: section without a name (write: config ports 'ports')",
    ],
    [`${MAIN}config other`, '2: mailserver.@other: unknown section'],
    [
      `${MAIN}config port 'ports'`,
      "2: mailserver.ports: section type 'port' where 'ports' is required",
    ],
    [`${MAIN}config ports 'ports'\n\n${MAIN}`, '4: mailserver.main: duplicate of line 1'],
    [
      `${MAIN}option hostnam x`,
      "2: mailserver.main.hostnam: unknown option (did you mean 'hostname'?)",
    ],
    [
      `${MAIN}option smtp 25`,
      "2: mailserver.main.smtp: unknown option (it belongs to section 'ports')",
    ],
    [`${MAIN}option toString 25`, '2: mailserver.main.toString: unknown option'],
    [
      `${MAIN}option hostname a\noption hostname b`,
      '3: mailserver.main.hostname: duplicate of line 2',
    ],
    [
      `${MAIN}option hostname a\noption hostname ''`,
      '3: mailserver.main.hostname: duplicate of line 2',
    ],
    [`${MAIN}option enabled '1';`, "2: ';' outside quotes: uci rejects the file or drops the rest"],
    [
      `${MAIN}list hostname a\nlist hostname b`,
      '2: mailserver.main.hostname: not a list option (write: option hostname VALUE)',
    ],
    [
      `${MAIN}option memory 1M`,
      "2: mailserver.main.memory: '1M' is not a size (128M–1T, with the unit K, M, G or T)",
    ],
    [
      `${MAIN}option data_path '/srv/x\ny'`,
      '2: mailserver.main.data_path: the value contains a newline or another control character (is a closing quote missing?)',
    ],
    [
      `${MAIN}option hostname 'a\u0007'`,
      '2: mailserver.main.hostname: the value contains a newline or another control character (is a closing quote missing?)',
    ],
    [
      `${MAIN}option hostname 'mail\n\toption domain 'example.com'\n`,
      "2: unterminated quote: ' is never closed",
    ],
    [`\ufeff${MAIN}`, '1: the file begins with a byte order mark (BOM)'],
    [
      `${MAIN}option hostname '\u001b[31m'\n`.replace('\u001b', '$'),
      "2: mailserver.main.hostname: '$[31m' is not a host name (such as mail, or mail.example.com)",
    ],
  ])('%j', (text, expected) => {
    expect(problemsOf(text)).toEqual([expected]);
  });

  test('an invalid port, with the file name', () => {
    const { problems } = checkSettings(
      `${MAIN}config ports 'ports'\n\toption smtp '99999'\n`,
      FILE,
    );

    expect(formatProblems(problems)).toBe(
      "/etc/config/mailserver:3: mailserver.ports.smtp: '99999' is not a port (1–65535, or 0 to disable)",
    );
    expect(problems).toEqual([
      {
        file: FILE,
        line: 3,
        column: 2,
        section: 'ports',
        option: 'smtp',
        message: "'99999' is not a port (1–65535, or 0 to disable)",
      },
    ]);
  });

  test('an invalid list item', () => {
    const text = `${MAIN}config fail2ban 'fail2ban'\nlist ignore 10.0.0.0/8\nlist ignore lan\n`;

    expect(problemsOf(text)).toEqual([
      "4: mailserver.fail2ban.ignore: 'lan' is not an IP address or network (such as 192.0.2.0/24)",
    ]);
  });
});

test('all problems are reported at once, in the order of their lines', () => {
  const text = `${MAIN}	optoin hostname a
	option domain 'localhost'
	option data_path '/'
config prots 'prots'
config ports 'ports'
	option smtp '-1'
	option imap 'yes
	option nope '1'
`;

  expect(checkSettings(text, FILE).problems.map(({ line, option }) => [line, option])).toEqual([
    [2, null],
    [3, 'domain'],
    [4, 'data_path'],
    [5, null],
    [7, 'smtp'],
    [8, 'imap'],
    [8, null],
    [9, 'nope'],
  ]);
});

test('an invalid password is not shown', () => {
  const text = `${MAIN}config smtp 'smtp'\noption relay_password 'gehe im \u00e4'\n`;

  expect(problemsOf(text).join()).not.toContain('gehe');
});

test.each([
  ['hostnam', 'hostname'],
  ['HOSTNAME', 'hostname'],
  ['imasp', 'imap'],
  ['xyz', undefined],
  ['', undefined],
])('the suggestion for %j is %j', (typed, expected) => {
  expect(findNearest(typed, ['hostname', 'imap', 'domain'])).toBe(expected as never);
});
