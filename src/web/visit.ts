// What the routes share: the context of one request, its answers, and the pages of refusals.

import type { Context } from 'hono';
import { html } from 'hono/html';
import type { Refusal, ServerFacts } from '../front/requests.ts';
import { parseIp } from '../host/ip.ts';
import type { Desk } from './ask.ts';
import { type Frame, type Markup, renderPage } from './page.ts';
import type { Texts } from './texts/en.ts';

/** Set for every request before its route runs. */
export interface Variables {
  readonly desk: Desk;
  readonly facts: ServerFacts;
  readonly texts: Texts;
  /** The host name of the request, without the port. */
  readonly host: string;
  readonly now: Date;
  /** A name such as autoconfig.example.com, under which there are no pages. */
  readonly isSetupOnly: boolean;
  /** The client's address, as the web server in front has seen it. */
  readonly from: string;
}

export type Visit = Context<{ Variables: Variables }>;

/** Of a client without an address: of a web server that does not name its clients. */
const UNKNOWN_CLIENT = '::';

/** The web server in front sets the header anew; what a client has put into it would come before that. */
export function clientAddress(header: string | undefined): string {
  const last = header?.split(',').at(-1)?.trim() ?? '';
  return parseIp(last) === undefined ? UNKNOWN_CLIENT : last;
}

interface Answer extends Pick<Frame, 'title' | 'signedIn'> {
  readonly content: Markup;
  readonly status?: 200 | 400 | 401 | 403 | 404 | 409 | 413 | 421 | 429 | 500 | 503;
}

export function showPage(visit: Visit, { title, content, signedIn, status }: Answer) {
  const frame = { texts: visit.var.texts, hostname: visit.var.facts.hostname, title };
  const page = renderPage({ ...frame, ...(signedIn ? { signedIn } : {}) }, content);
  return visit.html(page, status ?? 200);
}

/** The value of a form's field; null for one that is missing, or a file. */
export async function readForm(visit: Visit): Promise<(name: string) => string | null> {
  const form = await visit.req.parseBody();
  return (name) => {
    const value = form[name];
    return typeof value === 'string' && !value.includes('\0') ? value : null;
  };
}

export type Fault = Refusal | 'large' | 'away' | 'missing' | 'foreign';

const STATUS_OF = {
  malformed: 400,
  large: 413,
  link: 404,
  login: 403,
  session: 403,
  password: 400,
  name: 400,
  later: 429,
  busy: 503,
  failed: 500,
  away: 503,
  missing: 404,
  foreign: 421,
} as const satisfies Readonly<Record<Fault, number>>;

const words = (texts: Texts): Readonly<Record<Fault, readonly [title: string, text: string]>> => ({
  malformed: [texts.malformedTitle, texts.malformed],
  large: [texts.malformedTitle, texts.malformed],
  link: [texts.linkTitle, texts.link],
  login: [texts.signInTitle, texts.problemLogin],
  session: [texts.sessionTitle, texts.session],
  password: [texts.invitationTitle, texts.problemUnfit],
  name: [texts.appTitle, texts.problemName],
  later: [texts.laterTitle, texts.later],
  busy: [texts.busyTitle, texts.busy],
  failed: [texts.failedTitle, texts.failed],
  away: [texts.awayTitle, texts.away],
  missing: [texts.missingTitle, texts.missing],
  foreign: [texts.foreignTitle, texts.foreign],
});

/** Seconds after which a busy or restarted server is worth another attempt. */
const RETRY_AFTER = '10';

/** The page of a refusal. */
export function showFault(visit: Visit, fault: Fault) {
  const [title, text] = words(visit.var.texts)[fault];
  const status = STATUS_OF[fault];
  const signIn = fault === 'session' || fault === 'later' ? visit.var.texts.signIn : null;
  if (status === 503) visit.header('Retry-After', RETRY_AFTER);
  const link = signIn === null ? '' : html`<p><a href="/account">${signIn}</a></p>`;
  return showPage(visit, {
    title,
    status,
    content: html`<section><p>${text}</p>${link}</section>`,
  });
}
