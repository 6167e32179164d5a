// The age file format (age-encryption.org/v1). Keys and header are those of the library `age-encryption`; the payload is
// encrypted by the runtime, in the format's chunks of 64 KiB, five times as fast and outside of the main thread.

import { hkdfSync, randomBytes } from 'node:crypto';
import { Decrypter, Encrypter } from 'age-encryption';
import { MailctlError } from '../errors.ts';

type Bytes = Uint8Array<ArrayBuffer>;

const CHUNK = 64 * 1024;
const TAG = 16;
const NONCE = 16;
/** Chunks that are worked on at once. */
const TOGETHER = 8;
const MAX_HEADER = 64 * 1024;
const CIPHER = 'ChaCha20-Poly1305';

interface Stream {
  readonly key: CryptoKey;
  /** Of the next chunk. */
  counter: number;
}

async function openStream(
  fileKey: Uint8Array,
  nonce: Uint8Array,
  use: 'encrypt' | 'decrypt',
): Promise<Stream> {
  const key = new Uint8Array(hkdfSync('sha256', fileKey, nonce, 'payload', 32));
  // types of the runtime lack this format and cipher
  const format = 'raw-secret' as 'raw';
  return { key: await crypto.subtle.importKey(format, key, CIPHER, false, [use]), counter: 0 };
}

/** The parameters of the next chunk: a counter of 11 bytes, and a byte that marks the last one. */
function nextChunk(stream: Stream, last: boolean) {
  const iv = Buffer.alloc(12);
  iv.writeUIntBE(stream.counter, 5, 6);
  iv[11] = last ? 1 : 0;
  stream.counter += 1;
  return { name: CIPHER, iv };
}

/**
 * Cuts a stream into pieces of `size`, and says of each whether it is the last one; only a lone last one is empty. A piece
 * is valid until the next one is asked for.
 */
async function* pieces(source: AsyncIterable<Uint8Array>, size: number) {
  const piece: Bytes = new Uint8Array(size);
  let filled = 0;
  for await (const bytes of source) {
    for (let at = 0; at < bytes.length; ) {
      if (filled === size) {
        yield { piece, last: false };
        filled = 0;
      }
      const count = Math.min(size - filled, bytes.length - at);
      piece.set(bytes.subarray(at, at + count), filled);
      filled += count;
      at += count;
    }
  }
  yield { piece: piece.subarray(0, filled), last: true };
}

type Work = (chunk: Bytes, last: boolean) => Promise<ArrayBuffer>;

/** Applies the cipher to chunks of `size`, several at once, and gives the results in order. */
async function* inChunks(source: AsyncIterable<Uint8Array>, size: number, work: Work) {
  for await (const { piece, last } of pieces(source, size * TOGETHER)) {
    const results: Promise<ArrayBuffer>[] = [];
    for (let at = 0; at === 0 || at < piece.length; at += size) {
      const end = Math.min(at + size, piece.length);
      results.push(work(piece.subarray(at, end), last && end === piece.length));
    }
    for (const result of await Promise.all(results)) yield new Uint8Array(result);
  }
}

/** Encrypts a stream to recipients (`age1…`). */
export async function* encryptAge(
  plain: AsyncIterable<Uint8Array>,
  recipients: readonly string[],
): AsyncGenerator<Uint8Array> {
  const encrypter = new Encrypter();
  let fileKey = new Uint8Array();
  encrypter.addRecipient({
    // adds nothing to the header
    wrapFileKey: (key) => {
      fileKey = Uint8Array.from(key);
      return [];
    },
  });
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  const empty = await encrypter.encrypt(new Uint8Array());
  const header = empty.subarray(0, empty.length - NONCE - TAG);
  const nonce = randomBytes(NONCE);
  const stream = await openStream(fileKey, nonce, 'encrypt');
  yield Buffer.concat([header, nonce]);
  yield* inChunks(plain, CHUNK, (chunk, last) =>
    crypto.subtle.encrypt(nextChunk(stream, last), stream.key, chunk),
  );
}

function noHeader(cause?: unknown): MailctlError {
  const message = 'the archive is damaged: it has no intact header';
  return new MailctlError('ARCHIVE_INVALID', message, { cause });
}

/** The header's end: the line of its MAC. */
function endOfHeader(bytes: Buffer): number | null {
  const mac = bytes.indexOf('\n---');
  const end = mac < 0 ? -1 : bytes.indexOf('\n', mac + 1);
  return end < 0 ? null : end + 1;
}

async function fileKeyOf(header: Uint8Array, identities: readonly string[]): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  for (const identity of identities) decrypter.addIdentity(identity);
  try {
    return await decrypter.decryptHeader(header);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('no identity matched'))
      throw noHeader(error);
    throw new MailctlError('RECOVERY_KEY_WRONG', 'the recovery key does not open this archive', {
      hint: 'use the key that was in use when the backup was made',
    });
  }
}

async function* after(first: Uint8Array, rest: AsyncIterator<Uint8Array>) {
  yield first;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

/**
 * Decrypts a stream with identities (`AGE-SECRET-KEY-1…`); it fails where the stream was changed, before the changed
 * chunk is given. Throws RECOVERY_KEY_WRONG when no identity fits, ARCHIVE_INVALID when there is no intact header.
 */
export async function* decryptAge(
  sealed: AsyncIterable<Uint8Array>,
  identities: readonly string[],
): AsyncGenerator<Uint8Array> {
  const source = sealed[Symbol.asyncIterator]();
  let start: Buffer = Buffer.alloc(0);
  let end: number | null = null;
  while (end === null || start.length < end + NONCE) {
    const next = await source.next();
    if (next.done || (end === null && start.length > MAX_HEADER)) throw noHeader();
    start = Buffer.concat([start, next.value]);
    end = endOfHeader(start);
  }
  const fileKey = await fileKeyOf(start.subarray(0, end), identities);
  const stream = await openStream(fileKey, start.subarray(end, end + NONCE), 'decrypt');
  const payload = after(start.subarray(end + NONCE), source);
  yield* inChunks(payload, CHUNK + TAG, (chunk, last) => {
    const empty = chunk.length <= TAG && stream.counter > 0;
    if (empty) throw new Error('a last chunk without content');
    return crypto.subtle.decrypt(nextChunk(stream, last), stream.key, chunk);
  });
}
