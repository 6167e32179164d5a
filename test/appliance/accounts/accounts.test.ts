import { describe, expect, test } from 'bun:test';
import { addAlias, removeAlias } from '../../../src/appliance/accounts/aliases.ts';
import {
  addMailbox,
  changeMailbox,
  removeMailbox,
} from '../../../src/appliance/accounts/changes.ts';
import { compileDirectory } from '../../../src/appliance/accounts/compile.ts';
import { addDomain, removeDomain } from '../../../src/appliance/accounts/domains.ts';
import { type Draft, draftOf } from '../../../src/appliance/accounts/model.ts';
import { type AccountTexts, parseAccounts } from '../../../src/appliance/accounts/parse.ts';
import { formatQuota, parseQuota } from '../../../src/appliance/accounts/quota.ts';
import {
  type Address,
  parseAddress,
  parseAliasName,
  parseDomain,
} from '../../../src/appliance/address.ts';

const HASH = `{SHA512-CRYPT}$6$salt$${'a'.repeat(86)}`;
const OTHER_HASH = `{SHA512-CRYPT}$6$salt$${'b'.repeat(86)}`;
const DEFAULTS = {
  domain: parseDomain('example.com'),
  postmaster: parseAddress('postmaster@example.com'),
  quotaDefault: 2 ** 30,
};

function textsOf(texts: Partial<AccountTexts>): AccountTexts {
  return { vdomains: '', vmailbox: '', valias: '', users: '', ...texts };
}

function box(name: string, draft: Draft): Address {
  const address = parseAddress(name);
  addMailbox(draft, { address, hash: HASH, quotaBytes: null });
  return address;
}

/** A draft with these mailboxes, their domains, and these aliases ("name target target"). */
function draftWith(mailboxes: string[], aliases: string[] = [], domains: string[] = []): Draft {
  const draft = draftOf(parseAccounts(textsOf({}), DEFAULTS).directory);
  for (const domain of domains) addDomain(draft, parseDomain(domain));
  for (const name of mailboxes) box(name, draft);
  for (const line of aliases) alias(draft, line);
  return draft;
}

function alias(draft: Draft, line: string) {
  const [name = '', ...targets] = line.split(' ');
  return addAlias(draft, parseAliasName(name), targets.map(parseAliasName));
}

function rows(draft: Draft, table: string): string[] {
  const found = compileDirectory(draft).find(({ name }) => name === table);
  return (found?.rows ?? []).map((row) => row.join(' ')).sort();
}

describe('the text files', () => {
  const texts = textsOf({
    vdomains: '# ours\nexample.com\n\nExample.ORG\n',
    vmailbox:
      '# people\nalice@example.com   example.com/alice/\nBob@example.org example.org/bob/\n',
    valias:
      'sales@example.com  alice@example.com ,bob@example.org\n# all the rest\n@example.org bob@example.org\n',
    users: `alice@example.com:${HASH}:5000:5000::/home/a::\nbob@example.org:${HASH}::::::nologin userdb_quota_storage_size=2G class=x\n# end\n`,
  });

  test('are parsed after manual edits', () => {
    const { directory, problems } = parseAccounts(texts, DEFAULTS);

    expect(problems).toEqual([]);
    expect([...directory.domains] as string[]).toEqual(['example.com', 'example.org']);
    expect(directory.mailboxes.get(parseAddress('bob@example.org'))).toMatchObject({
      active: false,
      quotaBytes: 2 ** 31,
      extraFields: ['class=x'],
    });
    expect(directory.aliases.get(parseAliasName('sales@example.com')) as readonly string[]).toEqual(
      ['alice@example.com', 'bob@example.org'],
    );
  });

  test('stay byte-identical without a change', () => {
    const accounts = parseAccounts(texts, DEFAULTS);

    expect(accounts.format(draftOf(accounts.directory))).toEqual(texts);
  });

  test('keep comments, order and foreign fields when a record is changed', () => {
    const accounts = parseAccounts(texts, DEFAULTS);
    const draft = draftOf(accounts.directory);
    changeMailbox(draft, {
      address: parseAddress('alice@example.com'),
      hash: OTHER_HASH,
      quotaBytes: 0,
    });
    changeMailbox(draft, { address: parseAddress('bob@example.org'), active: true });
    box('carol@example.com', draft);

    expect(accounts.format(draft).users).toBe(
      `alice@example.com:${OTHER_HASH}:5000:5000::/home/a::userdb_quota_storage_size=0\n` +
        `bob@example.org:${HASH}::::::userdb_quota_storage_size=2G class=x\n# end\n` +
        `carol@example.com:${HASH}::::::\n`,
    );
    expect(accounts.format(draft).vmailbox).toBe(
      `${texts.vmailbox}carol@example.com example.com/carol/\n`,
    );
    expect(accounts.format(draft).valias).toBe(texts.valias);
  });

  test('lose only the line of a removed record', () => {
    const accounts = parseAccounts(texts, DEFAULTS);
    const draft = draftOf(accounts.directory);
    removeMailbox(draft, parseAddress('bob@example.org'));

    expect(accounts.format(draft)).toMatchObject({
      vmailbox: '# people\nalice@example.com   example.com/alice/\n',
      valias: 'sales@example.com alice@example.com\n# all the rest\n',
    });
  });

  test('report every invalid line with file and line number', () => {
    const { problems, directory } = parseAccounts(
      textsOf({
        vdomains: 'example.com\nnot a domain\nexample.com\n',
        vmailbox: 'alice@example.com example.com/alice/\nbob@example.com ../../etc\nx\n',
        valias: 'sales@example.com\n',
        users: `alice@example.com:${HASH}::::::\nmallory@example.com:{PLAIN}secret99\ncarol@example.com\n`,
      }),
      DEFAULTS,
    );

    expect(problems.map(({ file, line }) => `${file}:${line}`)).toEqual([
      'vdomains:2',
      'vdomains:3',
      'vmailbox:2',
      'vmailbox:3',
      'valias:1',
      'users:2',
      'users:3',
    ]);
    expect(JSON.stringify(problems)).not.toContain('secret99');
    expect([...directory.mailboxes.keys()] as string[]).toEqual(['alice@example.com']);
  });

  test.each([
    [
      { vmailbox: 'a@example.com example.com/a/\n' },
      'vmailbox:1 a@example.com has no line in users',
    ],
    [{ users: `a@example.com:${HASH}\n` }, 'users:1 a@example.com has no line in vmailbox'],
    [{ valias: 'a@example.com b@example.com\n' }, 'valias:1 b@example.com is neither'],
    [{ valias: 'a@example.org x@example.net\n' }, 'valias:1 example.org is not a mail domain'],
    [
      { valias: 'a@example.com b@example.com\nb@example.com a@example.com\n' },
      'valias:1 the aliases form a loop',
    ],
    [{ valias: '@example.com ghost@example.com\n' }, 'valias:1 ghost@example.com is neither'],
  ])('%p: a missing target is reported', (wrong, report) => {
    const { problems } = parseAccounts(textsOf(wrong), DEFAULTS);

    expect(problems.map(({ file, line, message }) => `${file}:${line} ${message}`)[0]).toStartWith(
      report,
    );
  });
});

describe('a mailbox that only sends or only receives', () => {
  const users = `a@example.com:${HASH}:::Alice Example:::direction=send-only\nb@example.com:${HASH}:::B,,,:::nologin direction=receive-only\n`;
  const texts = textsOf({
    vdomains: 'example.com\nexample.org\n',
    vmailbox: 'a@example.com example.com/a/\nb@example.com example.com/b/\n',
    valias: '@example.org @example.com\nteam@example.com b@example.com\n',
    users,
  });

  test('is read from users with its display name, and written back byte-identical', () => {
    const accounts = parseAccounts(texts, DEFAULTS);
    const [a, b] = [...accounts.directory.mailboxes.values()];

    expect(accounts.problems).toEqual([]);
    expect(a).toMatchObject({ direction: 'send-only', name: 'Alice Example', active: true });
    expect(b).toMatchObject({ direction: 'receive-only', name: 'B,,,', active: false });
    expect(accounts.format(draftOf(accounts.directory))).toEqual(texts);
  });

  test('keeps the other fields of its line when direction and name change', () => {
    const accounts = parseAccounts(
      {
        ...texts,
        users: users.replace(':::Alice Example:::', ':5000:5000:Alice Example:/home/a::x=y '),
      },
      DEFAULTS,
    );
    const draft = draftOf(accounts.directory);
    changeMailbox(draft, {
      address: parseAddress('a@example.com'),
      direction: 'both',
      name: 'Alïce',
    });

    expect(accounts.format(draft).users.split('\n')[0]).toBe(
      `a@example.com:${HASH}:5000:5000:Alïce:/home/a::x=y`,
    );
  });

  test('keeps text of another program in gecos that is not a display name', () => {
    const foreign = users.replace('Alice Example', 'Ali\u202ece');
    const accounts = parseAccounts({ ...texts, users: foreign }, DEFAULTS);
    const draft = draftOf(accounts.directory);
    const { name } = changeMailbox(draft, {
      address: parseAddress('a@example.com'),
      active: false,
    });

    expect(name).toBeNull();
    expect(accounts.format(draft).users).toContain('Ali\u202ece');
  });

  test('with an unknown direction is reported', () => {
    const wrong = { ...texts, users: users.replace('send-only', 'sideways') };

    expect(parseAccounts(wrong, DEFAULTS).problems[0]).toEqual({
      file: 'users',
      line: 1,
      message: '"sideways" is not a direction: expected both, send-only, receive-only',
    });
  });

  test('is compiled under each of its names, without sending rights for a receiver', () => {
    const { directory } = parseAccounts(texts, DEFAULTS);
    const draft = draftOf(directory);
    changeMailbox(draft, { address: parseAddress('b@example.com'), active: true });

    expect(rows(draft, 'one_way')).toEqual([
      'a@example.com send-only',
      'a@example.org send-only',
      'b@example.com receive-only',
    ]);
    const senders = rows(draft, 'sender');
    expect(senders.filter((row) => row.endsWith(' a@example.com'))).toEqual([
      'a@example.com a@example.com',
      'a@example.org a@example.com',
    ]);
    expect(senders.filter((row) => row.endsWith(' b@example.com'))).toEqual([]);
  });

  test('cannot be the target of an alias, nor the postmaster, if it only sends', () => {
    const draft = draftWith(
      ['a@example.com', 'b@example.com', 'postmaster@example.com'],
      ['team@example.com a@example.com b@example.com', '@example.com b@example.com'],
    );
    const sendOnly = (name: string) =>
      changeMailbox(draftOf(draft), { address: parseAddress(name), direction: 'send-only' });

    expect(() => sendOnly('a@example.com')).toThrow(
      'team@example.com depends on it: a@example.com is send-only and receives no mail',
    );
    expect(() => sendOnly('b@example.com')).toThrow('@example.com depends on it');
    expect(() => sendOnly('postmaster@example.com')).toThrow('is main.postmaster and must receive');
    // the target was covered by the catch-all
    alias(draft, 'news@example.com robot@example.com');
    const robot = { address: parseAddress('robot@example.com'), hash: HASH } as const;
    expect(() => addMailbox(draft, { ...robot, direction: 'send-only' })).toThrow(
      'news@example.com depends on it',
    );
  });

  test('cannot become a target later', () => {
    const draft = draftWith(['a@example.com']);
    changeMailbox(draft, { address: parseAddress('a@example.com'), direction: 'send-only' });

    for (const line of [
      'x@example.com a@example.com',
      'a@example.com a@example.com',
      '@example.com a+x@example.com',
    ]) {
      expect(() => alias(draftOf(draft), line)).toThrow('is send-only and receives no mail');
    }
  });
});

describe('an alias', () => {
  test('may have several local and remote targets, and further ones can be added', () => {
    const draft = draftWith(['alice@example.com'], ['sales@example.com alice@example.com']);

    expect(alias(draft, 'sales@example.com bob@elsewhere.example')).toMatchObject({
      targets: ['alice@example.com', 'bob@elsewhere.example'] as string[],
      changed: true,
    });
    expect(alias(draft, 'sales@example.com alice@example.com').changed).toBe(false);
  });

  test.each([
    ['a@example.com nobody@example.com', 'is neither a mailbox nor an alias'],
    ['a@example.com a@example.com', 'is neither a mailbox nor an alias'],
    ['a@example.net alice@example.com', 'example.net is not a mail domain'],
    ['alice@example.com b@elsewhere.example', 'would no longer receive mail'],
    ['a@example.com @example.org', 'whole domain'],
    ['@example.org @example.net', 'example.net is not a mail domain'],
    ['@example.org @example.org', 'its own target'],
    ['@example.org @example.com alice@example.com', 'whole domain'],
    ['@example.com @example.org', 'mailboxes of its own'],
  ])('%p is refused: %s', (line, reason) => {
    const draft = draftWith(['alice@example.com'], [], ['example.org']);

    expect(() => alias(draft, line)).toThrow(reason);
  });

  test('that would close a loop is refused, and the message shows the loop', () => {
    const draft = draftWith(
      ['alice@example.com'],
      ['one@example.com alice@example.com', 'two@example.com one@example.com'],
    );

    expect(() => alias(draft, 'one@example.com two@example.com')).toThrow(
      'one@example.com -> two@example.com -> one@example.com',
    );
  });

  test('of a mailbox may keep a copy, and its other targets may not send as it', () => {
    const draft = draftWith(
      ['alice@example.com', 'bob@example.com'],
      ['alice@example.com alice@example.com bob@example.com'],
    );

    expect(rows(draft, 'sender').filter((row) => row.startsWith('alice@'))).toEqual([
      'alice@example.com alice@example.com',
    ]);
  });

  test('that is the target of another alias is not removed', () => {
    const draft = draftWith(
      ['alice@example.com'],
      ['one@example.com alice@example.com', 'two@example.com one@example.com'],
    );

    expect(() => removeAlias(draft, parseAliasName('one@example.com'))).toThrow('two@example.com');
  });
});

test('removing a mailbox removes the aliases without another target', () => {
  const draft = draftWith(
    ['alice@example.com', 'bob@example.com'],
    [
      'one@example.com alice@example.com',
      'two@example.com one@example.com',
      'all@example.com alice+x@example.com bob@example.com',
      '@example.com alice@example.com',
      '@example.org @example.com',
    ],
    ['example.org'],
  );

  const { aliasesChanged, aliasesRemoved } = removeMailbox(
    draft,
    parseAddress('alice@example.com'),
  );

  expect(aliasesRemoved as readonly string[]).toEqual([
    'one@example.com',
    '@example.com',
    'two@example.com',
  ]);
  expect(aliasesChanged as readonly string[]).toEqual(['all@example.com']);
  expect([...draft.aliases.keys()] as string[]).toEqual(['all@example.com', '@example.org']);
});

test('a domain in use is not removed, and the message names its users', () => {
  const draft = draftWith(['a@example.org'], ['s@example.com a@example.org'], ['example.org']);
  const remove = () => removeDomain(draft, parseDomain('example.org'), DEFAULTS.domain);

  expect(remove).toThrow(
    'example.org is still in use: mailbox a@example.org, target of s@example.com',
  );
  removeMailbox(draft, parseAddress('a@example.org'));
  expect(remove).not.toThrow();
  expect(() => removeDomain(draft, DEFAULTS.domain, DEFAULTS.domain)).toThrow('own domain');
});

describe('the compiled tables', () => {
  test('route postmaster and abuse of every domain to main.postmaster, unless an alias exists', () => {
    const draft = draftWith(
      ['postmaster@example.com', 'eve@example.org'],
      ['abuse@example.org eve@example.org'],
      ['example.org'],
    );

    expect(rows(draft, 'alias')).toEqual([
      'abuse@example.com postmaster@example.com',
      'abuse@example.org eve@example.org',
      'postmaster@example.org postmaster@example.com',
    ]);
  });

  test('have no role aliases when main.postmaster is not deliverable', () => {
    expect(rows(draftWith(['alice@example.com']), 'alias')).toEqual([]);
  });

  test('contain every name of a domain also for its alias domain', () => {
    const draft = draftWith(
      ['alice@example.com'],
      [
        'sales@example.com alice@example.com',
        '@example.com alice@example.com',
        '@example.org @example.com',
      ],
      ['example.org'],
    );

    expect(rows(draft, 'domain')).toEqual(['example.com ', 'example.org example.com']);
    // the catch-all receives for the postmaster too
    expect(rows(draft, 'alias').filter((row) => /^\w*@example.org/.test(row))).toEqual([
      '@example.org alice@example.com',
      'abuse@example.org postmaster@example.com',
      'alice@example.org alice@example.com',
      'postmaster@example.org postmaster@example.com',
      'sales@example.org alice@example.com',
    ]);
    expect(rows(draft, 'sender')).toEqual([
      '@example.com alice@example.com',
      '@example.org alice@example.com',
      'alice@example.com alice@example.com',
      'alice@example.org alice@example.com',
      'sales@example.com alice@example.com',
      'sales@example.org alice@example.com',
    ]);
  });

  test('have no sender row for an alias of an alias or a suspended login', () => {
    const draft = draftWith(
      ['alice@example.com', 'bob@example.com'],
      ['one@example.com alice@example.com bob@example.com', 'two@example.com one@example.com'],
    );
    changeMailbox(draft, { address: parseAddress('bob@example.com'), active: false });

    expect(rows(draft, 'sender')).toEqual([
      'alice@example.com alice@example.com',
      'one@example.com alice@example.com',
    ]);
    expect(rows(draft, 'mailbox')[1]).toBe(`bob@example.com example.com bob ${HASH} 0 `);
  });
});

test.each([
  ['1G', 2 ** 30],
  ['1.5g', 1.5 * 2 ** 30],
  ['500MB', 500 * 2 ** 20],
  ['10485760', 10485760],
  ['unlimited', 0],
  ['0', 0],
  ['default', null],
])('the quota %p is %p bytes', (text, bytes) => {
  expect(parseQuota(text)).toBe(bytes);
  expect(parseQuota(formatQuota(bytes))).toBe(bytes);
});

test.each(['-1', '1X', '1 G', '10', '1e9', '99999T', '1G nologin', '1G:', 'NaN', '1G\nx'])(
  'the quota %p is refused',
  (text) => {
    expect(() => parseQuota(text)).toThrow('is not a quota');
  },
);
