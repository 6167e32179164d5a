// The tar format (POSIX ustar, with pax headers for long names), as a stream of members. Headers are those of the
// library `tar`; the reader accepts what the writer makes, and refuses everything else before it is written anywhere.

import { Header } from 'tar/header';
import { Pax } from 'tar/pax';
import { MailctlError } from '../errors.ts';

const BLOCK = 512;
/** A longer pax header is no name of ours. */
const MAX_PAX = 16 * 1024;

export interface TarMember {
  readonly kind: 'file' | 'folder' | 'link';
  readonly path: string;
  /** Bytes of content; 0 for folders and links. */
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** Of a link. */
  readonly target?: string;
}

/** Receives a tar stream, one member after the other; every member has a number, from 0. */
export interface TarSink {
  /** False when its content is not wanted. */
  begin(number: number, size: number): boolean;
  write(content: Uint8Array): void;
  end(): void;
}

export interface TarReader {
  feed(bytes: Uint8Array): void;
  /** Throws ARCHIVE_INVALID when the stream ended inside a member. */
  finish(): void;
}

const TYPES = { file: 'File', folder: 'Directory', link: 'SymbolicLink' } as const;

/** Bytes between the end of a content and the next header. */
export const tarPadding = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK;

/** Two empty blocks. */
export const TAR_END = new Uint8Array(2 * BLOCK);

/** One or more blocks, which the content follows. */
export function tarHeader(member: TarMember): Uint8Array {
  const { kind, mode, uid, gid, size } = member;
  const path = kind === 'folder' ? `${member.path}/` : member.path;
  const linkpath = member.target ?? '';
  const mtime = new Date(member.mtime * 1000);
  const fields = { path, mode, uid, gid, size, mtime, type: TYPES[kind], linkpath };
  const header = new Header(fields);
  const block = Buffer.alloc(BLOCK);
  if (!header.encode(block)) return block;
  const pax = new Pax({ path, uid, gid, size, mtime, ...(linkpath ? { linkpath } : {}) });
  return Buffer.concat([pax.encode(), block]);
}

function invalid(what: string): MailctlError {
  return new MailctlError('ARCHIVE_INVALID', `not an archive of mailctl: ${what}`);
}

function isEmpty(block: Buffer): boolean {
  return block.every((byte) => byte === 0);
}

interface Header512 {
  readonly type: string;
  readonly size: number;
}

function decodeHeader(block: Buffer): Header512 {
  const header = new Header(block);
  if (!header.cksumValid) throw invalid('a header with a wrong checksum');
  const type = String(header.typeKey);
  const size = header.size ?? -1;
  if (!Number.isSafeInteger(size) || size < 0) throw invalid('a member without a size');
  if (type === 'x' && size <= MAX_PAX) return { type, size };
  if (type === '0') return { type, size };
  if ((type === '5' || type === '2') && size === 0) return { type, size };
  throw invalid(`a member of type ${JSON.stringify(type)}`);
}

/** Splits a stream into members. Their names are ignored: the list of entries says where each belongs. */
export function createTarReader(sink: TarSink): TarReader {
  const block = Buffer.alloc(BLOCK);
  let filled = 0;
  let number = 0;
  /** Content and padding that are still to come. */
  let content = 0;
  let padding = 0;
  let wanted = false;
  let ended = false;

  const begin = ({ type, size }: Header512) => {
    content = size;
    padding = tarPadding(size);
    wanted = type !== 'x' && sink.begin(number, size);
    if (type !== 'x') number += 1;
    if (wanted && size === 0) {
      sink.end();
      wanted = false;
    }
  };
  const takeContent = (bytes: Uint8Array): number => {
    const count = Math.min(content, bytes.length);
    if (wanted) sink.write(bytes.subarray(0, count));
    content -= count;
    if (content === 0 && wanted) {
      sink.end();
      wanted = false;
    }
    return count;
  };
  const takeHeader = (bytes: Uint8Array): number => {
    const count = Math.min(BLOCK - filled, bytes.length);
    block.set(bytes.subarray(0, count), filled);
    filled += count;
    if (filled === BLOCK) {
      filled = 0;
      if (isEmpty(block)) ended = true;
      else if (ended) throw invalid('a member after the end');
      else begin(decodeHeader(block));
    }
    return count;
  };
  const skipPadding = (bytes: Uint8Array): number => {
    const count = Math.min(padding, bytes.length);
    padding -= count;
    return count;
  };
  return {
    feed: (bytes) => {
      for (let at = 0; at < bytes.length; ) {
        const rest = bytes.subarray(at);
        if (content > 0) at += takeContent(rest);
        else if (padding > 0) at += skipPadding(rest);
        else at += takeHeader(rest);
      }
    },
    finish: () => {
      if (!ended || content > 0 || padding > 0 || filled > 0) throw invalid('it is cut short');
    },
  };
}
