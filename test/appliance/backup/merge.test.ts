// Which messages of one mail folder are added to another.

import { expect, test } from 'bun:test';
import { ALL_MAIL, mergeMail, mergeQueue } from '../../../src/appliance/backup/merge.ts';
import type { MergedFolder } from '../../../src/host/untrusted-merge.ts';

const folder = (parts: string, names: readonly string[], there?: Record<string, string[]>) =>
  ({
    parts: parts.split('/'),
    names,
    isNew: there === undefined,
    beside: (name) => there?.[name] ?? [],
  }) satisfies MergedFolder;

const chosen = (one: MergedFolder, rule = mergeMail(ALL_MAIL)) => Object.fromEntries(rule(one));

test('a message is known by its base name, in cur and in new, whatever its flags', () => {
  const there = { cur: ['1.a:2,S', '2.b:2,'], new: ['3.c'] };

  expect(
    chosen(folder('example.test/alice/cur', ['1.a:2,RS', '3.c:2,S', '4.d:2,'], there)),
  ).toEqual({
    '4.d:2,': '4.d:2,',
  });
  expect(chosen(folder('example.test/alice/.Work/new', ['2.b', '5.e'], there))).toEqual({
    '5.e': '5.e',
  });
});

test('keywords, whose letters mean something else in the other folder, are dropped; other flags stay', () => {
  const there = { cur: [], new: [] };

  expect(chosen(folder('example.test/alice/cur', ['1.a:2,FSab'], there))).toEqual({
    '1.a:2,FSab': '1.a:2,FS',
  });
});

test('a folder that is missing there is added whole, without what Dovecot makes again', () => {
  const names = ['dovecot-uidlist', 'dovecot-keywords', 'dovecot.index.cache', 'maildirfolder'];

  expect(Object.keys(chosen(folder('example.test/alice/.Old', names)))).toEqual([
    'dovecot-uidlist',
    'dovecot-keywords',
    'maildirfolder',
  ]);
  expect(chosen(folder('example.test/alice/.Old/cur', ['1.a:2,Sa']))).toEqual({
    '1.a:2,Sa': '1.a:2,Sa',
  });
  expect(chosen(folder('example.test/alice/.Old/tmp', ['1.a']))).toEqual({});
});

test('UID list and subscriptions of a folder that exists stay as they are', () => {
  expect(chosen(folder('example.test/alice', ['dovecot-uidlist', 'subscriptions'], {}))).toEqual(
    {},
  );
});

test('for one mailbox or message nothing else is added', () => {
  const there = { cur: [], new: [] };
  const alice = mergeMail({
    mailbox: ['example.test', 'alice'],
    isWanted: (name) => name === '2.b',
  });

  expect(chosen(folder('example.test/bob/cur', ['2.b:2,S'], there), alice)).toEqual({});
  expect(chosen(folder('other.test/alice/cur', ['2.b:2,S'], there), alice)).toEqual({});
  expect(
    Object.keys(chosen(folder('example.test/alice/cur', ['1.a:2,', '2.b:2,S'], there), alice)),
  ).toEqual(['2.b:2,S']);
});

test('a mailbox whose name is that of a Maildir folder is not mistaken for one', () => {
  expect(chosen(folder('example.test/cur', ['1.a'], { cur: [], new: [] }))).toEqual({});
});

test('of the queue, mail is added and sockets and pid files are not', () => {
  const there = { deferred: [], active: ['4dKNmS2kF2z9'] };

  expect(chosen(folder('active', ['4dKNmS2kF2z9', '4dKNmS2kF2z8'], there), mergeQueue)).toEqual({
    '4dKNmS2kF2z8': '4dKNmS2kF2z8',
  });
  expect(chosen(folder('pid', ['master.pid'], there), mergeQueue)).toEqual({});
});
