// All that `mailctl web` answers. It knows no account and has no right: each page asks serve. What a stranger sends is
// limited in size, compared with the names of this server, and never becomes markup.

import { Hono, type Next } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { csrf } from 'hono/csrf';
import { HTTPException } from 'hono/http-exception';
import { secureHeaders } from 'hono/secure-headers';
import type { ServerFacts } from '../front/requests.ts';
import { account } from './account.ts';
import type { Desk } from './ask.ts';
import { clientSetup } from './client-setup/client-setup.ts';
import { invitation } from './invitation.ts';
import { chooseTexts } from './language.ts';
import { STYLE, STYLE_PATH } from './page.ts';
import { clientAddress, showFault, type Variables, type Visit } from './visit.ts';

const MAX_BODY = 16 * 1024;
const YEAR = 'public, max-age=31536000, immutable';

/** The host name of the request, without the port. */
function hostOf(visit: Visit): string {
  return (visit.req.header('host') ?? '').toLowerCase().replace(/:\d+$/, '');
}

const HEADERS = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", 'data:'],
    formAction: ["'self'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  },
  xFrameOptions: 'DENY',
  // links of invitations are secrets; with no-referrer, browsers would not tell the origin of a form
  referrerPolicy: 'same-origin',
  strictTransportSecurity: 'max-age=31536000',
});

export interface WebOptions {
  readonly desk: Desk;
  now(): Date;
  /** Says what failed, without what a client has sent. */
  log(text: string): void;
}

/** What is answered under a name: all, the settings of mail programs, the MTA-STS policy, or nothing. */
function scopeOf(host: string, { hostname, domains }: ServerFacts): Scope {
  const under = (label: string) => domains.some((domain) => host === `${label}.${domain}`);
  if (host === hostname || under('webmail')) return 'all';
  if (under('mta-sts')) return 'mta-sts';
  const isSetup = domains.includes(host) || under('autoconfig') || under('autodiscover');
  return isSetup ? 'setup' : 'none';
}

type Scope = 'all' | 'setup' | 'mta-sts' | 'none';

/** RFC 8461 3.3. */
function answerPolicy(visit: Visit) {
  const { mtaSts } = visit.var.facts;
  const isPolicy = visit.req.path === '/.well-known/mta-sts.txt' && mtaSts !== null;
  return isPolicy ? visit.text(mtaSts) : showFault(visit, 'missing');
}

function createPages(): App {
  const pages: App = new Hono();
  pages.use(csrf({ origin: (origin, visit) => origin === `https://${hostOf(visit as Visit)}` }));
  pages.get(STYLE_PATH, (visit) => {
    visit.header('Cache-Control', YEAR);
    return visit.body(STYLE, 200, { 'Content-Type': 'text/css; charset=utf-8' });
  });
  pages.get('/', (visit) => visit.redirect('/account', 302));
  pages.route('/account', account);
  pages.route('/invite', invitation);
  return pages;
}

type App = Hono<{ Variables: Variables }>;

/** What every request is looked at first. */
function createGate({ desk, now }: WebOptions) {
  return async (visit: Visit, next: Next) => {
    const facts = await desk.facts();
    visit.set('texts', chooseTexts(visit.req.header('accept-language')));
    visit.set('from', clientAddress(visit.req.header('x-forwarded-for')));
    visit.set('host', hostOf(visit));
    visit.set('now', now());
    visit.set('desk', desk);
    visit.set('facts', facts ?? UNKNOWN);
    // the content is for one person, and may be gone at the next request
    visit.header('Cache-Control', 'no-store');
    if (facts === null) return showFault(visit, 'away');
    const scope = scopeOf(visit.var.host, facts);
    if (scope === 'none') return showFault(visit, 'foreign');
    if (scope === 'mta-sts') return answerPolicy(visit);
    visit.set('isSetupOnly', scope === 'setup');
    return next();
  };
}

export function createWeb(options: WebOptions): App {
  const app: App = new Hono();
  app.use(HEADERS);
  app.use(createGate(options));
  app.use(bodyLimit({ maxSize: MAX_BODY }));
  app.route('/', clientSetup);
  app.use(async (visit, next) => {
    if (visit.var.isSetupOnly) return showFault(visit, 'missing');
    return next();
  });
  app.route('/', createPages());
  app.notFound((visit) => showFault(visit, 'missing'));
  app.onError((error, visit) => {
    if (error instanceof HTTPException) {
      return showFault(visit, error.status === 413 ? 'large' : 'malformed');
    }
    options.log(
      `${visit.req.method} ${visit.req.path.split('/')[1]?.slice(0, 20) ?? ''}: ${error.name}`,
    );
    return showFault(visit, 'failed');
  });
  return app;
}

/** Before serve has answered once. */
const UNKNOWN: ServerFacts = {
  hostname: '',
  domains: [],
  ports: { imaps: null, imap: null, pop3s: null, pop3: null, smtps: null, submission: null },
  mtaSts: null,
};
