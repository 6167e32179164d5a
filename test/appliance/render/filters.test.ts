// The placeholders of the filters' files, and the files of each feature.

import { describe, expect, test } from 'bun:test';
import { clamavFiles } from '../../../src/appliance/render/clamav.ts';
import type { Facts } from '../../../src/appliance/render/facts.ts';
import { fail2banFiles, fail2banValues } from '../../../src/appliance/render/fail2ban.ts';
import type { ManagedFile } from '../../../src/appliance/render/managed-file.ts';
import {
  opendkimFiles,
  renderKeyTable,
  renderSigningTable,
} from '../../../src/appliance/render/opendkim.ts';
import { rspamdFiles, rspamdValues } from '../../../src/appliance/render/rspamd.ts';
import { systemFiles } from '../../../src/appliance/render/system.ts';
import { unboundFiles, unboundValues } from '../../../src/appliance/render/unbound.ts';
import { checkSettings } from '../../../src/appliance/settings/check-settings.ts';
import type { Settings } from '../../../src/appliance/settings/settings.ts';

const FACTS: Facts = {
  containerAddress: '192.0.2.2',
  containerNetwork: '192.0.2.0/24',
  gateway: '192.0.2.1',
  containerAddress6: null,
  gateway6: null,
  lanNetworks: ['192.0.2.0/24'],
  hasIpv6: false,
  probePassword: 'not-a-real-password',
  webAddress: null,
  srs: { signing: 'not-a-real-secret', former: null },
};

function settingsFor(sections: string): Settings {
  const main =
    "config mailserver 'main'\n\toption hostname 'mail'\n\toption domain 'example.com'\n";
  const { settings, problems } = checkSettings(`${main}${sections}`, 'mailserver');
  if (settings === null) throw new Error(problems.map(({ message }) => message).join('\n'));
  return settings;
}

function features(...off: string[]): Settings {
  const options = off.map((name) => `\toption ${name} '0'\n`).join('');
  return settingsFor(`config features 'features'\n${options}`);
}

function names(files: readonly ManagedFile[], settings: Settings): string[] {
  return files
    .filter((file) => file.when?.(settings) ?? true)
    .map(({ path }) => path.split('/').slice(-2).join('/'));
}

const DEFAULTS = settingsFor('');

describe('rspamd', () => {
  test('everything but the virus scanner is on by default', () => {
    const present = names(rspamdFiles, DEFAULTS);
    expect(present).toContain('local.d/spam.conf');
    expect(present).toContain('local.d/greylist.conf');
    expect(present).not.toContain('local.d/antivirus.conf');
  });

  test.each([
    ['spf', ['authentication.lua', 'forged_sender.lua', 'spf.conf', 'spf_lua.conf', 'dmarc.conf']],
    ['dkim', ['dkim.conf', 'arc_seal.lua', 'dmarc.conf']],
    ['dmarc', ['dmarc.conf']],
    ['greylist', ['greylist.conf']],
    ['srs', ['forward_sender.lua', 'srs_lua.conf']],
    ['spam_filter', ['actions.conf', 'spam.conf', 'spam_lua.conf', 'rbl.conf', 'greylist.conf']],
  ] as const)('%s switched off leaves out %p and nothing else', (feature, gone) => {
    const present = names(rspamdFiles, features(feature));
    const missing = names(rspamdFiles, DEFAULTS).filter((name) => !present.includes(name));
    expect(missing.sort()).toEqual(gone.map((name) => `local.d/${name}`).sort());
  });

  test.each([
    [{ rate: '40' }, '20'],
    [{ rate: '1' }, '1'],
  ])('with %p Sieve may send %p of the messages of a login', ({ rate }, half) => {
    const limited = settingsFor(`config smtp 'smtp'\n\toption rate_limit '${rate}'\n`);
    expect(rspamdValues(limited, FACTS).sieve_rate_limit).toBe(half);
  });

  test.each([
    [[], 'reject'],
    [['dkim'], 'accept'],
    [['spf'], 'accept'],
  ])('without %p the answer to a forged own domain is %p', (off, answer) => {
    const wanted = settingsFor(
      `config spam 'spam'\n\toption own_domain_forgery 'reject'\nconfig features 'features'\n${off
        .map((name) => `\toption ${name} '0'\n`)
        .join('')}`,
    );
    expect(rspamdValues(wanted, FACTS).own_domain_forgery).toBe(answer);
  });

  test('header From is checked with every feature disabled', () => {
    const off = features('spam_filter', 'spf', 'dkim', 'dmarc', 'greylist', 'fail2ban');
    expect(names(rspamdFiles, off)).toContain('local.d/sender_login.lua');
    expect(rspamdValues(off, FACTS).rspamd_filters).toBe('');
    expect(rspamdValues(off, FACTS).gtube_patterns).toBe('disable');
  });

  test('with a forwarding resolver no blocklist is queried', () => {
    const forwarding = settingsFor("config network 'network'\n\tlist dns_forward '192.0.2.1'\n");
    expect(names(rspamdFiles, forwarding)).not.toContain('local.d/rbl.conf');
  });

  test('without a rate limit the plugin is not loaded', () => {
    const unlimited = settingsFor("config smtp 'smtp'\n\toption rate_limit '0'\n");
    expect(names(rspamdFiles, unlimited)).not.toContain('local.d/ratelimit.conf');
    expect(rspamdValues(DEFAULTS, FACTS).rate_limit).toBe('200');
  });
});

describe('opendkim', () => {
  const keys = [
    { domain: 'example.com', selector: 'mail' },
    { domain: 'example.org', selector: 's2' },
  ];

  test('the key table names the key of each domain, and one that is absent', () => {
    expect(renderKeyTable(keys)).toBe(
      [
        'mail._domainkey.example.com example.com:mail:/etc/dkimkeys/example.com/mail.private',
        's2._domainkey.example.org example.org:s2:/etc/dkimkeys/example.org/s2.private',
        'missing %:missing:/etc/dkimkeys/missing',
        '',
      ].join('\n'),
    );
  });

  test('a domain without a key matches the absent key, after all others', () => {
    expect(renderSigningTable(keys).trim().split('\n').at(-1)).toBe('* missing');
    expect(renderSigningTable([])).toBe('* missing\n');
  });

  test('it does not exist with features.dkim off', () => {
    expect(names(opendkimFiles, features('dkim'))).toEqual([]);
    expect(names(systemFiles, features('dkim'))).not.toContain('opendkim/run');
  });
});

describe('unbound', () => {
  test('forwards only if network.dns_forward is set, with all addresses on one line', () => {
    const options = "\tlist dns_forward '192.0.2.1'\n\tlist dns_forward '2001:db8::1'\n";
    const forwarding = settingsFor(`config network 'network'\n${options}`);
    expect(names(unboundFiles, DEFAULTS)).toEqual(['unbound/unbound.conf']);
    expect(names(unboundFiles, forwarding)).toContain('unbound/forward.conf');
    expect(unboundValues(forwarding, FACTS).forward_addresses).toBe(
      'forward-addr: 192.0.2.1 forward-addr: 2001:db8::1',
    );
  });
});

describe('fail2ban and clamav', () => {
  test('the LAN, this container and configured networks are never banned', () => {
    const ignoring = settingsFor("config fail2ban 'fail2ban'\n\tlist ignore '198.51.100.0/24'\n");
    expect(fail2banValues(ignoring, FACTS).ignore_networks).toBe(
      '127.0.0.0/8 ::1 192.0.2.0/24 198.51.100.0/24',
    );
  });

  test('are rendered with their feature only', () => {
    expect(names(fail2banFiles, features('fail2ban'))).toEqual([]);
    expect(names(clamavFiles, DEFAULTS)).toEqual([]);
    expect(names(systemFiles, DEFAULTS)).toContain('fail2ban/run');
    expect(names(systemFiles, DEFAULTS)).not.toContain('clamav/run');
  });
});
