// Downloads one file.

import { open, rm } from 'node:fs/promises';
import { MailctlError } from '../errors.ts';
import type { Files } from './files.ts';

export interface Downloads {
  /** Fetches `url` into the file `to`, of at most `limit` bytes. A failed transfer leaves no file. */
  fetch(url: string, target: { to: string; limit: number }): Promise<void>;
}

const QUIET_LIMIT_MS = 60_000;

const REDIRECTS = 5;

/** Follows redirects, but never from HTTPS to plain HTTP. */
async function follow(url: string, left = REDIRECTS): Promise<Response> {
  const signal = AbortSignal.timeout(30 * QUIET_LIMIT_MS);
  const response = await fetch(url, { signal, redirect: 'manual' });
  const location = response.headers.get('location');
  if (response.status < 300 || response.status > 399 || location === null) return response;
  const next = new URL(location, url);
  if (left === 0) throw new Error('too many redirects');
  if (url.startsWith('https:') && next.protocol !== 'https:') {
    throw new Error(`it redirects from HTTPS to ${next.protocol}//${next.host}`);
  }
  return follow(next.href, left - 1);
}

async function requestFile(url: string): Promise<Response> {
  let response: Response;
  try {
    response = await follow(url);
  } catch (error) {
    throw new MailctlError('IMAGE_MISSING', `cannot fetch ${url}: ${(error as Error).message}`, {
      hint: 'check the URL and the network, or use --image FILE',
      cause: error,
    });
  }
  if (response.ok && response.body !== null) return response;
  throw new MailctlError('IMAGE_MISSING', `${url} answers ${response.status}`, {
    hint: 'check main.image, or use --image FILE',
  });
}

async function download(url: string, path: string, limit: number): Promise<void> {
  const response = await requestFile(url);
  const handle = await open(path, 'w', 0o600);
  try {
    let written = 0;
    for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
      written += piece.length;
      if (written > limit) {
        throw new MailctlError('IMAGE_INVALID', `${url} is larger than ${limit} bytes`);
      }
      await handle.write(piece);
    }
    await handle.sync();
  } catch (error) {
    await rm(path, { force: true });
    if (error instanceof MailctlError) throw error;
    throw new MailctlError('IMAGE_MISSING', `the transfer of ${url} was interrupted`, {
      cause: error,
    });
  } finally {
    await handle.close();
  }
}

export function createDownloads(files: Pick<Files, 'path'>): Downloads {
  return { fetch: (url, { to, limit }) => download(url, files.path(to), limit) };
}
