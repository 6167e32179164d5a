// A session with an ACME CA (RFC 8555), using only the documented API of the library acme-client. The library's own
// retries are disabled: the scheduler retries an unreachable or overloaded CA.

import { X509Certificate } from 'node:crypto';
import { Agent } from 'node:https';
import { rootCertificates } from 'node:tls';
import type { Client } from 'acme-client';
import { MailctlError } from '../errors.ts';
import { type Clock, systemClock } from './clock.ts';
import { presentable } from './programs.ts';

export type { Authorization as AcmeAuthorization, Order as AcmeOrder } from 'acme-client';

/** Every method throws an AcmeError. */
export type AcmeClient = Pick<
  Client,
  | 'createOrder'
  | 'getOrder'
  | 'finalizeOrder'
  | 'getAuthorizations'
  | 'getChallengeKeyAuthorization'
  | 'completeChallenge'
  | 'getCertificate'
>;

export interface AcmeSession {
  readonly client: AcmeClient;
  readonly directory: string;
  /** Reads a resource without a signature; null when the CA does not have it. */
  read(url: string): Promise<{ data: unknown; retryAfter: number | null } | null>;
  /** The directory as the CA publishes it. */
  readonly resources: AcmeDirectory;
  /** Seconds from the Retry-After header of the last answer. */
  retryAfter(): number | null;
}

interface AcmeDirectory {
  readonly renewalInfo?: string;
  readonly meta?: { readonly caaIdentities?: readonly string[] };
}

export interface AcmeAccess {
  readonly directory: string;
  /** PEM. */
  readonly accountKey: string;
  /** E-mail address. */
  readonly contact: string;
  /** External account binding (RFC 8555 7.3.4). */
  readonly binding: { readonly kid: string; readonly hmacKey: string } | null;
  /** Certificates (PEM) to trust in addition to the public ones. */
  readonly trusted: string | null;
}

interface Problem {
  readonly status: number;
  /** Without `urn:ietf:params:acme:error:`. */
  readonly type: string;
  readonly detail: string;
  readonly retryAfter: number | null;
}

/** A failed request, with the wait before a retry. */
export class AcmeError extends MailctlError {
  constructor(
    code: 'ACME_UNREACHABLE' | 'ACME_LIMITED' | 'ACME_REFUSED',
    message: string,
    readonly retryAfter: number | null,
    cause?: unknown,
  ) {
    const hint = code === 'ACME_REFUSED' ? 'mailctl dns-check' : 'mailctl ssl-renew   (later)';
    const retryAt =
      retryAfter === null
        ? {}
        : { retryAt: new Date(systemClock.now().getTime() + retryAfter * 1000) };
    super(code, message, { hint, cause, ...retryAt });
  }
}

const REQUEST_TIMEOUT_MS = 30_000;
const MAX_ANSWER = 1024 * 1024;
/**
 * Rounds of a message whose nonce is refused; the library makes six attempts in each. Enough for a CA that refuses half
 * of all nonces. The CA has not acted on a message with a refused nonce (RFC 8555 6.5).
 */
const NONCE_ROUNDS = 5;
const BAD_NONCE = 'badNonce';

function secondsOf(header: unknown, now: Date): number | null {
  const text = String(header ?? '');
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const date = Date.parse(text);
  return Number.isNaN(date) ? null : Math.max(0, Math.ceil((date - now.getTime()) / 1000));
}

interface Answer {
  readonly status: number;
  readonly data: unknown;
  readonly headers: Readonly<Record<string, unknown>>;
}

function problemOf({ status, data, headers }: Answer, now: Date): Problem | null {
  if (status < 400) return null;
  const { type, detail } = (typeof data === 'object' && data !== null ? data : {}) as {
    type?: unknown;
    detail?: unknown;
  };
  return {
    status,
    type: String(type ?? '').replace('urn:ietf:params:acme:error:', ''),
    detail: presentable(String(detail ?? `HTTP status ${status}`)),
    retryAfter: secondsOf(headers['retry-after'], now),
  };
}

interface Seen {
  /** The CA's problem in the current call, which may be several requests; cleared when a later nonce is accepted. */
  problem: Problem | null;
  retryAfter: number | null;
}

/** The library's interceptors retry requests and hide the reason; these report the CA's answer. */
function watch(axios: typeof import('acme-client').axios, now: () => Date, seen: Seen): void {
  axios.interceptors.request.clear();
  axios.interceptors.response.clear();
  axios.interceptors.response.use(
    (answer) => {
      const heard = answer as unknown as Answer;
      const nonceRefused = seen.problem?.type === BAD_NONCE;
      seen.problem = problemOf(heard, now()) ?? (nonceRefused ? null : seen.problem);
      seen.retryAfter = secondsOf(heard.headers['retry-after'], now());
      return answer;
    },
    (error: Error & { code?: string; config?: { url?: string } }) => {
      const url = error.config?.url ?? 'the CA';
      const why = presentable(error.message || (error.code ?? 'no answer'));
      throw new AcmeError('ACME_UNREACHABLE', `${url} cannot be reached: ${why}`, null, error);
    },
  );
}

/**
 * Opens a session, with an account at the CA. Throws ACME_UNREACHABLE, ACME_LIMITED, ACME_REFUSED.
 */
export async function openAcme(clock: Clock, access: AcmeAccess): Promise<AcmeSession> {
  const acme = await import('acme-client');
  const { directory, accountKey, contact, binding, trusted } = access;
  const seen: Seen = { problem: null, retryAfter: null };
  watch(acme.axios, () => clock.now(), seen);
  Object.assign(acme.axios.defaults, {
    timeout: REQUEST_TIMEOUT_MS,
    maxContentLength: MAX_ANSWER,
    ...(trusted === null ? {} : { httpsAgent: new Agent({ ca: [...rootCertificates, trusted] }) }),
  });
  // RFC 8555 6.1
  acme.axios.defaults.headers.common['User-Agent'] = 'mailctl';
  const told: Told = (work) => explain(seen, directory, work);
  const read: AcmeSession['read'] = (url) =>
    told(async () => {
      const { status, data } = await acme.axios.get(url, { validateStatus: null });
      if (status === 404) return null;
      if (status !== 200) throw new Error(`HTTP status ${status}`);
      return { data: data as unknown, retryAfter: seen.retryAfter };
    });
  const resources = await readDirectory(directory, read);
  const client = new acme.Client({
    ...{ directoryUrl: directory, accountKey },
    ...(binding === null ? {} : { externalAccountBinding: { ...binding } }),
  });
  await told(() =>
    client.createAccount({ termsOfServiceAgreed: true, contact: [`mailto:${contact}`] }),
  );
  return {
    ...{ client: explained(client, told), directory, resources, read },
    retryAfter: () => seen.retryAfter,
  };
}

/** Read here, since the library does not expose the directory it reads. */
async function readDirectory(directory: string, read: AcmeSession['read']): Promise<AcmeDirectory> {
  const answer = await read(directory);
  if (typeof answer?.data === 'object' && answer.data !== null) return answer.data;
  const message = `${directory} is not an ACME directory (RFC 8555 7.1.1)`;
  throw new AcmeError('ACME_REFUSED', message, answer?.retryAfter ?? null);
}

/** A request for a certificate (RFC 2986), PEM. @param key private, PEM */
export async function createRequest(names: readonly string[], key: string): Promise<Buffer> {
  const { crypto } = await import('acme-client');
  const [, request] = await crypto.createCsr({ altNames: [...names] }, key);
  return request;
}

/** True when a public CA has issued it. */
export function isPubliclyIssued(certificate: X509Certificate): boolean {
  return rootCertificates.some((root) => certificate.checkIssued(new X509Certificate(root)));
}

type Told = <T>(work: () => Promise<T>) => Promise<T>;

/** The same client with methods that throw AcmeErrors. */
function explained(client: Client, told: Told): AcmeClient {
  return {
    createOrder: (data) => told(() => client.createOrder(data)),
    getOrder: (order) => told(() => client.getOrder(order)),
    finalizeOrder: (order, request) => told(() => client.finalizeOrder(order, request)),
    getAuthorizations: (order) => told(() => client.getAuthorizations(order)),
    getChallengeKeyAuthorization: (challenge) =>
      told(() => client.getChallengeKeyAuthorization(challenge)),
    completeChallenge: (challenge) => told(() => client.completeChallenge(challenge)),
    getCertificate: (order) => told(() => client.getCertificate(order)),
  };
}

async function explain<T>(seen: Seen, directory: string, work: () => Promise<T>): Promise<T> {
  for (let round = 1; ; round += 1) {
    seen.problem = null;
    try {
      return await work();
    } catch (error) {
      if (error instanceof MailctlError) throw error;
      // an interceptor may have assigned it, which the compiler cannot see
      const problem = seen.problem as Problem | null;
      if (problem?.type === BAD_NONCE && round < NONCE_ROUNDS) continue;
      throw errorOf(new URL(directory).host, problem, error);
    }
  }
}

/** @param problem the CA's problem document, if any */
function errorOf(ca: string, problem: Problem | null, cause: unknown): AcmeError {
  if (problem === null) {
    const text = presentable(cause instanceof Error ? cause.message : String(cause));
    const message = `unexpected answer of ${ca}: ${text}`;
    return new AcmeError('ACME_REFUSED', message, null, cause);
  }
  const { type, detail, status, retryAfter } = problem;
  if (type === 'rateLimited' || status === 429) {
    return new AcmeError('ACME_LIMITED', `${ca} rate limits requests: ${detail}`, retryAfter);
  }
  if (status >= 500) {
    return new AcmeError('ACME_UNREACHABLE', `${ca} failed: ${detail}`, retryAfter);
  }
  const kind = type === '' ? '' : `${type}: `;
  return new AcmeError('ACME_REFUSED', `${ca} refuses: ${kind}${detail}`, retryAfter);
}
