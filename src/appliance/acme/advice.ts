// The CA's renewal information (ARI, RFC 9773): the suggested time of renewal.

import type { X509Certificate } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  X509Certificate as ParsedCertificate,
} from '@peculiar/x509';
import { MailctlError } from '../../errors.ts';
import type { AcmeSession } from '../../host/acme.ts';
import type { Host } from '../../host/host.ts';
import type { RenewalAdvice } from './state.ts';

/** Interval without a Retry-After from the CA (RFC 9773 4.3.2). */
const ASK_AGAIN_S = 6 * 3600;
const MOST_SECONDS = 24 * 3600;
const LEAST_SECONDS = 600;

/** RFC 9773 4.1; null for a certificate that does not name its issuer's key. */
export function certificateId(leaf: X509Certificate): string | null {
  const parsed = new ParsedCertificate(leaf.raw);
  const issuer = parsed.getExtension(AuthorityKeyIdentifierExtension)?.keyId;
  if (issuer === undefined) return null;
  const hex =
    parsed.serialNumber.length % 2 === 0 ? parsed.serialNumber : `0${parsed.serialNumber}`;
  const serial = Buffer.from(hex, 'hex');
  // DER: without the zero byte, a set first bit would make the number negative
  const der = (serial[0] ?? 0) > 127 ? Buffer.concat([Buffer.from([0]), serial]) : serial;
  return `${Buffer.from(issuer, 'hex').toString('base64url')}.${der.toString('base64url')}`;
}

function windowOf(data: unknown): { start: string; end: string } | null {
  const { suggestedWindow } = (typeof data === 'object' && data !== null ? data : {}) as {
    suggestedWindow?: { start?: unknown; end?: unknown };
  };
  const start = new Date(String(suggestedWindow?.start ?? ''));
  const end = new Date(String(suggestedWindow?.end ?? ''));
  if (Number.isNaN(start.getTime()) || Number.isNaN(end.getTime())) return null;
  return { start: start.toISOString(), end: end.toISOString() };
}

/** null when the CA offers none. A failed request is reported, not thrown. */
export async function askAdvice(
  host: Host,
  session: AcmeSession,
  leaf: X509Certificate,
): Promise<RenewalAdvice | null> {
  const { renewalInfo } = session.resources;
  const certificate = certificateId(leaf);
  if (renewalInfo === undefined || certificate === null) return null;
  try {
    const answer = await session.read(`${renewalInfo.replace(/\/$/, '')}/${certificate}`);
    const window = windowOf(answer?.data);
    if (answer === null || window === null) return null;
    const asked = answer.retryAfter ?? ASK_AGAIN_S;
    const seconds = Math.min(Math.max(asked, LEAST_SECONDS), MOST_SECONDS);
    const askAgainAt = new Date(host.clock.now().getTime() + seconds * 1000).toISOString();
    return { certificate, ...window, askAgainAt };
  } catch (error) {
    if (!(error instanceof MailctlError)) throw error;
    host.say(`the CA's renewal information is not available: ${error.message}`);
    return null;
  }
}
