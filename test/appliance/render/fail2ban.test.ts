// Reads fail2ban's files with a parser of their format, as fail2ban does.

import { describe, expect, test } from 'bun:test';
import { parse } from 'ini';
import type { Facts } from '../../../src/appliance/render/facts.ts';
import { renderFiles } from '../../../src/appliance/render/render.ts';
import { templates } from '../../../src/appliance/render/templates.ts';
import { checkSettings } from '../../../src/appliance/settings/check-settings.ts';

const FACTS: Facts = {
  ...{ containerAddress: '192.168.1.25', containerNetwork: '192.168.1.0/24' },
  ...{ gateway: '192.168.1.1', containerAddress6: null, gateway6: null, hasIpv6: false },
  ...{ lanNetworks: ['192.168.1.0/24'], probePassword: 'not-a-real-password' },
  webAddress: null,
  srs: { signing: 'not-a-real-secret', former: null },
};
const UCI = `
config mailserver 'main'
	option domain 'example.com'
config fail2ban 'fail2ban'
	option max_retry '4'
	option find_time '20m'
	option ban_time '2h'
	list ignore '192.0.2.0/24'
`;
const OWN = '[DEFAULT]\nbantime = 1w\n\n[mail-abuse]\nenabled = false\n';

type Sections = Record<string, Record<string, string | boolean>>;

/** Below jail.d, in the order in which fail2ban reads them. */
function renderJails(own?: string) {
  const { settings } = checkSettings(UCI, 'mailserver');
  if (settings === null) throw new Error('the UCI file of this test is wrong');
  const custom: Record<string, string> = own === undefined ? {} : { 'fail2ban.local': own };
  return renderFiles({ settings, facts: FACTS, templates, custom })
    .filter(({ file }) => file.path.startsWith('/etc/fail2ban/jail.d/'))
    .map(({ file, text }) => ({ path: file.path, text }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The effective options: a later file replaces single options. */
function inForce(own?: string): Sections {
  const result: Sections = {};
  for (const { text } of renderJails(own)) {
    for (const [section, options] of Object.entries(parse(text) as Sections)) {
      result[section] = { ...result[section], ...options };
    }
  }
  return result;
}

describe("fail2ban's jails", () => {
  test('have the times, networks and retries of the UCI file', () => {
    const jails = inForce();

    expect(jails.DEFAULT).toMatchObject({
      ...{ maxretry: '4', findtime: '1200', bantime: '7200' },
      ignoreip: '127.0.0.0/8 ::1 192.168.1.0/24 192.0.2.0/24',
    });
    expect(jails['mail-login']).toEqual({ enabled: true, filter: 'mailserver/mail-login' });
    expect(jails['mail-abuse']).toMatchObject({ enabled: true, maxretry: '12' });
  });

  test("are overridden by the operator's lines, option by option", () => {
    const jails = inForce(OWN);

    expect(jails.DEFAULT).toMatchObject({ bantime: '1w', findtime: '1200' });
    expect(jails['mail-abuse']).toMatchObject({ enabled: false, maxretry: '12' });
    expect(jails['mail-login']).toMatchObject({ enabled: true });
  });

  test('have each section once in a file: fail2ban refuses a second one', () => {
    for (const { path, text } of renderJails(OWN)) {
      const sections = [...text.matchAll(/^\[(.+)\]$/gm)].map(([, name]) => name);
      expect({ path, sections }).toEqual({ path, sections: [...new Set(sections)] });
    }
  });
});
