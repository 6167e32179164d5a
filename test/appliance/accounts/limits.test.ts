import { describe, expect, test } from 'bun:test';
import { addAlias } from '../../../src/appliance/accounts/aliases.ts';
import { addMailbox, changeMailbox } from '../../../src/appliance/accounts/changes.ts';
import { getDomain, removeDomain, setLimits } from '../../../src/appliance/accounts/domains.ts';
import { type Draft, draftOf } from '../../../src/appliance/accounts/model.ts';
import { parseAccounts } from '../../../src/appliance/accounts/parse.ts';
import { parseAddress, parseAliasName, parseDomain } from '../../../src/appliance/address.ts';

const HASH = `{SHA512-CRYPT}$6$salt$${'a'.repeat(86)}`;
const GIB = 2 ** 30;
const DOMAIN = parseDomain('example.org');
const DEFAULTS = {
  domain: parseDomain('example.com'),
  postmaster: parseAddress('postmaster@example.com'),
  quotaDefault: GIB,
};

const read = (vdomains: string) =>
  parseAccounts({ vdomains, vmailbox: '', valias: '', users: '' }, DEFAULTS);

const draftFrom = (vdomains: string) => draftOf(read(vdomains).directory);

const add = (draft: Draft, name: string, quotaBytes: number | null = null) =>
  addMailbox(draft, { address: parseAddress(name), hash: HASH, quotaBytes });

describe('the limits in vdomains', () => {
  const text = '# ours\nexample.com\nExample.org   quota=1.5G mailboxes=3\n';

  test('are read, and stay byte-identical without a change', () => {
    const accounts = read(text);

    expect(accounts.problems).toEqual([]);
    expect(getDomain(accounts.directory, DOMAIN)).toMatchObject({
      max_mailboxes: 3,
      max_aliases: null,
      max_quota_bytes: 1.5 * GIB,
    });
    expect(accounts.format(draftOf(accounts.directory)).vdomains).toBe(text);
  });

  test('are written behind the name, and leave a plain name when the last one is lifted', () => {
    const accounts = read(text);
    const draft = draftOf(accounts.directory);
    setLimits(draft, DOMAIN, { aliases: 0, quotaBytes: null });
    expect(accounts.format(draft).vdomains).toBe(
      '# ours\nexample.com\nexample.org mailboxes=3 aliases=0\n',
    );

    setLimits(draft, DOMAIN, { mailboxes: null, aliases: null });
    expect(accounts.format(draft).vdomains).toBe('# ours\nexample.com\nexample.org\n');
  });

  test.each([
    ['example.org mailboxes=few', '"few" is not a limit'],
    ['example.org mailboxes=1000001', '"1000001" is not a limit'],
    ['example.org people=3', '"people=3" is not a limit'],
    ['example.org quota=default', '"default" is not a total'],
    ['example.org quota=lots', '"lots" is not a quota'],
    ['example.org OK', '"example.org OK" is not a mail domain'],
  ])('%p is reported', (line, reason) => {
    expect(read(`${line}\n`).problems).toEqual([
      { file: 'vdomains', line: 1, message: expect.stringContaining(reason) },
    ]);
  });

  test('are removed with their domain', () => {
    const draft = draftFrom(text);
    removeDomain(draft, DOMAIN, DEFAULTS.domain);
    draft.domains.add(DOMAIN);

    expect(getDomain(draft, DOMAIN).max_mailboxes).toBeNull();
  });
});

describe('a domain with limits', () => {
  test('refuses the mailbox beyond the limit, and no change of those that it has', () => {
    const draft = draftFrom('example.org mailboxes=1\n');
    const { address } = add(draft, 'a@example.org');

    expect(() => add(draft, 'b@example.org')).toThrow('may have 1 mailboxes and has 1');
    expect(draft.mailboxes.size).toBe(1);
    changeMailbox(draft, { address, active: false });
    add(draft, 'b@example.com');
  });

  test('refuses the alias beyond the limit, and takes more targets for an alias', () => {
    const draft = draftFrom('example.org aliases=1\n');
    const alias = (name: string, target: string) =>
      addAlias(draft, parseAliasName(name), [parseAliasName(target)]);
    alias('@example.org', 'a@elsewhere.example');
    alias('@example.org', 'b@elsewhere.example');

    expect(() => alias('c@example.org', 'a@elsewhere.example')).toThrow(
      'may have 1 aliases and has 1',
    );
  });

  test.each<[string, number | null, string]>([
    ['its own quota', 2 * GIB, 'may give its mailboxes 3G together, and this makes 4G'],
    ['the default', null, 'and this makes 3584M'],
    ['no limit', 0, 'and this makes unlimited'],
  ])('counts the quota of a mailbox with %s', (_, quotaBytes, message) => {
    const draft = draftFrom('example.org quota=3G\n');
    add(draft, 'a@example.org', quotaBytes === null ? 2.5 * GIB : 2 * GIB);

    expect(() => add(draft, 'b@example.org', quotaBytes)).toThrow(message);
  });

  test('refuses a larger quota beyond the sum, and takes a smaller one', () => {
    const draft = draftFrom('example.org quota=3G\n');
    const { address } = add(draft, 'a@example.org', 3 * GIB);

    expect(() => changeMailbox(draft, { address, quotaBytes: 4 * GIB })).toThrow('makes 4G');
    expect(() => changeMailbox(draft, { address, quotaBytes: 0 })).toThrow('makes unlimited');
    changeMailbox(draft, { address, quotaBytes: GIB });
    changeMailbox(draft, { address, quotaBytes: 3 * GIB });
  });

  test('keeps what it has beyond a limit that was lowered', () => {
    const draft = draftFrom('example.org\n');
    const { address } = add(draft, 'a@example.org', 5 * GIB);
    expect(setLimits(draft, DOMAIN, { mailboxes: 0, quotaBytes: GIB })).toMatchObject({
      mailboxes: 1,
      quota_bytes: 5 * GIB,
      max_mailboxes: 0,
    });

    changeMailbox(draft, { address, quotaBytes: 4 * GIB });
    expect(() => changeMailbox(draft, { address, quotaBytes: 5 * GIB })).toThrow('makes 5G');
  });

  test("has room for the postmaster's mailbox, which the server needs", () => {
    const draft = draftFrom('example.com mailboxes=0\n');

    expect(add(draft, 'postmaster@example.com').address as string).toBe('postmaster@example.com');
    expect(() => add(draft, 'a@example.com')).toThrow('may have 0 mailboxes and has 1');
  });
});
