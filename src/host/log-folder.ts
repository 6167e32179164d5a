// The folder of s6-log: `current`, and older files named by their closing time. The container writes it, so links
// are not followed and only regular files are opened.

import { closeSync, constants, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import type { Host } from './host.ts';

const CURRENT = 'current';
const ROTATED = /^@[0-9a-f]{24}\.[su]$/;
const PIECE = 64 * 1024;
const OPEN_ATTEMPTS = 5;
const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
// opening a FIFO in place of a file must not block
const FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** A place in the log: everything before it has been read. */
export interface LogMark {
  /** Inode of the file that is or was `current`; null before the first one. */
  readonly inode: bigint | null;
  readonly offset: number;
}

interface OpenFile {
  readonly name: string;
  readonly descriptor: number;
  readonly inode: bigint;
  readonly size: number;
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}

/** null when it is missing or a link. */
function openOrNull(path: string, flags: number): number | null {
  try {
    return openSync(path, flags);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'].includes(codeOf(error))) return null;
    throw error;
  }
}

/** null when it is not a regular file. */
function openFile(folder: number, name: string): OpenFile | null {
  const descriptor = openOrNull(`/proc/self/fd/${folder}/${name}`, FILE);
  if (descriptor === null) return null;
  const stat = fstatSync(descriptor, { bigint: true });
  if (stat.isFile()) return { name, descriptor, inode: stat.ino, size: Number(stat.size) };
  closeSync(descriptor);
  return null;
}

/** Names of the log's files, newest first. */
function namesIn(folder: number): string[] {
  const rotated = readdirSync(`/proc/self/fd/${folder}`).filter((name) => ROTATED.test(name));
  return [CURRENT, ...rotated.sort().reverse()];
}

function openFiles(folder: number): OpenFile[] {
  for (let attempt = 1; ; attempt += 1) {
    const names = namesIn(folder);
    const files = names.flatMap((name) => openFile(folder, name) ?? []);
    // a rotation in between would hide one file
    const same = namesIn(folder).join() === names.join();
    if (same || attempt === OPEN_ATTEMPTS) return files;
    for (const file of files) closeSync(file.descriptor);
  }
}

/** Calls `work` with the log's files, newest first; with none when the folder is missing. */
function withFiles<T>(host: Host, path: string, work: (files: readonly OpenFile[]) => T): T {
  const folder = openOrNull(host.files.path(path), FOLDER);
  if (folder === null) return work([]);
  try {
    const files = openFiles(folder);
    try {
      return work(files);
    } finally {
      for (const file of files) closeSync(file.descriptor);
    }
  } finally {
    closeSync(folder);
  }
}

function readPiece(file: OpenFile, from: number, to: number): Buffer {
  const piece = Buffer.alloc(to - from);
  const length = readSync(file.descriptor, piece, 0, piece.length, from);
  return piece.subarray(0, length);
}

/** Whole lines of the first `end` bytes, last one first, until `take` returns false. */
function linesBackwards(file: OpenFile, end: number, take: (line: Buffer) => boolean): boolean {
  let later: Buffer = Buffer.alloc(0);
  for (let at = end; at > 0; ) {
    const from = Math.max(0, at - PIECE);
    let piece = Buffer.concat([readPiece(file, from, at), later]);
    for (let cut = piece.lastIndexOf(10); cut >= 0; cut = piece.lastIndexOf(10)) {
      // after the last newline is nothing, or a line that is still being written
      if (cut + 1 < piece.length && !take(piece.subarray(cut + 1))) return false;
      piece = piece.subarray(0, cut);
    }
    // a file without a newline is not a log, and must not fill the memory
    later = piece.length > PIECE ? piece.subarray(0, PIECE) : piece;
    at = from;
  }
  return later.length === 0 || take(later);
}

/** Offset after the last whole line. */
function endOfLines(file: OpenFile): number {
  const from = Math.max(0, file.size - PIECE);
  const last = readPiece(file, from, file.size).lastIndexOf(10);
  return last < 0 ? file.size : from + last + 1;
}

/**
 * The last `count` lines that `accept` matches, oldest first, from as many files as needed; and the mark at
 * their end, for `followLog`.
 */
export async function readLogTail(
  host: Host,
  path: string,
  wanted: { count: number; accept: (line: string) => boolean },
): Promise<{ lines: string[]; end: LogMark }> {
  const lines: string[] = [];
  let end: LogMark = { inode: null, offset: 0 };
  const take = (bytes: Buffer) => {
    const line = bytes.toString('utf8');
    if (lines.length < wanted.count && wanted.accept(line)) lines.push(line);
    return lines.length < wanted.count;
  };
  withFiles(host, path, (files) => {
    for (const file of files) {
      const to = endOfLines(file);
      if (file.name === CURRENT) end = { inode: file.inode, offset: to };
      if (!linesBackwards(file, to, take)) return;
    }
  });
  return { lines: lines.reverse(), end };
}

/** The mark at the current end of the log. */
export async function markLogEnd(host: Host, path: string): Promise<LogMark> {
  return (await readLogTail(host, path, { count: 0, accept: () => false })).end;
}

function linesForward(file: OpenFile, from: number): { lines: string[]; offset: number } {
  const lines: string[] = [];
  let offset = from;
  for (;;) {
    const piece = readPiece(file, offset, Math.min(file.size, offset + PIECE));
    // a line longer than a piece is returned in parts
    const whole = piece.length === PIECE && !piece.includes(10) ? PIECE : piece.lastIndexOf(10) + 1;
    if (whole === 0) return { lines, offset };
    lines.push(
      ...piece
        .subarray(0, whole)
        .toString('utf8')
        .split('\n')
        .filter((line) => line !== ''),
    );
    offset += whole;
  }
}

/** The files with data after the mark, oldest first. */
function filesSince(files: readonly OpenFile[], mark: LogMark): OpenFile[] {
  const index = files.findIndex(({ inode }) => inode === mark.inode);
  if (index >= 0) return files.slice(0, index + 1).reverse();
  // no file at the time of the mark, or the marked file has been rotated away
  return [...files].reverse();
}

/** All whole lines after the mark, across rotations, and the new mark. */
async function readLogSince(
  host: Host,
  path: string,
  mark: LogMark,
): Promise<{ lines: string[]; end: LogMark }> {
  const lines: string[] = [];
  let end = mark;
  withFiles(host, path, (files) => {
    for (const file of filesSince(files, mark)) {
      const read = linesForward(file, file.inode === mark.inode ? mark.offset : 0);
      for (const line of read.lines) lines.push(line);
      end = { inode: file.inode, offset: read.offset };
    }
  });
  return { lines, end };
}

const POLL_MS = 200;

/**
 * New lines after the mark, in groups; an empty group after a pause without new lines, so that the reader can
 * check the clock. Ends when the reader stops iterating.
 */
export async function* followLog(
  host: Host,
  path: string,
  from: LogMark,
): AsyncGenerator<readonly string[]> {
  let mark = from;
  for (;;) {
    const { lines, end } = await readLogSince(host, path, mark);
    mark = end;
    yield lines;
    if (lines.length === 0) await host.clock.sleep(POLL_MS);
  }
}
