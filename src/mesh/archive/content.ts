// Reads the content of one file into the archives, once: content that is there already is only pointed to. Memory: one
// buffer.

import { createHash } from 'node:crypto';
import type { TarMember } from '../../host/tar.ts';
import type { OpenFile } from '../../host/tree-reader.ts';
import type { Index, Place } from './index-file.ts';
import type { Packer } from './packer.ts';

export interface Stored {
  readonly place: Place;
  readonly digest: string;
  readonly size: number;
}

export interface Contents {
  /**
   * Stores the content of the open file; null when the file got shorter meanwhile.
   * @param known where the content with a digest is, if anywhere
   */
  store(
    file: OpenFile,
    member: TarMember,
    known: (digest: string) => Place | null,
  ): Promise<Stored | null>;
}

const SMALL = 1024 * 1024;
const PIECE = 256 * 1024;

/** 192 bits of SHA-256 as text. */
const textOf = (hash: Buffer): string => hash.subarray(0, 24).toString('base64url');

const digestContent = (content: Uint8Array): string =>
  textOf(createHash('sha256').update(content).digest());

/** The digest of content that arrives in pieces. */
export function createContentDigest() {
  const hash = createHash('sha256');
  return {
    add: (piece: Uint8Array) => void hash.update(piece),
    result: () => textOf(hash.digest()),
  };
}

function digestFile(file: OpenFile, buffer: Uint8Array): string {
  const digest = createContentDigest();
  const piece = buffer.subarray(0, PIECE);
  for (let count = file.read(piece); count > 0; count = file.read(piece))
    digest.add(piece.subarray(0, count));
  file.rewind();
  return digest.result();
}

export function createContents(packer: Packer): Contents {
  const buffer = new Uint8Array(SMALL);
  return {
    store: async (file, member, known) => {
      const { size } = member;
      if (size > SMALL) {
        const digest = digestFile(file, buffer);
        const there = known(digest);
        if (there !== null) return { place: there, digest, size };
        const { place, whole } = await packer.addFile(member, file);
        return whole ? { place, digest, size } : null;
      }
      const content = buffer.subarray(0, size);
      if (file.read(content) < size) return null;
      const digest = digestContent(content);
      const place = known(digest) ?? (await packer.add(member, content));
      return { place, digest, size };
    },
  };
}

/** Looks for a message with the same content, outside of the archives that this backup replaces. */
export function findSame(index: Index, leaving: ReadonlySet<number>, size: number) {
  return (digest: string): Place | null =>
    index.sameContent(digest, size).find(({ archive }) => !leaving.has(archive)) ?? null;
}
