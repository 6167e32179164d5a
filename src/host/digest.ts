// SHA-256 of files and texts.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Host } from './host.ts';

/** Hex SHA-256 of a file, read in pieces. */
export async function digestFile(host: Host, path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(host.files.path(path)), hash);
  return hash.digest('hex');
}

export function digestText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export function digestBytes(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
