import { describe, expect, test } from 'bun:test';
import { RESERVED_DOMAINS } from '../../../src/appliance/address.ts';
import type { Facts } from '../../../src/appliance/render/facts.ts';
import {
  PROBE_ADDRESS,
  postfixFiles,
  postfixValues,
} from '../../../src/appliance/render/postfix.ts';
import { defaultSettings } from '../../../src/appliance/settings/check-settings.ts';
import type { Settings } from '../../../src/appliance/settings/settings.ts';

const facts: Facts = {
  containerAddress: '10.82.25.2',
  containerNetwork: '10.82.25.0/24',
  gateway: '10.82.25.1',
  containerAddress6: null,
  gateway6: null,
  lanNetworks: ['10.82.25.0/24'],
  hasIpv6: false,
  probePassword: 'x'.repeat(32),
  webAddress: null,
  srs: { signing: 'not-a-real-secret', former: null },
};

type Changes = { readonly [Section in keyof Settings]?: Partial<Settings[Section]> };

function withChanges(changes: Changes): Settings {
  const settings = defaultSettings();
  const sections = Object.entries(settings).map(([name, section]) => [
    name,
    Array.isArray(section)
      ? (changes.relays ?? section)
      : { ...section, ...changes[name as keyof Settings] },
  ]);
  return Object.fromEntries(sections) as Settings;
}

const valuesOf = (changes: Changes) => postfixValues(withChanges(changes), facts);
const noFilters = { spamFilter: false, virusScan: false, spf: false, dkim: false, dmarc: false };

describe('milters', () => {
  test('port 25 has Rspamd as long as one filter is on', () => {
    expect(valuesOf({ features: { ...noFilters, spf: true } }).smtp_milters).toContain('rspamd');
    expect(valuesOf({ features: noFilters }).smtp_milters).toBe('');
  });

  test('submission keeps Rspamd when every filter is off, because header From is checked there', () => {
    expect(valuesOf({ features: noFilters }).submission_milters).toBe(
      'unix:/run/rspamd/milter.sock',
    );
  });

  test('OpenDKIM signs after Rspamd, and only on submission', () => {
    const values = valuesOf({ features: { dkim: true } });
    expect(values.submission_milters).toMatch(/rspamd.*, unix:\/run\/opendkim/);
    expect(values.smtp_milters).not.toContain('opendkim');
  });
});

test('a disabled port disables its listener and no other', () => {
  const values = valuesOf({ ports: { smtp: 2525, submission: null, smtps: null } });
  expect(values.smtp_service).toBe('2525');
  expect(values.submission_service).toBe('submission-off');
  expect(values.disabled_services).toBe('submission-off/inet submissions-off/inet');
});

describe('senders and hosts that UCI names', () => {
  test('are looked up on port 25 only when there are any', () => {
    expect(valuesOf({})).toMatchObject({
      mx_client_restrictions: '',
      mx_sender_restrictions: '',
      mx_peername_lookup: 'no',
    });
  });

  test('never include the host, from which the probe of apply comes', () => {
    const deny = [{ kind: 'network', text: '0.0.0.0/0' }] as const;
    expect(valuesOf({ spam: { deny } }).mx_client_restrictions).toStartWith(
      'check_client_access inline:{ { 10.82.25.1 = OK } { 127.0.0.1 = OK } }, check_client_access cidr:{ { 0.0.0.0/0 550 ',
    );
  });

  test('are refused before an allowed network is exempt from the check of its name', () => {
    const spam = {
      missingRdns: 'reject',
      allow: [{ kind: 'network', text: '192.0.2.0/24' }],
      deny: [{ kind: 'network', text: '192.0.2.7' }],
    } as const;
    const value = valuesOf({ spam }).mx_client_restrictions ?? '';
    expect(value.indexOf('192.0.2.7 550')).toBeLessThan(value.indexOf('192.0.2.0/24 OK'));
    expect(value).toEndWith('reject_unknown_reverse_client_hostname');
    expect(valuesOf({ spam }).mx_peername_lookup).toBe('yes');
  });

  test('need Rspamd for header From, also with every filter off', () => {
    const deny = [{ kind: 'domain', text: 'spam.example' }] as const;
    expect(valuesOf({ features: noFilters, spam: { deny } }).smtp_milters).toContain('rspamd');
  });
});

describe('relayhost', () => {
  const relay = { relayhost: '[relay.example.net]:587', relayUser: 'me', relayPassword: 'se cret' };
  const passwordFile = postfixFiles.find(({ path }) => path === '/etc/postfix/sasl_passwd');

  test.each([
    [{}, 'secure', 'no'],
    [{ relayTls: 'encrypt' }, 'encrypt', 'no'],
    [{ relayhost: 'relay.example.net:465' }, 'secure', 'yes'],
    [{ relayUser: null, relayPassword: null }, 'dane', 'no'],
    [{ relayUser: null, relayPassword: null, relayTls: 'verify' }, 'secure', 'no'],
    [{ relayUser: null, relayPassword: null, relayhost: '[::1]:465' }, 'encrypt', 'yes'],
    [{ relayhost: null, relayUser: null, relayPassword: null }, 'dane', 'no'],
  ] as const)('with %p has the TLS level %s, wrapped: %s', (change, level, wrapped) => {
    const values = valuesOf({ smtp: { ...relay, ...change } });
    expect(values.smtp_tls_security_level).toBe(level);
    expect(values.smtp_tls_wrappermode).toBe(wrapped);
  });

  test('with credentials has a password file that only root can read', () => {
    const values = valuesOf({ smtp: relay });
    expect(values.relay_credentials).toBe('me:se cret');
    expect(passwordFile).toMatchObject({ owner: 'root', mode: 0o600, secret: true });
    expect(passwordFile?.when?.(withChanges({ smtp: relay }))).toBe(true);
  });

  test('without credentials asks for DANE and has no password file', () => {
    const smtp = { ...relay, relayUser: null, relayPassword: null };
    expect(valuesOf({ smtp }).smtp_tls_security_level).toBe('dane');
    expect(passwordFile?.when?.(withChanges({ smtp }))).toBe(false);
  });

  test.each([
    ['a:b', 'secret'],
    ['a b', 'secret'],
    ['me', ' secret'],
    ['me', 'secret '],
  ])('refuses the login %p with the password %p, which the table cannot hold', (user, password) => {
    const smtp = { ...relay, relayUser: user, relayPassword: password };
    expect(() => valuesOf({ smtp })).toThrow('at the relayhost');
  });
});

test('every character of the hostname is literal in the header patterns', () => {
  const pattern = valuesOf({ main: { hostname: 'mx-1.example.com' } }).hostname_pattern;
  expect(new RegExp(`^${pattern}$`).test('mx-1.example.com')).toBe(true);
  expect(new RegExp(`^${pattern}$`).test('mx-1xexample.com')).toBe(false);
});

test('RCPT asks Dovecot for the quota only if quota is enabled', () => {
  expect(valuesOf({ features: { quota: true } }).quota_check).toContain('quota-status');
  expect(valuesOf({ features: { quota: false } }).quota_check).toBe('permit');
});

test('no delay notice is 0, and notices live no longer than other mail', () => {
  const values = valuesOf({ smtp: { delayWarning: null, queueLifetime: 3600 } });
  expect(values.delay_warning).toBe('0');
  expect(values.notice_lifetime).toBe('3600');
});

test('no account can have the domain of the probe address', () => {
  expect(RESERVED_DOMAINS).toContain(PROBE_ADDRESS.split('@')[1] ?? '');
});
