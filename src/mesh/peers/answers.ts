// The answers of peers: null for what does not have the promised shape. Pure.

import * as v from 'valibot';
import { isStoreName, type StoredFile } from '../store.ts';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const file = v.object({
  name: v.pipe(v.string(), v.check(isStoreName)),
  size: count,
  modified: v.pipe(v.string(), v.isoTimestamp()),
});

const shapes = {
  files: v.object({ files: v.array(file) }),
  offer: v.object({ complete: v.boolean(), received: count }),
  proof: v.object({ sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)) }),
  space: v.object({ used: count, quota: count }),
};

function parse<S extends keyof typeof shapes>(
  shape: S,
  data: unknown,
): v.InferOutput<(typeof shapes)[S]> | null {
  const parsed = v.safeParse(shapes[shape], data);
  return parsed.success ? parsed.output : null;
}

export function parseFiles(data: unknown): readonly StoredFile[] | null {
  const found = parse('files', data)?.files;
  return found?.map((one) => ({ ...one, modified: new Date(one.modified) })) ?? null;
}

/** @param size of the offered file */
export function parseOffer(data: unknown, size: number) {
  const found = parse('offer', data);
  return found === null || found.received > size ? null : found;
}

export function parseProof(data: unknown): string | null {
  return parse('proof', data)?.sha256 ?? null;
}

export function parseSpace(data: unknown) {
  return parse('space', data);
}
