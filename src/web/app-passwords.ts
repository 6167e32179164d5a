// App passwords on the account page.

import { html } from 'hono/html';
import type { AccountFacts, AppPasswordFacts, Use } from '../front/requests.ts';
import { fill } from './language.ts';
import { field, type Markup } from './page.ts';
import type { Texts } from './texts/en.ts';

const USES = ['all', 'read', 'send'] as const;

export const isUse = (text: string | null): text is AppPasswordFacts['use'] =>
  USES.some((use) => use === text);

/** `2026-11-21 15:04 UTC`, in every language. */
const dateText = (moment: string): string => `${moment.slice(0, 16).replace('T', ' ')} UTC`;

export function useText(text: string, { at, from, protocol }: Use): string {
  const name = protocol.toUpperCase();
  return fill(text, { date: dateText(at), from: from ?? '?', protocol: name });
}

const labelOf = (texts: Texts, use: AppPasswordFacts['use']): string =>
  ({ all: texts.appUseAll, read: texts.appUseRead, send: texts.appUseSend })[use];

function row(texts: Texts, { id, name, use, created, lastUse }: AppPasswordFacts): Markup {
  const used = lastUse === null ? texts.appUnused : useText(texts.appUsed, lastUse);
  const made = fill(texts.appCreated, { date: dateText(created) });
  return html`<li>
<div><strong>${name}</strong><br><span class="rule">${labelOf(texts, use)} · ${made} · ${used}</span></div>
<form method="post" action="/account/app-passwords/revoke"><input type="hidden" name="id" value="${id}"><button class="plain" aria-label="${texts.appRevoke}: ${name}">${texts.appRevoke}</button></form>
</li>`;
}

function requirement(texts: Texts, { appPasswords, appPasswordsOnly }: AccountFacts): Markup {
  if (appPasswords.length === 0 && !appPasswordsOnly) return html``;
  const says = appPasswordsOnly ? texts.appRequired : texts.appNotRequired;
  const button = appPasswordsOnly ? texts.appRelease : texts.appRequire;
  return html`<form method="post" action="/account/app-passwords/require">
<p>${says}</p>
<input type="hidden" name="on" value="${appPasswordsOnly ? 'no' : 'yes'}">
${passwordField(texts, 'require-password')}
<button class="plain">${button}</button>
</form>`;
}

const passwordField = (texts: Texts, id: string): Markup =>
  field({ id, name: 'password', label: texts.currentPassword, autocomplete: 'current-password' });

export function appPasswordSection(texts: Texts, facts: AccountFacts): Markup {
  const options = USES.map((use) => html`<option value="${use}">${labelOf(texts, use)}</option>`);
  const rows = facts.appPasswords.map((one) => row(texts, one));
  return html`<section>
<h2>${texts.appTitle}</h2>
<p>${texts.appIntro}</p>
${rows.length === 0 ? '' : html`<ul class="rows">${rows}</ul>`}
<form method="post" action="/account/app-passwords">
<label for="app-name">${texts.appName}</label>
<input id="app-name" name="name" required maxlength="60" autocomplete="off">
<label for="app-use">${texts.appUse}</label>
<select id="app-use" name="use">${options}</select>
${passwordField(texts, 'app-password')}
<button>${texts.appAdd}</button>
</form>
${requirement(texts, facts)}
</section>`;
}

/** The page that shows a new one, once. */
export function newAppPassword(texts: Texts, name: string, password: string): Markup {
  return html`<section>
<p>${fill(texts.appNew, { name })}</p>
<p class="secret">${password}</p>
<p><a href="/account">${texts.backToAccount}</a></p>
</section>`;
}
