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

const MTA_STS = "config dns 'dns'\n\toption mta_sts 'testing'\n";

test('a disabled web feature adds no name', () => {
  expect(namesFor(settings(''), ['example.com', 'example.net'])).toEqual(['mail.example.com']);
});

test('MTA-STS adds one name for each mail domain, after the hostname', () => {
  expect(namesFor(settings(MTA_STS), ['example.com', 'example.net'])).toEqual([
    'mail.example.com',
    'mta-sts.example.com',
    'mta-sts.example.net',
  ]);
});

test('a hostname that equals one of these names is listed once', () => {
  const main = "\toption hostname 'mta-sts.example.com'\n";
  expect(namesFor(settings(main + MTA_STS), ['example.com'])).toEqual(['mta-sts.example.com']);
});

test('the list has at most 100 names, including the hostname', () => {
  const domains = Array.from({ length: 120 }, (_, index) => `d${index}.example`);
  const names = namesFor(settings(MTA_STS), domains);
  expect(names).toHaveLength(100);
  expect(names[0]).toBe('mail.example.com');
});
