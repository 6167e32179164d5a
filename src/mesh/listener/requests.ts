// The requests of peers, as they arrive: everything in them is checked here. Pure.

import * as v from 'valibot';
import { isStoreName, MAX_FILE_BYTES, MAX_PROOF_BYTES } from '../store.ts';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const name = v.pipe(v.string(), v.check(isStoreName));
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

const offer = v.strictObject({
  name,
  size: v.pipe(count, v.maxValue(MAX_FILE_BYTES)),
  sha256,
});

const proof = v.pipe(
  v.strictObject({
    ...{ name, from: count, to: count },
    nonce: v.pipe(v.string(), v.regex(/^(?:[0-9a-f]{2}){16,64}$/)),
  }),
  v.check(({ from, to }) => from < to && to - from <= MAX_PROOF_BYTES),
);

const removal = v.strictObject({ names: v.pipe(v.array(name), v.maxLength(1000)) });
const key = v.strictObject({ public_key: sha256 });

const BODIES = { offer, proof, removal, 'restore key': key };

export type Offer = v.InferOutput<typeof offer>;

/** What a peer asks for. `body` of an upload is the file's content from `from` on. */
export type MeshRequest =
  | { readonly kind: 'list' | 'space' | 'own list' }
  | { readonly kind: 'content' | 'own content'; readonly name: string; readonly from: number }
  | ({ readonly kind: 'offer' } & Offer)
  | ({ readonly kind: 'upload'; readonly from: number } & Offer)
  | ({ readonly kind: 'proof' } & v.InferOutput<typeof proof>)
  | ({ readonly kind: 'removal' } & v.InferOutput<typeof removal>)
  | { readonly kind: 'restore key'; readonly public_key: string };

/** How to read a request, found from its first line: its kind, and the values in its path. */
export interface RequestLine {
  readonly kind: MeshRequest['kind'];
  readonly values: Readonly<Record<string, string>>;
}

const ROUTES: readonly (readonly [RegExp, MeshRequest['kind']])[] = [
  [/^GET \/v1\/files$/, 'list'],
  [/^GET \/v1\/space$/, 'space'],
  [/^GET \/v1\/own$/, 'own list'],
  [/^GET \/v1\/own\/(?<name>[^/?]+)\?from=(?<from>\d{1,15})$/, 'own content'],
  [/^GET \/v1\/files\/(?<name>[^/?]+)\?from=(?<from>\d{1,15})$/, 'content'],
  [
    /^PUT \/v1\/files\/(?<name>[^/?]+)\?size=(?<size>\d{1,15})&sha256=(?<sha256>[0-9a-f]{64})&from=(?<from>\d{1,15})$/,
    'upload',
  ],
  [/^POST \/v1\/offers$/, 'offer'],
  [/^POST \/v1\/proofs$/, 'proof'],
  [/^POST \/v1\/removals$/, 'removal'],
  [/^POST \/v1\/restore-key$/, 'restore key'],
];

/** Null for an unknown request. */
export function parseRequestLine(method: string, target: string): RequestLine | null {
  for (const [pattern, kind] of ROUTES) {
    const found = pattern.exec(`${method} ${target}`);
    if (found !== null) return { kind, values: found.groups ?? {} };
  }
  return null;
}

const hasBody = (kind: string): kind is keyof typeof BODIES => kind in BODIES;

/** True for a request whose body is JSON. */
export function readsJson({ kind }: RequestLine): boolean {
  return hasBody(kind);
}

/** Null for a request with a wrong value. @param body the JSON of the body, where `readsJson` */
export function parseRequest({ kind, values }: RequestLine, body: string): MeshRequest | null {
  if (hasBody(kind)) return parseBody(kind, body);
  const from = Number(values.from);
  const file = { name: values.name ?? '', size: Number(values.size), sha256: values.sha256 ?? '' };
  if (kind === 'content' || kind === 'own content') {
    return isStoreName(file.name) ? { kind, name: file.name, from } : null;
  }
  if (kind !== 'upload') return { kind } as MeshRequest;
  const isRight = v.is(offer, file) && from <= file.size;
  return isRight ? { kind, from, ...file } : null;
}

function parseBody(kind: keyof typeof BODIES, body: string): MeshRequest | null {
  let data: unknown;
  try {
    data = JSON.parse(body);
  } catch {
    return null;
  }
  const parsed = v.safeParse(BODIES[kind], data);
  return parsed.success ? ({ kind, ...parsed.output } as MeshRequest) : null;
}
