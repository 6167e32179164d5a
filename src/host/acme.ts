// A session with a CA that speaks ACME (RFC 8555). The library's own repetition is taken out: a CA that
// is away or overloaded is left alone until the scheduler tries again.

import { X509Certificate } from 'node:crypto';
import { Agent } from 'node:https';
import { rootCertificates } from 'node:tls';
import type { Client } from 'acme-client';
import { MailctlError } from '../errors.ts';
import { type Clock, systemClock } from './clock.ts';
import { presentable } from './programs.ts';

export interface AcmeSession {
  readonly client: Client;
  readonly directory: string;
  /** Reads a resource that needs no signature; null when the CA does not have it. */
  read(url: string): Promise<{ data: unknown; retryAfter: number | null } | null>;
  /** The directory as the CA publishes it. */
  readonly resources: AcmeDirectory;
  /** Seconds that the last answer asked to wait. */
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
  /** Certificates (PEM) that are trusted beside the public ones. */
  readonly trusted: string | null;
}

interface Problem {
  readonly status: number;
  /** Without `urn:ietf:params:acme:error:`. */
  readonly type: string;
  readonly detail: string;
  readonly retryAfter: number | null;
}

/** What a failed attempt tells about the next one. */
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
/** Each costs one request; a CA that refuses half of all nonces gets every message through. */
const NONCE_ATTEMPTS = 25;

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

/** The library's interceptors repeat requests and hide why; these tell what the CA said. */
function watch(
  axios: typeof import('acme-client').axios,
  now: () => Date,
  seen: { problem: Problem | null; retryAfter: number | null },
): void {
  axios.interceptors.request.clear();
  axios.interceptors.response.clear();
  axios.interceptors.response.use(
    (answer) => {
      const heard = answer as unknown as Answer;
      seen.problem = problemOf(heard, now());
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
 * Opens a session and makes sure of the account. Throws ACME_UNREACHABLE, ACME_LIMITED, ACME_REFUSED.
 */
export async function openAcme(clock: Clock, access: AcmeAccess): Promise<AcmeSession> {
  const acme = await import('acme-client');
  const { directory, accountKey, contact, binding, trusted } = access;
  const seen: { problem: Problem | null; retryAfter: number | null } = {
    problem: null,
    retryAfter: null,
  };
  watch(acme.axios, () => clock.now(), seen);
  Object.assign(acme.axios.defaults, {
    timeout: REQUEST_TIMEOUT_MS,
    maxContentLength: MAX_ANSWER,
    ...(trusted === null ? {} : { httpsAgent: new Agent({ ca: [...rootCertificates, trusted] }) }),
  });
  // RFC 8555 6.1
  acme.axios.defaults.headers.common['User-Agent'] = 'mailctl';
  const client = new acme.Client({
    ...{ directoryUrl: directory, accountKey },
    ...(binding === null ? {} : { externalAccountBinding: { ...binding } }),
  });
  const { http } = client as unknown as {
    http: { maxBadNonceRetries: number; getDirectory(): Promise<AcmeDirectory> };
  };
  http.maxBadNonceRetries = NONCE_ATTEMPTS;
  const told = <T>(work: () => Promise<T>) => explain(seen, directory, work);
  const resources = await told(() => http.getDirectory());
  await told(() =>
    client.createAccount({ termsOfServiceAgreed: true, contact: [`mailto:${contact}`] }),
  );
  return {
    client: explained(client, told),
    directory,
    resources,
    retryAfter: () => seen.retryAfter,
    read: (url) =>
      told(async () => {
        const { status, data } = await acme.axios.get(url, { validateStatus: null });
        if (status === 404) return null;
        if (status !== 200) throw new Error(`HTTP status ${status}`);
        return { data: data as unknown, retryAfter: seen.retryAfter };
      }),
  };
}

/** A request for a certificate (RFC 2986), PEM. @param key private, PEM */
export async function createRequest(names: readonly string[], key: string): Promise<Buffer> {
  const { crypto } = await import('acme-client');
  const [, request] = await crypto.createCsr({ altNames: [...names] }, key);
  return request;
}

/** True when a CA that every mail program knows has issued it. */
export function isPubliclyIssued(certificate: X509Certificate): boolean {
  return rootCertificates.some((root) => certificate.checkIssued(new X509Certificate(root)));
}

/** The same client, whose methods throw what an operator can read. */
function explained(client: Client, told: <T>(work: () => Promise<T>) => Promise<T>): Client {
  return new Proxy(client, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...words: unknown[]) => {
        const answer: unknown = member.apply(target, words);
        return answer instanceof Promise ? told(() => answer) : answer;
      };
    },
  });
}

async function explain<T>(
  seen: { problem: Problem | null },
  directory: string,
  work: () => Promise<T>,
): Promise<T> {
  seen.problem = null;
  try {
    return await work();
  } catch (error) {
    if (error instanceof MailctlError) throw error;
    const ca = new URL(directory).host;
    // what was thrown in between is assigned behind the compiler's back
    const problem = seen.problem as Problem | null;
    if (problem === null) {
      const text = presentable(error instanceof Error ? error.message : String(error));
      const message = `the answer of ${ca} was not understood: ${text}`;
      throw new AcmeError('ACME_REFUSED', message, null, error);
    }
    const { type, detail, status, retryAfter } = problem;
    if (type === 'rateLimited' || status === 429) {
      throw new AcmeError(
        'ACME_LIMITED',
        `${ca} limits how often it is asked: ${detail}`,
        retryAfter,
      );
    }
    if (status >= 500) {
      throw new AcmeError('ACME_UNREACHABLE', `${ca} is out of order: ${detail}`, retryAfter);
    }
    const kind = type === '' ? '' : `${type}: `;
    throw new AcmeError('ACME_REFUSED', `${ca} refuses: ${kind}${detail}`, retryAfter);
  }
}
