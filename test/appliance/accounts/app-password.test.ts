import { describe, expect, test } from 'bun:test';
import {
  createAppPassword,
  formatAppPassword,
  parseAppPassword,
  parseAppPasswordName,
  withAppPassword,
  withoutAppPassword,
} from '../../../src/appliance/accounts/app-password.ts';
import { compileDirectory } from '../../../src/appliance/accounts/compile.ts';
import { parseAccounts } from '../../../src/appliance/accounts/parse.ts';
import { verifyPassword } from '../../../src/appliance/accounts/verify.ts';
import { parseAddress, parseDomain } from '../../../src/appliance/address.ts';

const NOW = new Date('2026-11-21T15:04:05.678Z');
const HASH = `{SHA512-CRYPT}$6$salt$${'a'.repeat(86)}`;
const ALICE = parseAddress('alice@example.com');

const make = (name: string, use: 'all' | 'read' | 'send' = 'all') =>
  createAppPassword({ name, use }, NOW);

test('an app password is random, readable, and stored as a hash that it opens', async () => {
  const one = make('phone');
  const other = make('phone');

  expect(one.password).toMatch(/^(?:[a-z2-9]{5}-){3}[a-z2-9]{5}$/);
  expect(one.password).not.toBe(other.password);
  expect(one.stored.id).not.toBe(other.stored.id);
  expect(await verifyPassword(one.stored.hash, one.password)).toBe(true);
  expect(await verifyPassword(one.stored.hash, other.password)).toBe(false);
});

test.each(['phone', "Zoë's tablet, old", '手机', 'a=b c'])('the name %p is read back', (name) => {
  const { stored } = make(name, 'send');

  const text = formatAppPassword(stored);
  expect(text).not.toMatch(/[\s:]/);
  expect(parseAppPassword(text)).toEqual(stored);
});

test.each(['', 'a:b', 'two\nlines', 'x'.repeat(61), '\u202eabc'])(
  'the name %p is refused',
  (name) => {
    expect(() => parseAppPasswordName(name)).toThrow('is not a name of an app password');
  },
);

test('names are unique in a mailbox, and 32 is the most', () => {
  let list = withAppPassword([], make('n0').stored);
  expect(() => withAppPassword(list, make('n0').stored)).toThrow('already');
  for (let n = 1; n < 32; n += 1) list = withAppPassword(list, make(`n${n}`).stored);

  expect(() => withAppPassword(list, make('one more').stored)).toThrow('at most 32');
  expect(withoutAppPassword(list, 'n7')).toHaveLength(31);
  expect(withoutAppPassword(list, list[3]?.id ?? '')).toHaveLength(31);
  expect(() => withoutAppPassword(list, 'unknown')).toThrow('there is no app password "unknown"');
});

describe('the line in users', () => {
  const phone = make('phone').stored;
  const line = (fields: string) => `${ALICE}:${HASH}::::::${fields}\n`;
  const read = (users: string) =>
    parseAccounts(
      { vdomains: 'example.com\n', vmailbox: `${ALICE} example.com/alice/\n`, valias: '', users },
      {
        domain: parseDomain('example.com'),
        postmaster: parseAddress('postmaster@example.com'),
        quotaDefault: 2 ** 30,
      },
    );

  test('keeps every field, and is compiled for Dovecot', () => {
    const text = line(
      `nologin app_passwords_only app_password=${formatAppPassword(phone)} other=1`,
    );
    const { directory, problems, format } = read(text);

    expect(problems).toEqual([]);
    expect(directory.mailboxes.get(ALICE)).toMatchObject({
      ...{ active: false, appPasswordsOnly: true, appPasswords: [phone], extraFields: ['other=1'] },
    });
    expect(format(directory).users).toBe(text);
    const rows = (name: string) =>
      compileDirectory(directory).find((table) => table.name === name)?.rows;
    expect(rows('app_password')).toEqual([[ALICE, phone.id, 'all', phone.hash]]);
    expect(rows('app_passwords_only')).toEqual([[ALICE]]);
  });

  test.each([
    'app_password=',
    'app_password=zz,all,20261121T150405Z,cGhvbmU,{SSHA512}x',
    `app_password=${phone.id},some,20261121T150405Z,cGhvbmU,${phone.hash}`,
    `app_password=${phone.id},all,20261121T150405Z,cGhvbmU,{PLAIN}secret`,
  ])('with %p is a problem that does not show the hash', (field) => {
    const { problems } = read(line(field));

    expect(problems).toHaveLength(2);
    expect(problems[0]?.message).not.toContain('secret');
  });
});
