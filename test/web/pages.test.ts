// The pages with the answering side behind them, over a router's real account files: what a browser is told, and what
// changes. The socket between both is real in test/system/web.test.ts.

import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { createAppPassword } from '../../src/appliance/accounts/app-password.ts';
import { createMailbox, updateMailbox } from '../../src/appliance/accounts/mailboxes.ts';
import { hashPassword } from '../../src/appliance/accounts/password.ts';
import { parseAddress } from '../../src/appliance/address.ts';
import type { Appliance } from '../../src/appliance/appliance.ts';
import { appliancePaths } from '../../src/appliance/paths.ts';
import { invite } from '../../src/appliance/self-service/invite.ts';
import { createSelfService } from '../../src/appliance/self-service/self-service.ts';
import { readSettings } from '../../src/appliance/settings/uci-file.ts';
import { createHost, type Host } from '../../src/host/host.ts';
import { createDesk } from '../../src/web/ask.ts';
import { createWeb } from '../../src/web/web.ts';
import { createRunningRouter, type RunningRouter } from '../cli/running.ts';

const HOST = 'mail.example.com';
const ALICE = parseAddress('alice@example.com');
const PASSWORD = 'seven red bicycles';
const NEW = 'eleven green kettles';
const CLIENT = '203.0.113.9';

let router: RunningRouter;
let host: Host;
let log: string[];
/** Milliseconds by which the clock of serve is ahead. */
let ahead: number;
let away: boolean;
let target: Appliance;
let app: ReturnType<typeof createWeb>;

beforeEach(async () => {
  router = createRunningRouter(`  doveadm*) ;;`);
  const config = await Bun.file(`${router.root}/etc/config/mailserver`).text();
  const ignoring = config.replace("'fail2ban'", "'fail2ban'\n\tlist ignore '192.0.2.0/24'");
  router.write('/etc/config/mailserver', `${ignoring}config web 'web'\n\toption enabled '1'\n`);
  const env = { ...process.env, PATH: `${router.root}/bin:${process.env.PATH}` };
  [log, ahead, away] = [[], 0, false];
  const real = createHost({ root: router.root, env, say: (text) => log.push(text) });
  const clock = { ...real.clock, now: () => new Date(Date.now() + ahead) };
  host = { ...real, clock };
  const settings = await readSettings(host, '/etc/config/mailserver');
  target = { settings, paths: appliancePaths(settings) };
  const service = await createSelfService(host, {
    target: () => target,
    log: (text) => log.push(text),
  });
  const send = async (line: string) => {
    if (away) throw new Error('away');
    return service.answer(line);
  };
  const desk = createDesk({ send, now: () => clock.now().getTime() });
  app = createWeb({ desk, now: clock.now, log: (text) => log.push(text) });
});
afterEach(() => router.remove());

interface Sending {
  readonly headers?: Record<string, string>;
  readonly cookie?: string;
  readonly from?: string;
}

const base = ({ headers = {}, cookie, from = CLIENT }: Sending) => ({
  Host: HOST,
  'X-Forwarded-For': from,
  ...(cookie === undefined ? {} : { Cookie: cookie }),
  ...headers,
});

const get = (path: string, sending: Sending = {}) =>
  app.request(`http://${HOST}${path}`, { headers: base(sending) });

const post = (path: string, form: Record<string, string>, sending: Sending = {}) =>
  app.request(`http://${HOST}${path}`, {
    method: 'POST',
    body: new URLSearchParams(form),
    headers: {
      Origin: `https://${HOST}`,
      'Content-Type': 'application/x-www-form-urlencoded',
      ...base(sending),
    },
  });

async function addAlice(): Promise<void> {
  await createMailbox(host, target, { address: ALICE, hash: hashPassword(PASSWORD) });
}

/** As the administrator does it with `mailctl user passwd`. */
async function resetPassword(password: string): Promise<void> {
  await updateMailbox(host, target, ALICE, { hash: hashPassword(password) });
}

async function inviteAlice(): Promise<string> {
  const { link } = await invite(host, target, ALICE);
  return new URL(link).pathname;
}

const isPassword = async (password: string) => {
  const [, hash = ''] =
    /^alice@example\.com:\{ARGON2ID\}([^:]+):/.exec(router.accounts('users')) ?? [];
  return Bun.password.verify(password, hash);
};

const both = (password: string) => ({ password, repeat: password });

const cookieOf = (response: Response) =>
  (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '';

async function signIn(): Promise<string> {
  const response = await post('/account/sign-in', { address: ALICE, password: PASSWORD });
  expect(response.status).toBe(303);
  return cookieOf(response);
}

describe('an invitation', () => {
  test('makes the mailbox, lets the person choose the password, and works once', async () => {
    const path = await inviteAlice();
    const form = await (await get(path)).text();
    expect(form).toContain(ALICE);

    const ready = await post(path, both(NEW));

    expect(ready.status).toBe(200);
    expect(await ready.text()).toContain('993');
    expect(await isPassword(NEW)).toBe(true);
    expect((await get(path)).status).toBe(404);
    expect((await post(path, both('a third password'))).status).toBe(404);
    expect(await isPassword(NEW)).toBe(true);
    expect(router.inside()).toContain(`doveadm kick ${ALICE}`);
  });

  test('survives being opened, a typing error and a common password', async () => {
    const path = await inviteAlice();
    await get(path);

    const differ = await post(path, { password: NEW, repeat: 'another' });
    const common = await post(path, both('password1'));

    expect([differ.status, common.status]).toEqual([400, 400]);
    expect(await differ.text()).toContain('role="alert"');
    expect(await (await get(path)).text()).toContain(ALICE);
  });

  test('is void after two days, after a newer one, and when the password changes otherwise', async () => {
    const first = await inviteAlice();
    const second = await inviteAlice();
    expect((await get(first)).status).toBe(404);
    expect((await get(second)).status).toBe(200);

    await resetPassword(PASSWORD);
    expect((await post(second, both(NEW))).status).toBe(404);

    const third = await inviteAlice();
    ahead = 48 * 3_600_000;
    expect((await get(third)).status).toBe(404);
    expect(await isPassword(PASSWORD)).toBe(true);
  });

  test('cannot be guessed: a client that tries is refused, and others are not', async () => {
    const path = await inviteAlice();
    const guess = (n: number) => `/invite/${String(n).repeat(43)}`;
    const guesses = [];
    for (let n = 0; n < 6; n += 1) guesses.push((await get(guess(n))).status);

    expect(guesses).toEqual([404, 404, 404, 404, 404, 429]);
    expect((await get(path)).status).toBe(429);
    expect((await get(path, { from: '198.51.100.4' })).status).toBe(200);
  });

  test('is in no file and no log in a form that opens it', async () => {
    const path = await inviteAlice();
    const token = path.split('/').at(-1) ?? '';
    await post(path, both(NEW));

    const stored = await Bun.file(
      `${router.root}/srv/mailserver/self-service/invitations.json`,
    ).text();
    expect([stored, ...log].filter((text) => text.includes(token) || text.includes(NEW))).toEqual(
      [],
    );
  });
});

describe('signing in', () => {
  beforeEach(addAlice);

  test('opens the account with a cookie that only this host can set and no script can read', async () => {
    const response = await post('/account/sign-in', { address: ALICE, password: PASSWORD });

    expect(response.headers.get('set-cookie')).toMatch(
      /^__Host-account=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    );
    const page = await get('/account', { cookie: cookieOf(response) });
    expect(await page.text()).toContain(ALICE);
  });

  test.each([
    [ALICE, 'wrong password'],
    ['nobody@example.com', PASSWORD],
    ['not an address', PASSWORD],
  ])('as %s with %s is refused in the same words', async (address, password) => {
    const response = await post('/account/sign-in', { address, password });

    expect(response.status).toBe(401);
    expect(await response.text()).toContain('Address or password is wrong.');
    expect(response.headers.get('set-cookie')).toBeNull();
  });

  test('is refused after five failures of a client, also with the right password', async () => {
    const attempt = (password: string, from = CLIENT) =>
      post('/account/sign-in', { address: ALICE, password }, { from });
    for (let n = 0; n < 5; n += 1) expect((await attempt(`wrong ${n}`)).status).toBe(401);

    expect((await attempt(PASSWORD)).status).toBe(429);
    expect((await attempt(PASSWORD, '198.51.100.4')).status).toBe(303);
    ahead = 3_601_000;
    expect((await attempt(PASSWORD)).status).toBe(303);
  });

  test('is not refused to a client of fail2ban.ignore, until the account itself is', async () => {
    const attempt = (n: number) => {
      const form = { address: ALICE, password: `wrong ${n}` };
      return post('/account/sign-in', form, { from: '192.0.2.7' });
    };
    const statuses = [];
    for (let n = 0; n < 21; n += 1) statuses.push((await attempt(n)).status);

    expect(statuses).toEqual([...Array(20).fill(401), 429]);
  });

  test('counts a /64 as one client, and what a client claims to be as nothing', async () => {
    const attempt = (from: string) =>
      post('/account/sign-in', { address: ALICE, password: 'wrong one' }, { from });
    for (let n = 1; n < 6; n += 1) await attempt(`198.51.100.${n}, 2001:db8::${n}`);

    expect((await attempt('2001:db8::77')).status).toBe(429);
    expect((await attempt('2001:db8:0:1::77')).status).toBe(401);
  });

  test('ends with the session: signing out, half an hour without a request, another password', async () => {
    const [one, two, three] = [await signIn(), await signIn(), await signIn()];
    const isIn = async (cookie: string) =>
      (await (await get('/account', { cookie })).text()).includes('Sign out everywhere');
    await post('/account/sign-out', {}, { cookie: one });
    expect([await isIn(one), await isIn(two)]).toEqual([false, true]);

    ahead = 31 * 60_000;
    expect(await isIn(two)).toBe(false);
    ahead = 0;
    expect(await isIn(three)).toBe(true);
    await resetPassword(NEW);
    expect(await isIn(three)).toBe(false);
  });

  test('everywhere ends every session and the connections of mail programs', async () => {
    const [one, two] = [await signIn(), await signIn()];

    await post('/account/sign-out-everywhere', {}, { cookie: one });

    const page = await (await get('/account', { cookie: two })).text();
    expect(page).toContain('Sign in to your account');
    expect(router.inside()).toContain(`doveadm kick ${ALICE}`);
  });
});

describe('changing the password', () => {
  beforeEach(addAlice);

  test('needs the old one, ends other sessions and keeps this one', async () => {
    const [here, elsewhere] = [await signIn(), await signIn()];
    const wrong = await post('/account/password', { old: 'wrong', ...both(NEW) }, { cookie: here });
    expect(wrong.status).toBe(401);

    const form = { old: PASSWORD, ...both(NEW) };
    const changed = await post('/account/password', form, { cookie: here });

    expect(await changed.text()).toContain('The password is changed.');
    expect(await isPassword(NEW)).toBe(true);
    const still = await get('/account', { cookie: cookieOf(changed) });
    expect(await still.text()).toContain('Sign out everywhere');
    const gone = await get('/account', { cookie: elsewhere });
    expect(await gone.text()).toContain('Sign in to your account');
  });
});

describe('app passwords', () => {
  beforeEach(addAlice);

  const add = (cookie: string, form: Record<string, string> = {}) =>
    post(
      '/account/app-passwords',
      { name: 'phone', use: 'all', password: PASSWORD, ...form },
      {
        cookie,
      },
    );
  const idOf = (page: string) => /name="id" value="([0-9a-f]{16})"/.exec(page)?.[1] ?? '';

  test('are shown once, listed with their use, and revoked', async () => {
    const cookie = await signIn();
    const shown = await (await add(cookie, { use: 'read' })).text();
    const secret = /class="secret">([a-z0-9-]{23})</.exec(shown)?.[1] ?? '';
    expect(secret).not.toBe('');

    const page = await (await get('/account', { cookie })).text();
    expect(page).toContain('only receive mail');
    expect(page).not.toContain(secret);
    expect(router.accounts('users')).toContain('app_password=');
    expect([router.accounts('users'), ...log].join('')).not.toContain(secret);

    await post('/account/app-passwords/revoke', { id: idOf(page) }, { cookie });
    expect(router.accounts('users')).not.toContain('app_password=');
    expect(router.inside()).toContain(`doveadm kick ${ALICE}`);
  });

  test.each([
    ['a wrong password', { password: 'wrong' }, 401],
    ['an empty name', { name: ' ' }, 400],
    ['a name with a colon', { name: 'a:b' }, 400],
    ['another use', { use: 'everything' }, 400],
  ])('are not made with %s', async (_, form, status) => {
    const cookie = await signIn();

    expect((await add(cookie, form)).status).toBe(status);
    expect(router.accounts('users')).not.toContain('app_password=');
  });

  test('of others cannot be revoked', async () => {
    const bob = parseAddress('bob@example.com');
    const { stored } = createAppPassword({ name: 'phone', use: 'all' }, new Date());
    await createMailbox(host, target, { address: bob, hash: hashPassword(PASSWORD) });
    await updateMailbox(host, target, bob, { appPasswords: [stored] });
    const cookie = await signIn();

    await post('/account/app-passwords/revoke', { id: stored.id }, { cookie });

    expect(router.accounts('users')).toContain(stored.id);
  });

  test('can be required of mail programs, and no longer', async () => {
    const cookie = await signIn();
    await add(cookie);
    const switchTo = (on: string, password = PASSWORD) =>
      post('/account/app-passwords/require', { on, password }, { cookie });

    expect((await switchTo('yes', 'wrong')).status).toBe(401);
    expect(await (await switchTo('yes')).text()).toContain('need an app password');
    expect(router.accounts('users')).toContain('app_passwords_only');
    await switchTo('no');
    expect(router.accounts('users')).not.toContain('app_passwords_only');
  });

  test('are gone after an invitation: whoever had the mailbox may have made them', async () => {
    const cookie = await signIn();
    await add(cookie);

    await post(await inviteAlice(), both(NEW));

    expect(router.accounts('users')).not.toContain('app_password=');
  });
});

describe('every page', () => {
  test('forbids scripts, frames and other origins, and is not stored', async () => {
    const { headers } = await get('/account');

    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
    expect(policy).not.toContain('script-src');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('same-origin');
    expect(headers.get('strict-transport-security')).toMatch(/max-age=31536000/);
    expect(headers.get('cache-control')).toBe('no-store');
  });

  test.each([
    ['de, fr-CA;q=0.8, en;q=0.5', 'fr', 'Connexion à votre compte'],
    ['zh-CN', 'zh', '登录您的账户'],
    ['de', 'en', 'Sign in to your account'],
    ['fr;q=0, *', 'en', 'Sign in to your account'],
  ])('in the language of %p is %s', async (header, language, title) => {
    const text = await (await get('/account', { headers: { 'Accept-Language': header } })).text();

    expect(text).toContain(`<html lang="${language}">`);
    expect(text).toContain(title);
  });

  test.each(['evil.example', 'mail.example.com.evil.example', '', 'MAIL.example.org:443'])(
    'under the foreign name %p is refused',
    async (name) => {
      const { status } = await get('/account', { headers: { Host: name } });

      expect(status).toBe(421);
    },
  );

  test('is refused to forms of other sites, with their origin or without one', async () => {
    await addAlice();
    const form = { address: ALICE, password: PASSWORD };
    const foreign = { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' };
    const none = { Origin: 'null' };
    const types = { Origin: 'https://evil.example', 'Content-Type': 'application/json' };

    for (const headers of [foreign, none, types]) {
      const response = await post('/account/sign-in', form, { headers });
      expect([response.status >= 400, response.headers.get('set-cookie')]).toEqual([true, null]);
    }
  });

  test('shows what people have typed as text', async () => {
    const address = '"><script>alert(1)</script>';
    const page = await post('/account/sign-in', { address, password: 'x' });

    const text = await page.text();
    expect(text).not.toContain('<script');
    expect(text).toContain('&lt;script&gt;');
  });

  test.each([
    ['too large a form', { address: ALICE, password: 'x'.repeat(20_000) }, 413],
    ['too long a password', { address: ALICE, password: 'x'.repeat(2000) }, 400],
    ['a form without its fields', { address: ALICE }, 400],
    ['a NUL character', { address: ALICE, password: 'a\0b' }, 400],
  ])('answers %s', async (_, form, status) => {
    expect((await post('/account/sign-in', form as Record<string, string>)).status).toBe(status);
  });

  test('says that serve is away, and works again when it is back', async () => {
    expect((await get('/account')).status).toBe(200);
    await addAlice();
    const cookie = await signIn();
    away = true;

    const response = await get('/account', { cookie });

    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '10']);
    expect(response.headers.get('set-cookie')).toBeNull();
    away = false;
    expect((await get('/account', { cookie })).status).toBe(200);
  });

  test('and the style together are below 60 KB', async () => {
    await addAlice();
    const page = await get('/account', { cookie: await signIn() });
    const text = await page.text();
    const style = /href="(\/style-[^"]+)"/.exec(text)?.[1] ?? '';
    const { length } = await (await get(style)).text();

    expect(length).toBeGreaterThan(1000);
    expect(text.length + length).toBeLessThan(60_000);
  });

  test('five hundred at once are all answered', async () => {
    await addAlice();
    const attempts = Array.from({ length: 500 }, (_, n) =>
      post(
        '/account/sign-in',
        { address: ALICE, password: `wrong ${n}` },
        { from: `198.51.${n >> 8}.${n & 255}` },
      ),
    );
    const statuses = (await Promise.all(attempts)).map(({ status }) => status);

    expect(statuses.filter((status) => ![401, 429, 503].includes(status))).toEqual([]);
    expect((await get('/account')).status).toBe(200);
  });
});
