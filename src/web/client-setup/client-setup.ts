// The answers to mail programs that look for their settings, by the ways of Mozilla, Microsoft and Apple. They tell what
// everybody may know: servers and ports. Whether an address exists is not told.

import { Hono } from 'hono';
import type { Variables, Visit } from '../visit.ts';
import { appleProfile } from './apple.ts';
import {
  autodiscoverAnswer,
  autodiscoverError,
  autodiscoverJson,
  requestedAddress,
} from './autodiscover.ts';
import { mozillaConfig } from './mozilla.ts';
import { ownAddress } from './servers.ts';

const XML = { 'Content-Type': 'text/xml; charset=utf-8' };

/** The domain in a name such as `autoconfig.example.com`. */
const domainIn = (host: string): string => host.replace(/^(?:autoconfig|autodiscover)\./, '');

function answerMozilla(visit: Visit) {
  const { facts, host } = visit.var;
  const address = ownAddress(facts, visit.req.query('emailaddress'));
  const domain = address?.slice(address.lastIndexOf('@') + 1) ?? domainIn(host);
  if (!facts.domains.includes(domain)) return visit.notFound();
  return visit.body(mozillaConfig(facts, domain, address), 200, XML);
}

async function answerAutodiscover(visit: Visit) {
  const { facts, now } = visit.var;
  const asked =
    visit.req.method === 'POST'
      ? requestedAddress(await visit.req.text())
      : (visit.req.query('Email') ?? visit.req.query('email'));
  const address = ownAddress(facts, asked);
  if (address !== null) return visit.body(autodiscoverAnswer(facts, address), 200, XML);
  return visit.body(autodiscoverError(asked === undefined ? 600 : 500, now), 200, XML);
}

function answerJson(visit: Visit) {
  const protocol = visit.req.query('Protocol') ?? visit.req.query('protocol');
  const answer = autodiscoverJson(visit.var.host, protocol);
  if (answer !== null) return visit.json(answer);
  const refusal = {
    ErrorCode: 'ProtocolNotSupported',
    ErrorMessage: 'The protocol is not supported.',
  };
  return visit.json(refusal, 400);
}

function answerApple(visit: Visit) {
  const { facts } = visit.var;
  const address = ownAddress(facts, visit.req.query('address'));
  const profile = address === null ? null : appleProfile(facts, address);
  if (profile === null) return visit.notFound();
  return visit.body(profile, 200, {
    'Content-Type': 'application/x-apple-aspen-config; charset=utf-8',
    'Content-Disposition': 'attachment; filename="mail.mobileconfig"',
  });
}

/** Outlook writes these paths in several cases. */
const AUTODISCOVER = '/:folder{[Aa]uto[Dd]iscover}';

export const clientSetup = new Hono<{ Variables: Variables }>()
  .get('/mail/config-v1.1.xml', answerMozilla)
  .get('/.well-known/autoconfig/mail/config-v1.1.xml', answerMozilla)
  .on(['GET', 'POST'], `${AUTODISCOVER}/:file{[Aa]uto[Dd]iscover\\.xml}`, answerAutodiscover)
  .get(`${AUTODISCOVER}/:file{[Aa]uto[Dd]iscover\\.json}`, answerJson)
  .get(`${AUTODISCOVER}/:file{[Aa]uto[Dd]iscover\\.json}/v1.0/:address`, answerJson)
  .get('/profile', answerApple);
