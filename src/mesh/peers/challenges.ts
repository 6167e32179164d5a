// Questions about a file that are made while it is here, and asked of a peer when it may be nowhere else: without the
// bytes nobody can answer one, and each is asked once.

import { randomBytes, randomInt } from 'node:crypto';
import type { Host } from '../../host/host.ts';
import type { ArchiveStore, ByteRange } from '../store.ts';

export interface Challenge extends ByteRange {
  /** Hex. */
  readonly nonce: string;
  /** Hex SHA-256. */
  readonly answer: string;
}

const RANGE_BYTES = 1024 * 1024;

function randomRange(size: number): ByteRange {
  const from = size > RANGE_BYTES ? randomInt(size - RANGE_BYTES + 1) : 0;
  return { from, to: Math.min(size, from + RANGE_BYTES) };
}

/** None for an empty file. @param file on this host */
export async function makeChallenges(
  host: Host,
  file: { readonly path: string; readonly size: number },
  count: number,
): Promise<Challenge[]> {
  const made: Challenge[] = [];
  for (let left = file.size > 0 ? count : 0; left > 0; left -= 1) {
    const range = randomRange(file.size);
    const first = randomBytes(32);
    const answer = await host.archives.digest(file.path, { first, ...range });
    made.push({ ...range, nonce: first.toString('hex'), answer });
  }
  return made;
}

/** True when the store has the bytes. Throws what `prove` throws. */
export async function isProved(
  store: ArchiveStore,
  name: string,
  { from, to, nonce, answer }: Challenge,
): Promise<boolean> {
  return (await store.prove(name, { from, to }, Buffer.from(nonce, 'hex'))) === answer;
}
