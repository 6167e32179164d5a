// Writes a tree below one folder and nowhere else: each folder is opened relative to its open parent, so that a name
// with a slash, `..` or a link in the way is refused. Names are strings with one character for each byte (Latin-1).

import { Buffer } from 'node:buffer';
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  mkdirSync,
  openSync,
  readSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { MailctlError } from '../errors.ts';
import { codeOf, openFolder } from './open-folder.ts';
import type { Programs } from './programs.ts';

export interface TreeAttributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970. */
  readonly mtime: number;
}

export interface NewFile {
  write(content: Uint8Array): void;
  finish(attributes: TreeAttributes): void;
}

/** `parts`: names from the base to the entry. */
export interface TreeWriter {
  /** Makes the folder and those above it, with access for root alone. */
  folder(parts: readonly string[]): void;
  /** Of a folder; after everything in it has been written. */
  setFolder(parts: readonly string[], attributes: Omit<TreeAttributes, 'mtime'>): void;
  /** Replaces what is there. */
  file(parts: readonly string[]): NewFile;
  /** Replaces what is there; the base needs no such link inside it. */
  link(parts: readonly string[], target: string, owner: { uid: number; gid: number }): void;
  copy(from: readonly string[], to: readonly string[], attributes: TreeAttributes): void;
  close(): void;
}

export interface TreeWriters {
  /** Makes the base (0700) where it is missing. */
  open(base: string): TreeWriter;
  /** Returns when everything written to the file system of the path is on the disk. */
  sync(path: string): Promise<void>;
}

const { O_WRONLY, O_RDONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
const NEW = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
const MAX_NAME = 255;
const COPY_BYTES = 256 * 1024;

const bytesOf = (text: string) => Buffer.from(text, 'latin1');

function checkName(name: string): void {
  const bad =
    name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0');
  if (!bad && name.length <= MAX_NAME) return;
  throw new MailctlError(
    'ARCHIVE_INVALID',
    `the archive names an entry ${JSON.stringify(name)}, which is no file name`,
  );
}

const below = (folder: number, name: string) => bytesOf(`/proc/self/fd/${folder}/${name}`);

function failure(parts: readonly string[], error: unknown): unknown {
  const code = codeOf(error);
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  if (!full && !['ENOTDIR', 'EISDIR', 'ELOOP', 'ENAMETOOLONG', 'EROFS'].includes(code))
    return error;
  const reason = full ? 'no space left on the device' : code;
  return new MailctlError('FILE_FAILED', `cannot write ${parts.join('/')}: ${reason}`, {
    cause: error,
  });
}

function openInner(parent: number, name: string): number {
  checkName(name);
  const path = below(parent, name);
  const there = openFolder(path);
  if (there !== null) return there;
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  const made = openFolder(path);
  if (made === null) throw new MailctlError('FILE_FAILED', `${name} is in the way: not a folder`);
  return made;
}

function settle(file: number, { mode, uid, gid, mtime }: TreeAttributes): void {
  fchownSync(file, uid, gid);
  fchmodSync(file, mode);
  futimesSync(file, mtime, mtime);
}

/** Never a folder. */
function removeFile(path: Buffer): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

function createFile(path: Buffer): number {
  try {
    return openSync(path, NEW, 0o600);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    removeFile(path);
    return openSync(path, NEW, 0o600);
  }
}

function writeAll(file: number, content: Uint8Array): void {
  for (let at = 0; at < content.length; ) at += writeSync(file, content, at);
}

function newFile(path: Buffer, guarded: <T>(work: () => T) => T): NewFile {
  const file = guarded(() => createFile(path));
  return {
    write: (content) => guarded(() => writeAll(file, content)),
    finish: (attributes) => {
      settle(file, attributes);
      closeSync(file);
    },
  };
}

function openWriter(base: string): TreeWriter {
  const root = openFolder(base);
  if (root === null) throw new MailctlError('FILE_FAILED', `${base} is not a folder`);
  let open = { path: '', folder: root };
  const leave = () => {
    if (open.folder !== root) closeSync(open.folder);
    open = { path: '', folder: root };
  };
  /** The folder stays open: the next entry is mostly in the same one. */
  const enter = (parts: readonly string[]): number => {
    const path = parts.join('/');
    if (path === open.path) return open.folder;
    leave();
    for (const part of parts) {
      const inner = openInner(open.folder, part);
      if (open.folder !== root) closeSync(open.folder);
      open = { path: '', folder: inner };
    }
    open = { path, folder: open.folder };
    return open.folder;
  };
  const pathOf = (parts: readonly string[]): Buffer => {
    const name = parts.at(-1) ?? '';
    checkName(name);
    return below(enter(parts.slice(0, -1)), name);
  };
  const guard =
    (parts: readonly string[]) =>
    <T>(work: () => T): T => {
      try {
        return work();
      } catch (error) {
        throw failure(parts, error);
      }
    };
  const file = (parts: readonly string[]) => {
    const guarded = guard(parts);
    return newFile(
      guarded(() => pathOf(parts)),
      guarded,
    );
  };
  return {
    folder: (parts) => guard(parts)(() => void enter(parts)),
    setFolder: (parts, { mode, uid, gid }) =>
      guard(parts)(() => {
        const folder = enter(parts);
        fchownSync(folder, uid, gid);
        fchmodSync(folder, mode);
      }),
    file,
    link: (parts, target, owner) =>
      guard(parts)(() => {
        const path = pathOf(parts);
        removeFile(path);
        symlinkSync(bytesOf(target), path);
        lchownSync(path, owner.uid, owner.gid);
      }),
    copy: (from, to, attributes) => {
      const source = openSync(pathOf(from), O_RDONLY | O_NOFOLLOW);
      try {
        const made = file(to);
        const piece = new Uint8Array(COPY_BYTES);
        for (let count = 1; count > 0; ) {
          count = readSync(source, piece, 0, COPY_BYTES, null);
          made.write(piece.subarray(0, count));
        }
        made.finish(attributes);
      } finally {
        closeSync(source);
      }
    },
    close: () => {
      leave();
      closeSync(root);
    },
  };
}

export function createTreeWriters(
  at: (path: string) => string,
  programs: Pick<Programs, 'run'>,
): TreeWriters {
  return {
    // syncfs(2): one call instead of one for each of a million files
    sync: async (path) => void (await programs.run(['sync', '-f', at(path)], { timeout: 600_000 })),
    open: (base) => {
      mkdirSync(at(base), { recursive: true, mode: 0o700 });
      return openWriter(at(base));
    },
  };
}
