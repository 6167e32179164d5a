// The account of a person who has signed in. The session is a cookie that scripts cannot read and that no other site's
// form sends along; what it opens is decided by serve at each request.

import { Hono } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { html } from 'hono/html';
import type { AccountFacts } from '../front/requests.ts';
import { appPasswordSection, isUse, newAppPassword, useText } from './app-passwords.ts';
import { settingsTable } from './client-setup/settings-table.ts';
import { fill } from './language.ts';
import { doneLine, field, hiddenUserName, newPasswordFields, problemLine } from './page.ts';
import { type Fault, readForm, showFault, showPage, type Variables, type Visit } from './visit.ts';

/** With the prefix `__Host-`: only this host name, over HTTPS, can set it. */
const COOKIE = 'account';
const PREFIX = { prefix: 'host' } as const;

function keepSession(visit: Visit, session: string): void {
  const options = { ...PREFIX, path: '/', secure: true, httpOnly: true } as const;
  setCookie(visit, COOKIE, session, { ...options, sameSite: 'Strict' });
}

function dropSession(visit: Visit): void {
  deleteCookie(visit, COOKIE, { ...PREFIX, path: '/', secure: true });
}

const sessionOf = (visit: Visit): string | undefined => getCookie(visit, COOKIE, 'host');

/** The web server in front counts this status of a POST as a wrong password, and nothing else has it. */
const FAILED_LOGIN = 401;

interface Said {
  readonly problem?: string;
  readonly done?: string;
  readonly address?: string;
  readonly status?: 200 | 400 | 401;
}

function showSignIn(visit: Visit, { problem, done, address }: Said) {
  const { texts } = visit.var;
  const user = { name: 'address', label: texts.address, autocomplete: 'username' } as const;
  const content = html`<section>
${problemLine(problem ?? null)}${done === undefined ? '' : doneLine(done)}
<form method="post" action="/account/sign-in">
${field({ ...user, ...(address === undefined ? {} : { value: address }) })}
${field({ name: 'password', label: texts.password, autocomplete: 'current-password' })}
<button>${texts.signIn}</button>
</form>
</section>`;
  const status = problem === undefined ? 200 : FAILED_LOGIN;
  return showPage(visit, { title: texts.signInTitle, content, status });
}

function showAccount(visit: Visit, facts: AccountFacts, said: Said) {
  const { address } = facts;
  const { problem, done, status = problem === undefined ? 200 : 400 } = said;
  const { texts } = visit.var;
  const used = facts.lastUse === null ? '' : html`<p>${useText(texts.lastUse, facts.lastUse)}</p>`;
  const content = html`${problemLine(problem ?? null)}${done === undefined ? '' : doneLine(done)}
<section>
<p class="address">${fill(texts.accountIntro, { address })}</p>${used}
</section>
<section>
<h2>${texts.changeTitle}</h2>
<form method="post" action="/account/password">
${hiddenUserName(address)}
${field({ name: 'old', label: texts.currentPassword, autocomplete: 'current-password' })}
${newPasswordFields(texts)}
<button>${texts.changePassword}</button>
</form>
</section>
${appPasswordSection(texts, facts)}
<section>
<h2>${texts.everywhereTitle}</h2>
<p>${texts.everywhereIntro}</p>
<form method="post" action="/account/sign-out-everywhere"><button class="plain">${texts.everywhere}</button></form>
</section>
${settingsTable(texts, visit.var.facts, address)}`;
  return showPage(visit, { title: texts.accountTitle, content, signedIn: true, status });
}

/** The account of the session; a page instead where there is none. */
async function signedIn(
  visit: Visit,
): Promise<{ session: string; account: AccountFacts } | { page: Response }> {
  const session = sessionOf(visit);
  if (session === undefined) return { page: await showSignIn(visit, {}) };
  const { desk, from } = visit.var;
  const reply = await desk.ask<'account'>({ ask: 'account', session, from });
  if (reply?.ok) return { session, account: reply.answer };
  if (reply === null) return { page: await showFault(visit, 'away') };
  // a cookie that is not a token is as good as none
  const ended = reply.refusal === 'session' || reply.refusal === 'malformed';
  if (!ended) return { page: await showFault(visit, reply.refusal) };
  dropSession(visit);
  return { page: await showSignIn(visit, {}) };
}

async function signIn(visit: Visit) {
  const { desk, from, texts } = visit.var;
  const form = await readForm(visit);
  const [address, password] = [form('address'), form('password')];
  if (address === null || password === null) return showFault(visit, 'malformed');
  const reply = await desk.ask<'sign-in'>({ ask: 'sign-in', address, password, from });
  if (reply?.ok) {
    keepSession(visit, reply.answer.session);
    return visit.redirect('/account', 303);
  }
  if (reply?.refusal !== 'login') return showFault(visit, reply?.refusal ?? 'away');
  return showSignIn(visit, { problem: texts.problemLogin, address });
}

async function changePassword(visit: Visit) {
  const { desk, from, texts } = visit.var;
  const there = await signedIn(visit);
  if ('page' in there) return there.page;
  const { session, account } = there;
  const form = await readForm(visit);
  const [old, password] = [form('old'), form('password')];
  if (old === null || password === null) return showFault(visit, 'malformed');
  if (password !== form('repeat'))
    return showAccount(visit, account, { problem: texts.problemDiffer });
  const ask = { ask: 'set-password', session, old, password, from } as const;
  const reply = await desk.ask<'set-password'>(ask);
  if (reply?.ok) {
    keepSession(visit, reply.answer.session);
    return showAccount(visit, account, { done: texts.passwordChanged });
  }
  return showRefused(visit, account, reply?.refusal ?? 'away');
}

/** The account with the problem of a form, or the page of another refusal. */
function showRefused(visit: Visit, account: AccountFacts, fault: Fault) {
  const { texts } = visit.var;
  if (fault === 'login') {
    return showAccount(visit, account, { problem: texts.problemCurrent, status: FAILED_LOGIN });
  }
  if (fault === 'password') return showAccount(visit, account, { problem: texts.problemUnfit });
  if (fault === 'name') return showAccount(visit, account, { problem: texts.problemName });
  return showFault(visit, fault);
}

/** The account as it is after a change. */
async function showAgain(visit: Visit, said: Said) {
  const there = await signedIn(visit);
  return 'page' in there ? there.page : showAccount(visit, there.account, said);
}

async function signOut(visit: Visit, everywhere: boolean) {
  const { desk, from, texts } = visit.var;
  const session = sessionOf(visit);
  if (session === undefined) return showSignIn(visit, {});
  const whole = everywhere ? ({ everywhere } as const) : {};
  const ask = { ask: 'sign-out', session, from, ...whole } as const;
  const reply = await desk.ask<'sign-out'>(ask);
  if (reply === null) return showFault(visit, 'away');
  const ended = reply.ok || reply.refusal === 'session' || reply.refusal === 'malformed';
  if (!ended) return showFault(visit, reply.refusal);
  dropSession(visit);
  return showSignIn(visit, { done: texts.signedOut });
}

async function addAppPassword(visit: Visit) {
  const { desk, from, texts } = visit.var;
  const there = await signedIn(visit);
  if ('page' in there) return there.page;
  const form = await readForm(visit);
  const [name, use, password] = [form('name'), form('use'), form('password')];
  if (name === null || password === null || !isUse(use)) return showFault(visit, 'malformed');
  const ask = {
    ask: 'add-app-password',
    session: there.session,
    name,
    use,
    password,
    from,
  } as const;
  const reply = await desk.ask<'add-app-password'>(ask);
  if (!reply?.ok) return showRefused(visit, there.account, reply?.refusal ?? 'away');
  const content = newAppPassword(texts, name, reply.answer.password);
  return showPage(visit, { title: texts.appNewTitle, content, signedIn: true });
}

async function revokeAppPassword(visit: Visit) {
  const { desk, from, texts } = visit.var;
  const there = await signedIn(visit);
  if ('page' in there) return there.page;
  const id = (await readForm(visit))('id') ?? '';
  const ask = { ask: 'remove-app-password', session: there.session, id, from } as const;
  const reply = await desk.ask<'remove-app-password'>(ask);
  if (!reply?.ok) return showRefused(visit, there.account, reply?.refusal ?? 'away');
  return showAgain(visit, { done: texts.appRevoked });
}

async function requireAppPasswords(visit: Visit) {
  const { desk, from, texts } = visit.var;
  const there = await signedIn(visit);
  if ('page' in there) return there.page;
  const form = await readForm(visit);
  const [on, password] = [form('on') === 'yes', form('password')];
  if (password === null) return showFault(visit, 'malformed');
  const ask = { ask: 'require-app-passwords', session: there.session, on, password, from } as const;
  const reply = await desk.ask<'require-app-passwords'>(ask);
  if (!reply?.ok) return showRefused(visit, there.account, reply?.refusal ?? 'away');
  return showAgain(visit, { done: on ? texts.appRequired : texts.appNotRequired });
}

export const account = new Hono<{ Variables: Variables }>()
  .get('/', async (visit) => {
    const there = await signedIn(visit);
    return 'page' in there ? there.page : showAccount(visit, there.account, {});
  })
  .post('/sign-in', signIn)
  .post('/password', changePassword)
  .post('/app-passwords', addAppPassword)
  .post('/app-passwords/revoke', revokeAppPassword)
  .post('/app-passwords/require', requireAppPasswords)
  .post('/sign-out', (visit) => signOut(visit, false))
  .post('/sign-out-everywhere', (visit) => signOut(visit, true));
