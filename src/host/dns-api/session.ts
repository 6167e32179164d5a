// Requests to a provider's API: the meaning of its statuses, and the retries while it is busy.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../host.ts';
import { presentable } from '../programs.ts';
import type { WebRequest } from '../web.ts';

export interface ApiCall {
  readonly method: WebRequest['method'];
  /** With the leading slash and the query. */
  readonly path: string;
  readonly body?: unknown;
  /** Statuses that are not errors. */
  readonly accept?: readonly number[];
}

export interface ApiAnswer {
  readonly status: number;
  readonly data: unknown;
}

export interface ApiManner {
  /** The provider's name in messages: `OVH`. */
  readonly title: string;
  /** With the version, without a final slash. */
  readonly base: string;
  readonly secrets: readonly string[];
  headers(call: { method: string; url: string; body: string }): Promise<Record<string, string>>;
  /** The provider's error message; null without one. */
  explain(data: unknown): string | null;
  /** True when the credentials are rejected. */
  isDenied(status: number, data: unknown): boolean;
}

export interface ApiSession {
  /** Throws DNS_DENIED, DNS_REFUSED; `Busy` when a retry may succeed. */
  call(call: ApiCall): Promise<ApiAnswer>;
  /** Retries `work`, which must be repeatable, while the provider is busy. Throws DNS_UNREACHABLE. */
  patiently<T>(work: () => Promise<T>): Promise<T>;
}

/** No answer, or an answer that asks for a retry. */
class Busy extends MailctlError {
  constructor(
    message: string,
    readonly retryAfter: number | null,
  ) {
    super('DNS_UNREACHABLE', message, {
      hint: 'repeat the command later; it continues where it stopped',
    });
  }
}

const ATTEMPTS = 4;
const LONGEST_WAIT_S = 60;
const BUSY_STATUSES = [408, 429, 500, 502, 503, 504];

export function createSession(host: Host, manner: ApiManner): ApiSession {
  const { title, base, secrets } = manner;
  const shown = (text: string) => presentable(text, secrets, 3).slice(0, 400);

  const call = async ({ method, path, body, accept = [] }: ApiCall): Promise<ApiAnswer> => {
    const url = `${base}${path}`;
    const text = body === undefined ? '' : JSON.stringify(body);
    const headers = await manner.headers({ method, url, body: text });
    const answer = await (method === 'GET' ? host.web.query : host.web.send)({
      ...{ method, url, secrets },
      headers: { ...headers, ...(text === '' ? {} : { 'Content-Type': 'application/json' }) },
      ...(text === '' ? {} : { body: text }),
    }).catch((error: unknown) => {
      if (!(error instanceof MailctlError)) throw error;
      throw new Busy(`the API of ${title} does not answer: ${error.message}`, null);
    });
    const { status, data, retryAfter } = answer;
    if (status < 300 || accept.includes(status)) return { status, data };
    const words = shown(manner.explain(data) ?? `HTTP status ${status}`);
    if (BUSY_STATUSES.includes(status)) {
      throw new Busy(`the API of ${title} is busy (${status}): ${words}`, retryAfter);
    }
    if (manner.isDenied(status, data)) {
      throw new MailctlError('DNS_DENIED', `${title} does not accept the credentials: ${words}`, {
        hint: 'correct /etc/config/dns-provider, then repeat the command',
      });
    }
    throw new MailctlError('DNS_REFUSED', `${title} refuses (${status}): ${words}`);
  };

  const patiently = async <T>(work: () => Promise<T>): Promise<T> => {
    let waited = 0;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof Busy)) throw error;
        const pause = error.retryAfter ?? 2 ** (attempt - 1);
        waited += pause;
        if (attempt === ATTEMPTS || waited > LONGEST_WAIT_S) throw error;
        host.say(`${error.message}; retry in ${pause} s`);
        await host.clock.sleep(pause * 1000);
      }
    }
  };
  return { call, patiently };
}

/** A field of an answer; undefined when the answer is not an object. */
export function fieldOf(data: unknown, name: string): unknown {
  if (typeof data !== 'object' || data === null) return undefined;
  return (data as Record<string, unknown>)[name];
}

export function listOf(data: unknown): readonly unknown[] {
  return Array.isArray(data) ? data : [];
}
