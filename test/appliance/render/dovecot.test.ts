import { expect, test } from 'bun:test';
import { dovecotFiles, dovecotValues } from '../../../src/appliance/render/dovecot.ts';
import type { Facts } from '../../../src/appliance/render/facts.ts';
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

function withPorts(ports: Partial<Settings['ports']>): Settings {
  const settings = defaultSettings();
  return { ...settings, ports: { ...settings.ports, ...ports } };
}

function withFeatures(features: Partial<Settings['features']>): Settings {
  const settings = defaultSettings();
  return { ...settings, features: { ...settings.features, ...features } };
}

function includedIn(settings: Settings, path: string): boolean {
  const file = dovecotFiles.find((each) => each.path === `/etc/dovecot/${path}`);
  if (file === undefined) throw new Error(`${path} is not in the manifest`);
  return file.when?.(settings) ?? true;
}

test('a disabled listener has port 0, and its protocol stays while the other port is enabled', () => {
  const values = dovecotValues(withPorts({ imap: null, imaps: 1993 }), facts);
  expect(values).toMatchObject({ imap: 'yes', imap_port: '0', imaps_port: '1993' });
});

test('a protocol without any port is off', () => {
  const values = dovecotValues(withPorts({ pop3: null, pop3s: null, sieve: null }), facts);
  expect(values).toMatchObject({ pop3: 'no', managesieve: 'no', sieve_port: '0' });
});

test.each([
  ['conf.d/70-quota.conf', 'quota'],
  ['bin/quota-warning', 'quota'],
  ['conf.d/80-learning.conf', 'spamFilter'],
  ['bin/learn', 'spamFilter'],
] as const)('%s is there only with the feature %s', (path, feature) => {
  expect(includedIn(withFeatures({ [feature]: true }), path)).toBe(true);
  expect(includedIn(withFeatures({ [feature]: false }), path)).toBe(false);
});

test('Dovecot delays logins after failures only if fail2ban is disabled', () => {
  expect(dovecotValues(withFeatures({ fail2ban: true }), facts).auth_penalty_mode).toBe('0');
  expect(dovecotValues(withFeatures({ fail2ban: false }), facts).auth_penalty_mode).toBe('0600');
});

test('the probe account can log in from the host only', () => {
  expect(dovecotValues(defaultSettings(), facts).probe_networks).toBe('127.0.0.1,10.82.25.1');
  const withIpv6 = { ...facts, hasIpv6: true, gateway6: 'fd00::1' };
  const values = dovecotValues(defaultSettings(), withIpv6);
  expect(values.probe_networks).toBe('127.0.0.1,10.82.25.1,fd00::1');
  expect(values.listen).toBe('*, ::');
});

test('only Dovecot can read the probe credential, and it is never shown', () => {
  const file = dovecotFiles.find(({ path }) => path.endsWith('probe.passwd'));
  expect(file).toMatchObject({ owner: 'dovecot', mode: 0o400, secret: true });
});
