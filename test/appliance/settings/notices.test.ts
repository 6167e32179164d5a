// Notices: valid options that have no effect, or another one than they say. They never invalidate the file.

import { expect, test } from 'bun:test';
import { checkSettings, formatProblem } from '../../../src/appliance/settings/check-settings.ts';

const OWN = "config mailserver 'main'\n\toption domain 'example.test'\n";

function noticesOf(text: string): readonly string[] {
  const { settings, notices } = checkSettings(text, 'uci');
  expect(settings).not.toBeNull();
  return notices.map(formatProblem);
}

test.each([
  ['spf', 'it needs features.spf'],
  ['dkim', 'it needs features.dkim'],
])('dmarc without %s is noticed, since it is not evaluated', (name, needs) => {
  const text = `${OWN}config features 'features'\n\toption ${name} '0'\n`;

  expect(noticesOf(text)).toEqual([
    expect.stringContaining(
      `uci:4: mailserver.features.${name}: features.dmarc is 1, but DMARC is not evaluated: ${needs} (mailctl set features.${name} 1, or: `,
    ),
  ]);
  expect(noticesOf(`${text}\toption dmarc '0'\n`)).toEqual([]);
});

test('too little memory for the virus scanner is noticed with the command that sets more', () => {
  const scan = "config features 'features'\n\toption virus_scan '1'\n";

  expect(noticesOf(OWN + scan)).toEqual([
    expect.stringMatching(
      /main\.memory is 640\.0M, and ClamAV needs 1\.5G.*mailctl set main\.memory 2G\)$/,
    ),
  ]);
  expect(noticesOf(`${OWN}\toption memory '2G'\n${scan}`)).toEqual([]);
});

test.each([
  '',
  "config webmail 'webmail'\n",
  "config webmail 'webmail'\n\toption enabled '0'\n\toption port '8080'\n",
  "config mesh 'mesh'\n\toption enabled '1'\n\toption sync_interval '1h'\n",
])('the section %j causes no notice', (text) => {
  expect(noticesOf(OWN + text)).toEqual([]);
});

test('a reserved domain is noticed where the file names it, and a domain of a closed network is not', () => {
  const named = (domain: string) => `config mailserver 'main'\n\toption domain '${domain}'\n`;

  for (const domain of ['example.com', 'example.net', 'mail.example.org']) {
    expect(noticesOf(named(domain))).toEqual([
      expect.stringContaining(`main.domain is '${domain}', which is reserved for documentation`),
    ]);
  }
  for (const domain of ['example.test', 'notexample.com', 'example.community', 'lab.example']) {
    expect(noticesOf(named(domain))).toEqual([]);
  }
});

test('a file with problems has no notices', () => {
  const text = "config mailserver 'main'\n\toption domain 'example.com'\n\toption memory 'much'\n";

  expect(checkSettings(text, 'uci')).toMatchObject({ settings: null, notices: [] });
});
