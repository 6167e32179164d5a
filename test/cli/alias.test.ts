import { afterEach, beforeEach, expect, test } from 'bun:test';
import { createRouter, HASH, type Router } from './router.ts';

let router: Router;
beforeEach(async () => {
  router = createRouter();
  await router.mailctl(`user add alice@example.com --hash ${HASH}`);
});
afterEach(() => router.remove());

const aliases = () => router.rows('SELECT address, target FROM alias ORDER BY 1, 2');

test('alias add makes an alias with several targets; repeated, it is a no-op', async () => {
  const line = 'alias add Sales@example.com alice@example.com bob@elsewhere.example';
  const { status, stdout } = await router.mailctl(line);

  expect({ status, stdout }).toEqual({
    status: 0,
    stdout: 'sales@example.com alice@example.com, bob@elsewhere.example\n',
  });
  expect((await router.mailctl(line)).stderr).toBe(
    'no change: the alias already has these targets\n',
  );
  expect(router.accounts('valias')).toBe(stdout);
  expect(aliases()).toEqual([
    'sales@example.com alice@example.com',
    'sales@example.com bob@elsewhere.example',
  ]);
  expect(JSON.parse((await router.mailctl('alias list --json')).stdout)).toEqual({
    v: 1,
    aliases: [
      { address: 'sales@example.com', targets: ['alice@example.com', 'bob@elsewhere.example'] },
    ],
  });
});

test('a catch-all and a whole domain may be aliases', async () => {
  await router.mailctl('domain add other.example');
  await router.mailctl('alias add @example.com alice@example.com');
  const { status } = await router.mailctl('alias add @other.example @example.com');

  expect(status).toBe(0);
  expect(aliases()).toContain('@other.example alice@example.com');
  expect(aliases()).toContain('alice@other.example alice@example.com');
  expect(router.rows("SELECT target FROM domain WHERE name = 'other.example'")).toEqual([
    'example.com',
  ]);
});

test('alias del removes a target, then the alias, and prints the command to undo', async () => {
  await router.mailctl('alias add s@example.com alice@example.com b@elsewhere.example');

  const one = await router.mailctl('alias del s@example.com b@elsewhere.example');
  expect(one.stdout).toBe('s@example.com alice@example.com\n');
  expect(one.stderr).toBe('to undo: mailctl alias add s@example.com b@elsewhere.example\n');
  expect((await router.mailctl('alias del s@example.com')).stdout).toBe('deleted s@example.com\n');
  expect(aliases()).toEqual([]);
  expect((await router.mailctl('alias del s@example.com')).status).toBe(67);
});

test.each([
  ['s@example.com nobody@example.com', 64, 'hint: mailctl user add nobody@example.com'],
  ['s@other.example alice@example.com', 67, 'hint: mailctl domain add other.example'],
  ['alice@example.com b@elsewhere.example', 64, 'would no longer receive mail'],
  ['s@example.com |/bin/sh', 64, 'is not a mail address'],
  ['s@example.com /etc/passwd', 64, 'is not a mail address'],
  ['s@example.com :include:/etc/passwd', 64, 'is not a mail address'],
  ['s@example.com a@elsewhere.example\nroot@example.com', 64, 'is not a mail address'],
  ['# alice@example.com', 64, 'is not a mail address'],
])('alias add %s is refused and leaves no trace', async (words, status, told) => {
  const answer = await router.mailctl(`alias add ${words}`);

  expect(answer.status).toBe(status);
  expect(answer.stderr).toContain(told);
  expect(router.accounts('valias')).toBe('');
  expect(aliases()).toEqual([]);
});
