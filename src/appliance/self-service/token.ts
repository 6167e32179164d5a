// Secrets that a browser carries: 256 random bits, of which only the digest is stored.

import { randomBytes } from 'node:crypto';
import { digestText } from '../../host/digest.ts';

export interface Token {
  readonly text: string;
  readonly digest: string;
}

export function createToken(): Token {
  const text = randomBytes(32).toString('base64url');
  return { text, digest: digestText(text) };
}

/** Identifies a stored password hash in another file without copying it there. */
export const hashMark = (hash: string): string => digestText(hash).slice(0, 32);
