// The closed list: what is not on it is refused, whoever asks.

import { afterEach, beforeEach, expect, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import { createMailbox } from '../../../src/appliance/accounts/mailboxes.ts';
import { hashPassword } from '../../../src/appliance/accounts/password.ts';
import { parseAddress } from '../../../src/appliance/address.ts';
import { appliancePaths } from '../../../src/appliance/paths.ts';
import {
  createSelfService,
  type SelfService,
} from '../../../src/appliance/self-service/self-service.ts';
import { readSettings } from '../../../src/appliance/settings/uci-file.ts';
import { createHost } from '../../../src/host/host.ts';
import { createRouter, type Router } from '../../cli/router.ts';

const TOKEN = 'A'.repeat(43);
const FROM = '203.0.113.9';
const PASSWORD = 'seven red bicycles';

let router: Router;
let service: SelfService;
let log: string[];

beforeEach(async () => {
  router = createRouter();
  log = [];
  const host = createHost({ root: router.root, env: process.env, say: (text) => log.push(text) });
  const settings = await readSettings(host, '/etc/config/mailserver');
  const target = { settings, paths: appliancePaths(settings) };
  const alice = { address: parseAddress('alice@example.com'), hash: hashPassword(PASSWORD) };
  await createMailbox(host, target, alice);
  service = await createSelfService(host, {
    target: () => target,
    log: (text) => log.push(text),
  });
});
afterEach(() => router.remove());

const ask = async (request: unknown) =>
  JSON.parse(await service.answer(JSON.stringify(request))) as { ok: boolean; refusal?: string };

const redeem = { ask: 'redeem', token: TOKEN, password: PASSWORD, from: FROM };

test.each([
  ['nothing', null],
  ['no request', {}],
  ['a request that is not on the list', { ask: 'list-users' }],
  ['the name of a method of every object', { ask: 'constructor' }],
  ['a field more', { ask: 'server', token: TOKEN }],
  ['a field less', { ask: 'account', session: TOKEN }],
  [
    "another's name beside a session",
    { ask: 'account', session: TOKEN, address: 'bob', from: FROM },
  ],
  ['a token of another form', { ...redeem, token: '../../etc/passwd' }],
  ['a token that is a list', { ...redeem, token: [TOKEN] }],
  ['a password that is too long', { ...redeem, password: 'x'.repeat(1025) }],
  ['a client that is not an address', { ...redeem, from: 'everybody' }],
  ['a list', [{ ask: 'server' }]],
])('%s is refused as malformed', async (_, request) => {
  const before = router.accounts('users');

  expect(await ask(request)).toEqual({ ok: false, refusal: 'malformed' });
  expect(router.accounts('users')).toBe(before);
});

test.each(['', '{', '"server"', '\u0000', '{"ask":"server"', '[]', '1'])(
  'the line %p is refused as malformed',
  async (line) => {
    expect(JSON.parse(await service.answer(line))).toEqual({ ok: false, refusal: 'malformed' });
  },
);

test('requests outside of the list are said once a minute, without their content', async () => {
  for (let n = 0; n < 50; n += 1) await ask({ ask: 'read-file', path: '/etc/shadow', n });

  expect(log).toEqual(['mailctl web has asked for what is not on its list, and was refused']);
});

test('a session that was never opened opens nothing', async () => {
  const session = TOKEN;
  const refused = { ok: false, refusal: 'session' };

  expect(await ask({ ask: 'account', session, from: FROM })).toEqual(refused);
  const change = { ask: 'set-password', session, old: PASSWORD, password: 'another good one' };
  expect(await ask({ ...change, from: FROM })).toEqual(refused);
  expect(await ask({ ask: 'sign-out', session, everywhere: true, from: FROM })).toEqual(refused);
});

test('the public facts hold no account and no secret', async () => {
  const text = await service.answer('{"ask":"server"}');

  expect(JSON.parse(text).answer.hostname).toBe('mail.example.com');
  expect(text).not.toContain('alice');
});

test('what is stored of a session does not open it', async () => {
  const request = { ask: 'sign-in', address: 'alice@example.com', password: PASSWORD, from: FROM };
  const { answer } = (await ask(request)) as unknown as { answer: { session: string } };

  const folder = `${router.root}/srv/mailserver/self-service`;
  const texts = await Promise.all(
    readdirSync(folder).map((name) => Bun.file(`${folder}/${name}`).text()),
  );
  expect(texts.join('')).toContain('alice@example.com');
  expect(texts.join('')).not.toContain(answer.session);
  expect([...log, ...texts].join('')).not.toContain(PASSWORD);
});
