// One page: the frame around its content. `html` escapes every value, so text of people and mail cannot become markup.

import { html } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';
import { digestText } from '../host/digest.ts';
import { fill } from './language.ts';
import { readStyle } from './style.macro.ts' with { type: 'macro' };
import type { Texts } from './texts/en.ts';

/** What `html` makes. */
export type Markup = HtmlEscapedString | Promise<HtmlEscapedString>;

export const STYLE: string = readStyle();
/** Changes with the style, so that browsers may keep it for a year. */
export const STYLE_PATH = `/style-${digestText(STYLE).slice(0, 12)}.css`;

export interface Frame {
  readonly texts: Texts;
  readonly hostname: string;
  readonly title: string;
  /** A person is signed in: the page offers to sign out. */
  readonly signedIn?: boolean;
}

const signOutButton = (texts: Texts): Markup =>
  html`<form method="post" action="/account/sign-out"><button>${texts.signOut}</button></form>`;

export function renderPage({ texts, hostname, title, signedIn }: Frame, content: Markup): Markup {
  const product = fill(texts.product, { hostname });
  return html`<!doctype html>
<html lang="${texts.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title} · ${product}</title>
<link rel="stylesheet" href="${STYLE_PATH}">
<link rel="icon" href="data:,">
</head>
<body>
<header><p>${product}</p>${signedIn ? signOutButton(texts) : ''}</header>
<main>
<h1>${title}</h1>
${content}
</main>
</body>
</html>
`;
}

/** What went wrong with a form, said where a screen reader begins. */
export function problemLine(problem: string | null): Markup {
  return problem === null ? html`` : html`<p class="problem" role="alert">${problem}</p>`;
}

export function doneLine(done: string): Markup {
  return html`<p class="done" role="status">${done}</p>`;
}

interface Field {
  readonly name: string;
  /** Where it is not the name: a page may have several forms. */
  readonly id?: string;
  readonly label: string;
  readonly autocomplete: 'username' | 'current-password' | 'new-password';
  readonly value?: string;
}

export function field({ name, id = name, label, autocomplete, value }: Field): Markup {
  const type = autocomplete === 'username' ? 'email' : 'password';
  return html`<label for="${id}">${label}</label>
<input id="${id}" name="${name}" type="${type}" autocomplete="${autocomplete}" value="${value ?? ''}" required maxlength="512">`;
}

/** A new password, twice, with its rule. */
export function newPasswordFields(texts: Texts): Markup {
  return html`${field({ name: 'password', label: texts.newPassword, autocomplete: 'new-password' })}
<p class="rule">${texts.passwordRule}</p>
${field({ name: 'repeat', label: texts.repeatPassword, autocomplete: 'new-password' })}`;
}

/** Password managers store the password under this name. */
export function hiddenUserName(address: string): Markup {
  return html`<input type="text" name="username" value="${address}" autocomplete="username" hidden>`;
}
