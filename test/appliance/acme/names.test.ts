import { expect, test } from 'bun:test';
import { namesFor } from '../../../src/appliance/acme/names.ts';
import { checkSettings } from '../../../src/appliance/settings/check-settings.ts';
import type { Settings } from '../../../src/appliance/settings/settings.ts';

function settings(lines: string): Settings {
  const text = `config mailserver 'main'\n\toption domain 'example.com'\n${lines}`;
  const checked = checkSettings(text, 'test');
  if (checked.settings === null) throw new Error(checked.problems[0]?.message);
  return checked.settings;
}

const NO_WEBMAIL = "config webmail 'webmail'\n\toption enabled '0'\n";

test('the hostname comes first, then the names of each mail domain', () => {
  expect(namesFor(settings(NO_WEBMAIL), ['example.com', 'example.net'])).toEqual([
    'mail.example.com',
    'autoconfig.example.com',
    'autodiscover.example.com',
    'autoconfig.example.net',
    'autodiscover.example.net',
  ]);
});

test('webmail and MTA-STS bring names of their own while they are on', () => {
  const on = settings("config dns 'dns'\n\toption mta_sts 'testing'\n");
  expect(namesFor(on, ['example.com'])).toEqual([
    'mail.example.com',
    'webmail.example.com',
    'autoconfig.example.com',
    'autodiscover.example.com',
    'mta-sts.example.com',
  ]);
});

test('a hostname that is one of these names stands there once', () => {
  const main = "\toption hostname 'autoconfig.example.com'\n";
  expect(namesFor(settings(main + NO_WEBMAIL), ['example.com'])).toEqual([
    'autoconfig.example.com',
    'autodiscover.example.com',
  ]);
});

test('there are never more than a hundred, and the hostname is among them', () => {
  const domains = Array.from({ length: 80 }, (_, index) => `d${index}.example`);
  const names = namesFor(settings(''), domains);
  expect(names).toHaveLength(100);
  expect(names[0]).toBe('mail.example.com');
});
