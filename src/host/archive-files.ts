// Large files of a store: hashes of ranges, and files that grow in parts until they are complete. Memory stays at one
// piece. For folders that only this process writes to.

import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import * as fs from 'node:fs/promises';
import { dirname } from 'node:path';
import { onFile } from './files.ts';

export interface ArchiveFiles {
  /** Hex SHA-256 of `first`, then the bytes [from, to) of the file; of all of it without a range. */
  digest(path: string, options?: DigestOptions): Promise<string>;
  /** The bytes [from, to), in pieces. */
  read(path: string, range: { from: number; to: number }): AsyncIterable<Uint8Array>;
  /**
   * Writes the pieces into the file from the offset on, cutting off what was behind it, and makes them durable. Never
   * writes more than `limit` bytes.
   */
  append(
    path: string,
    part: FilePart,
  ): Promise<{ readonly bytes: number; readonly sha256: string }>;
  /** As `digest`, of a stream. */
  digestPieces(pieces: AsyncIterable<Uint8Array>, first?: Uint8Array): Promise<string>;
  /** Gives a complete part its name, durably. Replaces nothing: false when there is a file of that name. */
  finish(part: string, path: string): Promise<boolean>;
  /** Gives a file of root a second name, `to`, which the group may read: a hard link, so it takes no space. Idempotent. */
  share(path: string, to: string, gid: number): Promise<void>;
}

export interface DigestOptions {
  readonly first?: Uint8Array;
  readonly from?: number;
  readonly to?: number;
}

export interface FilePart {
  readonly offset: number;
  readonly limit: number;
  readonly pieces: AsyncIterable<Uint8Array>;
  readonly written?: (bytes: number) => void;
}

async function* read(path: string, { from, to }: { from: number; to: number }) {
  if (to <= from) return;
  const stream = createReadStream(path, { start: from, end: to - 1, highWaterMark: 256 * 1024 });
  for await (const piece of stream) yield piece as Uint8Array;
}

async function digest(path: string, options: DigestOptions = {}): Promise<string> {
  const { first, from = 0, to = Number.MAX_SAFE_INTEGER } = options;
  return digestPieces(read(path, { from, to }), first);
}

async function digestPieces(
  pieces: AsyncIterable<Uint8Array>,
  first: Uint8Array = new Uint8Array(),
): Promise<string> {
  const hash = createHash('sha256').update(first);
  for await (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}

async function append(path: string, { offset, limit, pieces, written }: FilePart) {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW;
  const handle = await fs.open(path, flags, 0o600);
  const hash = createHash('sha256');
  let count = 0;
  try {
    await handle.truncate(offset);
    for await (const piece of pieces) {
      const room = piece.subarray(0, limit - count);
      hash.update(room);
      for (let done = 0; done < room.length; ) {
        const { bytesWritten } = await handle.write(room, done, room.length - done, offset + count);
        done += bytesWritten;
        count += bytesWritten;
      }
      written?.(count);
      if (count === limit) break;
    }
  } finally {
    // what has arrived is kept for the next attempt
    await handle.sync().finally(() => handle.close());
  }
  return { bytes: count, sha256: hash.digest('hex') };
}

async function orMissing<T>(found: Promise<T>): Promise<T | null> {
  try {
    return await found;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function finish(part: string, path: string): Promise<boolean> {
  if ((await orMissing(fs.lstat(path))) !== null) return false;
  await fs.rename(part, path);
  const folder = await fs.open(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  await folder.sync().finally(() => folder.close());
  return true;
}

async function share(path: string, to: string, gid: number): Promise<void> {
  await fs.chown(path, 0, gid);
  await fs.chmod(path, 0o640);
  const [file, present] = await Promise.all([fs.lstat(path), orMissing(fs.lstat(to))]);
  if (present?.ino === file.ino) return;
  await fs.rm(to, { force: true });
  await fs.link(path, to);
}

export function createArchiveFiles(at: (path: string) => string): ArchiveFiles {
  return {
    digest: (path, options) => onFile('read', path, () => digest(at(path), options)),
    digestPieces,
    read: (path, range) => read(at(path), range),
    append: (path, part) => onFile('write', path, () => append(at(path), part)),
    share: (path, to, gid) => onFile('link', path, () => share(at(path), at(to), gid)),
    finish: (part, path) => onFile('write', path, () => finish(at(part), at(path))),
  };
}
