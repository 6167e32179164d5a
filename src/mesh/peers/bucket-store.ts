// A bucket as a peer: <prefix><box>/<name>. Large files go in parts of equal size, so that an interrupted upload goes on
// where it was. Its own rules (versions, object lock) are its protected window.

import * as v from 'valibot';
import { MailctlError } from '../../errors.ts';
import { digestText } from '../../host/digest.ts';
import type { Host } from '../../host/host.ts';
import type { Bucket } from '../../host/s3.ts';
import { type ArchiveFile, type ArchiveStore, isStoreName, type Progress } from '../store.ts';
import { collect } from './pace.ts';
import { tooLarge } from './refusals.ts';

interface Shelf {
  readonly host: Host;
  readonly bucket: Bucket;
  /** Ends in a slash. */
  readonly prefix: string;
  readonly label: string;
}

const PART_BYTES = 16 * 1024 * 1024;
/** S3 takes 10,000 parts. */
const MAX_PARTS = 9000;

type LocalFile = ArchiveFile & { readonly path: string };

/** True when it is there already. */
async function isHeld({ bucket, prefix, label }: Shelf, { name, size, sha256 }: ArchiveFile) {
  const present = await bucket.describe(`${prefix}${name}`);
  if (present === null) return false;
  if (present.size === size && present.metadata.sha256 === sha256) return true;
  throw new MailctlError('PEER_REFUSED', `${name}: ${label} holds another file of this name`);
}

/** An upload in parts that has begun: a file beside the archive, so that every kind of store can go on with it. */
interface Upload {
  readonly id: string;
  /** Of the parts that have arrived, in order. */
  readonly tags: readonly string[];
}

const uploadShape = v.object({ id: v.string(), tags: v.array(v.string()) });

const noteOf = ({ label }: Shelf, { path, sha256 }: LocalFile): string =>
  `${path}.${digestText(`${label} ${sha256}`).slice(0, 16)}.upload`;

async function readUpload(host: Host, path: string): Promise<Upload | null> {
  const text = await host.files.read(path);
  try {
    return text === null ? null : v.parse(uploadShape, JSON.parse(text));
  } catch {
    // it is begun anew
    return null;
  }
}

async function putInParts(shelf: Shelf, file: LocalFile, progress: Progress): Promise<void> {
  const { host, bucket, prefix } = shelf;
  const { name, size, sha256, path } = file;
  const key = `${prefix}${name}`;
  const note = noteOf(shelf, file);
  const length = Math.max(PART_BYTES, Math.ceil(size / MAX_PARTS));
  const found = await readUpload(host, note);
  const id = found?.id ?? (await bucket.beginUpload(key, { sha256 }));
  const tags = [...(found?.tags ?? [])];
  for (let from = tags.length * length; from < size; from += length) {
    const to = Math.min(size, from + length);
    const bytes = await collect(host.archives.read(path, { from, to }));
    const tag = await bucket.putPart(key, { id, number: tags.length + 1, bytes });
    if (tag === null) {
      await host.files.remove(note);
      // stores forget an upload after some days
      if (found !== null) return putInParts(shelf, file, progress);
      throw new MailctlError('PEER_REFUSED', `${name}: ${shelf.label} gives no tag for a part`);
    }
    tags.push(tag);
    await host.files.replace(note, JSON.stringify({ id, tags }), { mode: 0o600 });
    progress(to);
  }
  await bucket.completeUpload(key, { id, tags });
  await host.files.remove(note);
}

async function put(shelf: Shelf, file: LocalFile, progress: Progress): Promise<void> {
  const { host, bucket, prefix } = shelf;
  const { name, size, sha256, path } = file;
  if (!(await isHeld(shelf, file))) {
    if (size > PART_BYTES) await putInParts(shelf, file, progress);
    else {
      const bytes = await collect(host.archives.read(path, { from: 0, to: size }));
      await bucket.put(`${prefix}${name}`, bytes, { sha256 });
    }
  }
  progress(size);
}

async function get(
  { host, bucket, prefix, label }: Shelf,
  { name, size, sha256 }: ArchiveFile,
  { path, progress }: { path: string; progress: Progress },
): Promise<void> {
  const part = `${path}.part`;
  const present = (await host.files.stat(part))?.size ?? 0;
  const offset = present > size ? 0 : present;
  await host.archives.append(part, {
    ...{ offset, limit: size - offset },
    pieces: bucket.read(`${prefix}${name}`, { from: offset, to: size }),
    written: (bytes) => progress(offset + bytes),
  });
  if ((await host.archives.digest(part)) === sha256) return host.files.rename(part, path);
  await host.files.remove(part);
  if (offset > 0)
    return get({ host, bucket, prefix, label }, { name, size, sha256 }, { path, progress });
  const message = `${name}: ${label} serves other bytes than it was given`;
  throw new MailctlError('ARCHIVE_INVALID', message, { hint: 'mailctl mesh verify' });
}

async function readSmall({ bucket, prefix, label }: Shelf, name: string, limit: number) {
  const key = `${prefix}${name}`;
  const found = await bucket.describe(key);
  if (found === null) throw new MailctlError('PEER_REFUSED', `${name}: ${label} does not hold it`);
  if (found.size > limit) throw tooLarge(label, name, limit);
  return collect(bucket.read(key, { from: 0, to: found.size }));
}

async function list({ bucket, prefix }: Shelf) {
  const objects = await bucket.list(prefix);
  return objects
    .map(({ key, size, modified }) => ({ name: key.slice(prefix.length), size, modified }))
    .filter(({ name }) => isStoreName(name));
}

/** @param place its name in messages, `s3://bucket/prefix`. @param prefix ends in a slash */
export function openBucketStore(
  host: Host,
  bucket: Bucket,
  { place, prefix }: { place: string; prefix: string },
): ArchiveStore {
  const shelf: Shelf = { host, bucket, prefix, label: `bucket ${place}` };
  return {
    label: shelf.label,
    list: () => list(shelf),
    put: (file, progress = () => undefined) => put(shelf, file, progress),
    get: (file, path, progress = () => undefined) => get(shelf, file, { path, progress }),
    read: (name, limit) => readSmall(shelf, name, limit),
    // the store computes no hash of a nonce: the range is fetched
    prove: (name, range, nonce) =>
      host.archives.digestPieces(bucket.read(`${prefix}${name}`, range), nonce),
    remove: (names) => bucket.remove(names.map((name) => `${prefix}${name}`)),
    space: async () => {
      const files = await list(shelf);
      return { used: files.reduce((total, { size }) => total + size, 0), quota: null };
    },
  };
}
