// JSON over HTTPS: the certificate is verified, a redirect is an error (credentials go to one host only),
// time and size are limited. `query` only looks, `send` changes something.

import { MailctlError } from '../errors.ts';
import { presentable } from './programs.ts';

export interface WebRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  /** Credentials travel here, never in the URL. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Text that must not appear in an error. */
  readonly secrets?: readonly string[];
}

export interface WebAnswer {
  readonly status: number;
  /** The parsed body; its text where it is not JSON, null where it is empty. */
  readonly data: unknown;
  /** Seconds that the server asks to wait. */
  readonly retryAfter: number | null;
}

export interface Web {
  /** Throws CONNECTION_FAILED when there is no complete answer in time. */
  query(request: WebRequest): Promise<WebAnswer>;
  /** Throws as `query` does; the change may then have been made or not. */
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
    // an error page of a proxy in between is an answer too: the caller judges its status
    return text;
  }
}

async function request({ method, url, headers, body, secrets }: WebRequest): Promise<WebAnswer> {
  try {
    const response = await fetch(url, {
      ...{ method, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) },
      headers: { Accept: 'application/json', ...headers },
      ...(body === undefined ? {} : { body }),
      // said here so that no variable of the environment can switch it off
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
