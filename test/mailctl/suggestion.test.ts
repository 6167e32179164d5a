import { expect, test } from 'bun:test';
import { findMeant } from '../../src/mailctl/suggestion.ts';
import { WORDS } from '../../src/mailctl/words.ts';

const FIRST = WORDS.map(({ name }) => name);
const USER = [
  'add',
  'del',
  'list',
  'passwd',
  'show',
  'quota',
  'suspend',
  'resume',
  'import',
  'export',
];

test.each([
  ['create', USER, 'add'],
  ['remove', USER, 'del'],
  ['DELETE', USER, 'del'],
  ['ls', USER, 'list'],
  ['info', USER, 'show'],
  ['password', USER, 'passwd'],
  ['disable', USER, 'suspend'],
  ['enable', USER, 'resume'],
  ['shwo', USER, 'show'],
  ['exprot', USER, 'export'],
  ['remove', ['add', 'del', 'list'], 'del'],
  ['show', ['add', 'del', 'list'], 'list'],
  ['list', ['show', 'rotate', 'revoke', 'step'], 'show'],
  ['renew', ['show', 'rotate', 'revoke', 'step'], 'rotate'],
  ['show', ['generate', 'send', 'enable', 'disable'], 'generate'],
  ['remove', ['list', 'unban'], 'unban'],
  ['remove', ['list', 'show', 'flush', 'hold', 'release', 'delete'], 'delete'],
  ['mailbox', FIRST, 'user'],
  ['users', FIRST, 'user'],
  ['log', FIRST, 'logs'],
  ['mailq', FIRST, 'queue'],
  ['cert', FIRST, 'ssl-status'],
  ['upgrade', FIRST, 'install'],
  ['instal', FIRST, 'install'],
  ['remove', FIRST, 'uninstall'],
  ['xyzzy', FIRST, undefined],
])('%s among %j is meant as %s', (typed, names, meant) => {
  expect(findMeant(typed, names)).toBe(meant as string);
});
