import { describe, expect, test } from 'bun:test';
import { checkSettings } from '../../../src/appliance/settings/check-settings.ts';
import { formatProblems } from '../../../src/appliance/settings/problems.ts';

const MAIN = "config mailserver 'main'\n";

/** The problems of a file, as shown to the operator, without the file name. */
function problemsOf(text: string): string[] {
  const { problems } = checkSettings(text, 'f');
  return problems.map((problem) => formatProblems([problem]).replace(/^f:/, ''));
}

describe('conflicting options are reported:', () => {
  test.each([
    [
      'smtp',
      'option relayhost [192.0.2.9]:587\noption relay_user me\noption relay_password x',
      "3: mailserver.smtp.relayhost: relayhost is the address 192.0.2.9, but verification of its certificate needs a host name: set a name, or relay_tls 'encrypt'",
    ],
    [
      'spam',
      "option dmarc_failure reject\n\nconfig features 'features'\noption spf 0",
      "3: mailserver.spam.dmarc_failure: dmarc_failure 'reject' requires features.dmarc, features.spf and features.dkim",
    ],
    [
      'spam',
      "list allow 192.0.2.1\nlist allow a.example\nconfig features 'features'\noption spf 0\noption dkim 0",
      '4: mailserver.spam.allow: allow a.example has no effect: a sender counts only if features.spf or features.dkim verifies it',
    ],
    [
      'spam',
      'list allow 192.0.2.9/24\nlist deny 192.0.2.0/24',
      '3: mailserver.spam.allow: 192.0.2.0/24 is in allow and in deny',
    ],
    [
      'ports',
      'option imap 993',
      '3: mailserver.ports.imap: ports.imap and ports.imaps are both 993',
    ],
    [
      'ports',
      'option imap 1\noption pop3 1',
      '4: mailserver.ports.pop3: ports.imap and ports.pop3 are both 1',
    ],
    [
      'ports',
      'option submission 10025',
      '3: mailserver.ports.submission: ports.submission is 10025, which the container reserves for mail that Sieve sends or that is forwarded',
    ],
    [
      'network',
      'option gateway 192.0.2.1',
      '3: mailserver.network.gateway: gateway requires address',
    ],
    [
      'network',
      'option address 192.0.2.25/24\noption gateway 198.51.100.1',
      '4: mailserver.network.gateway: gateway 198.51.100.1 is not in the network of address 192.0.2.25/24',
    ],
    [
      'network',
      'option address 192.0.2.25/24\noption gateway 192.0.2.25',
      '4: mailserver.network.gateway: gateway and address are both 192.0.2.25',
    ],
    [
      'network',
      'option address6 2001:db8::25/64\noption gateway6 2001:db8:1::1',
      '4: mailserver.network.gateway6: gateway6 2001:db8:1::1 is not in the network of address6 2001:db8::25/64',
    ],
    [
      'ssl',
      'option type manual\noption key_path /k',
      "3: mailserver.ssl.type: type 'manual' requires cert_path",
    ],
    [
      'smtp',
      'option relay_user u\noption relay_password p',
      '3: mailserver.smtp.relay_user: relay_user requires relayhost',
    ],
    [
      'smtp',
      'option relayhost a.example\noption relay_password p',
      '4: mailserver.smtp.relay_password: relay_user and relay_password must be set together',
    ],
    [
      'smtp',
      'option delay_warning 6d',
      '3: mailserver.smtp.delay_warning: delay_warning must be shorter than queue_lifetime',
    ],
    [
      'spam',
      'option junk_score 15',
      '3: mailserver.spam.junk_score: junk_score must be lower than reject_score',
    ],
    [
      'spam',
      'option reject_score 3\noption junk_score 2',
      '3: mailserver.spam.reject_score: greylist_score must be lower than reject_score',
    ],
    [
      'webmail',
      'option container mailserver',
      "3: mailserver.webmail.container: main.container and webmail.container are both 'mailserver'",
    ],
  ])('%s: %j', (section, statements, expected) => {
    expect(problemsOf(`${MAIN}config ${section} '${section}'\n${statements}\n`)).toEqual([
      expected,
    ]);
  });

  test.each([
    'data_path /srv/lxc/mailserver',
    'data_path /srv/lxc/mailserver/data',
    'data_path /srv/lxc',
    'data_path /var/lib/lxc/mailserver',
  ])('a data folder inside or around the folder of the container: %s', (statement) => {
    expect(problemsOf(`${MAIN}option ${statement}\n`)[0]).toMatch(/must not contain each other$/);
  });

  test('an option that is itself invalid is not reported as a conflict too', () => {
    const text = `${MAIN}config ssl 'ssl'\noption type manual\noption cert_path x\noption key_path /k\n`;

    expect(problemsOf(text)).toHaveLength(1);
  });

  test('a link-local gateway is valid in every IPv6 network', () => {
    const text = `${MAIN}config network network\noption address6 fd00::2/64\noption gateway6 fe80::1\n`;

    expect(problemsOf(text)).toEqual([]);
  });

  test('disabled services do not conflict over port 0', () => {
    expect(
      problemsOf(`${MAIN}config ports ports\noption pop3 0\noption pop3s 0\noption imap 0\n`),
    ).toEqual([]);
  });
});
