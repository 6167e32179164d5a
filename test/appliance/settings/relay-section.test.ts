import { expect, test } from 'bun:test';
import { checkSettings } from '../../../src/appliance/settings/check-settings.ts';
import { secretsIn } from '../../../src/appliance/settings/secrets.ts';

const MAIN = "config mailserver 'main'\n";
const check = (text: string) => checkSettings(`${MAIN}${text}`, 'f');
const relay = (title: string, ...options: string[]) =>
  `config relay${title}\n${options.map((option) => `\toption ${option}\n`).join('')}`;

const SHOP = ["domain 'shop.example'", "host '[smtp.example.net]:587'"];

test('each section of the type relay, named or not, is the relayhost of a sender domain', () => {
  const login = ["user 'shop'", "password 'not real'"];
  const other = relay('', "domain 'lab.example'", "host '[192.0.2.9]'", "tls 'encrypt'");
  const { settings, problems } = check(relay(" 'shop'", ...SHOP, ...login) + other);

  expect(problems).toEqual([]);
  expect(settings?.relays).toEqual([
    {
      ...{ section: 'shop', domain: 'shop.example', host: '[smtp.example.net]:587' },
      ...{ user: 'shop', password: 'not real', tls: null },
    },
    {
      ...{ section: '@relay[1]', domain: 'lab.example', host: '[192.0.2.9]' },
      ...{ user: null, password: null, tls: 'encrypt' },
    },
  ]);
  expect(settings && secretsIn(settings)).toEqual(['shop.password']);
});

const WRONG: [string, string, string][] = [
  ['no host', relay(" 'shop'", "domain 'shop.example'"), 'a relay requires domain and host'],
  ['a user alone', relay(" 'shop'", ...SHOP, "user 'x'"), 'must be set together'],
  ['port 465', relay(" 'shop'", "domain 'a.example'", "host '[b.example]:465'"), 'use 587'],
  ['an unknown option', relay(" 'shop'", ...SHOP, "usr 'x'"), 'unknown option'],
  [
    'a domain twice',
    relay(" 'shop'", ...SHOP) + relay('', ...SHOP),
    "relay 'shop' is for shop.example",
  ],
  [
    'a certificate of an address',
    relay(" 'shop'", "domain 'a.example'", "host '[192.0.2.9]'", "tls 'verify'"),
    'needs a host name',
  ],
  [
    'a relayhost on port 465 beside it',
    `${relay(" 'shop'", ...SHOP)}config smtp 'smtp'\n\toption relayhost '[b.example]:465'\n`,
    'relayhost cannot use port 465',
  ],
  ['the name of another section', relay(" 'smtp'", ...SHOP), "where 'smtp' is required"],
];

test.each(WRONG)('%s is a problem', (_, text, message) => {
  const { settings, problems } = check(text);
  expect(settings).toBeNull();
  expect(problems.map((problem) => problem.message)).toContainEqual(
    expect.stringContaining(message),
  );
});
