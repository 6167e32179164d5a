// A file that is compressed with zstd and encrypted with age. It is written as a stream, so its size needs no memory;
// a reader stops at the first changed byte, and before more than the announced bytes are unpacked.

import { createHash } from 'node:crypto';
import { closeSync, createReadStream, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { MailctlError } from '../errors.ts';
import { syncPath } from './sync.ts';

export interface SealedSize {
  /** Bytes of the file. */
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
  /** Bytes that were written to it. */
  readonly unpacked: number;
}

export interface SealedWriter {
  /** The caller does not change the bytes until the promise is fulfilled. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends the file; durable when it returns. */
  finish(): Promise<SealedSize>;
  /** Removes the unfinished file. */
  discard(): Promise<void>;
}

export interface SealedSource {
  readonly path: string;
  readonly identities: readonly string[];
  /** Most bytes to unpack. */
  readonly limit: number;
}

export interface SealedFiles {
  /** Replaces the file at the path. */
  create(path: string, recipients: readonly string[]): Promise<SealedWriter>;
  /** Calls `consume` with the content in pieces, in order. */
  read(source: SealedSource, consume: (bytes: Uint8Array) => void): Promise<void>;
}

const PIECE = 256 * 1024;
const LEVEL = 3;
const GARBAGE = 8 * 1024 * 1024;

function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

function failure(path: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new MailctlError('FILE_FAILED', `cannot write ${path}: no space left on the device`, {
    cause: error,
  });
}

async function createSealed(path: string, recipients: readonly string[]): Promise<SealedWriter> {
  // loaded here, since every command has this file
  const { encryptAge } = await import('./age.ts');
  const file = openSync(path, 'w', 0o600);
  const hash = createHash('sha256');
  let size = 0;
  let unpacked = 0;
  let failed: unknown = null;
  // a destroyed stream calls back no pending write
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => undefined);
  const zstd = createZstdCompress({
    chunkSize: PIECE,
    params: { [constants.ZSTD_c_compressionLevel]: LEVEL, [constants.ZSTD_c_checksumFlag]: 1 },
  });
  const drained = (async () => {
    for await (const bytes of encryptAge(zstd, recipients)) {
      writeAll(file, bytes);
      hash.update(bytes);
      size += bytes.length;
    }
  })().catch((error: unknown) => {
    failed = failure(path, error);
    broken.reject(failed);
    zstd.destroy();
  });
  return {
    write: (bytes) => {
      const before = unpacked;
      unpacked += bytes.length;
      // compressed pieces are garbage outside of the heap, which the collector notices late
      if (Math.floor(before / GARBAGE) < Math.floor(unpacked / GARBAGE)) Bun.gc(true);
      if (failed !== null) return broken.promise;
      const written = new Promise<void>((resolve, reject) =>
        zstd.write(bytes, (error) => (error ? reject(failed ?? error) : resolve())),
      );
      return Promise.race([written, broken.promise]);
    },
    finish: async () => {
      zstd.end();
      await drained;
      if (failed !== null) throw failed;
      try {
        fsyncSync(file);
      } catch (error) {
        throw failure(path, error);
      }
      closeSync(file);
      syncPath(dirname(path));
      return { size, sha256: hash.digest('hex'), unpacked };
    },
    discard: async () => {
      zstd.destroy();
      await drained;
      closeSync(file);
      rmSync(path, { force: true });
    },
  };
}

function damaged(path: string, error: unknown): unknown {
  if (error instanceof MailctlError) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'EIO') {
    const reason = code === 'EIO' ? 'input/output error' : 'no such file or directory';
    return new MailctlError('FILE_FAILED', `cannot read ${path}: ${reason}`, { cause: error });
  }
  return new MailctlError('ARCHIVE_INVALID', `the archive ${path} is damaged`, { cause: error });
}

async function readSealed(source: SealedSource, consume: (bytes: Uint8Array) => void) {
  const { path, identities, limit } = source;
  const input = createReadStream(path, { highWaterMark: PIECE });
  let unpacked = 0;
  // an error of `consume` is not one of the file
  let consuming = false;
  try {
    const { decryptAge } = await import('./age.ts');
    const zstd = createZstdDecompress({ chunkSize: PIECE });
    await pipeline(decryptAge(input, identities), zstd, async (pieces) => {
      for await (const piece of pieces as AsyncIterable<Uint8Array>) {
        unpacked += piece.length;
        if (unpacked > limit)
          throw new MailctlError('ARCHIVE_INVALID', `${path} holds more than its ${limit} bytes`);
        consuming = true;
        consume(piece);
        consuming = false;
      }
    });
  } catch (error) {
    throw consuming ? error : damaged(path, error);
  } finally {
    input.destroy();
  }
}

export function createSealedFiles(at: (path: string) => string): SealedFiles {
  return {
    create: (path, recipients) => createSealed(at(path), recipients),
    read: (source, consume) => readSealed({ ...source, path: at(source.path) }, consume),
  };
}
