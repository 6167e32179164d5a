// JSON over HTTPS: the certificate is verified, a redirect is an error (credentials go to one host only), time
// and size are limited. `query` only reads, `send` changes something.

import { MailctlError } from '../errors.ts';
import { presentable } from './programs.ts';

export interface WebRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  /** Credentials belong here, never in the URL. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Text to remove from errors. */
  readonly secrets?: readonly string[];
}

export interface WebAnswer {
  readonly status: number;
  /** The parsed body; its text if it is not JSON, null if it is empty. */
  readonly data: unknown;
  /** Seconds from Retry-After. */
  readonly retryAfter: number | null;
}

export interface Web {
  /** Throws CONNECTION_FAILED without a complete answer in time. */
  query(request: WebRequest): Promise<WebAnswer>;
  /** Throws as `query` does; it is then unknown whether the change was made. */
  send(request: WebRequest): Promise<WebAnswer>;
}

const TIMEOUT_MS = 20_000;
const MAX_BYTES = 4 * 1024 * 1024;

/** Seconds from a Retry-After header (RFC 9110 10.2.3), in either of its forms. */
export function retryAfterSeconds(header: string | null, now: Date): number | null {
  if (header === null) return null;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header);
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, Math.ceil((date - now.getTime()) / 1000));
}

async function readLimited(response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of (response.body ?? []) as unknown as AsyncIterable<Uint8Array>) {
    size += piece.length;
    if (size > MAX_BYTES) throw new Error(`the answer is larger than ${MAX_BYTES} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function parseBody(text: string): unknown {
  if (text.trim() === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    // a proxy's error page counts as an answer: the caller checks its status
    return text;
  }
}

async function request({ method, url, headers, body, secrets }: WebRequest): Promise<WebAnswer> {
  try {
    const response = await fetch(url, {
      ...{ method, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) },
      headers: { Accept: 'application/json', ...headers },
      ...(body === undefined ? {} : { body }),
      // explicit, so that no environment variable can disable it
      tls: { rejectUnauthorized: true },
    });
    const retryAfter = retryAfterSeconds(response.headers.get('Retry-After'), new Date());
    return { status: response.status, data: parseBody(await readLimited(response)), retryAfter };
  } catch (error) {
    const { host } = new URL(url);
    const why = presentable((error as Error).message, secrets ?? [], 1);
    throw new MailctlError('CONNECTION_FAILED', `${host} cannot be reached: ${why}`);
  }
}

export function createWeb(): Web {
  return { query: request, send: request };
}
