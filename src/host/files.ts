// Files of this host. Every write is atomic and durable: readers see the old file or the new one, never half
// of it, also after a power cut. Only for folders that this program owns; src/host/untrusted-tree.ts walks folders
// that a container may write to.

import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { MailctlError } from '../errors.ts';

export interface Ownership {
  readonly uid: number;
  readonly gid: number;
}

export interface FileStat {
  readonly kind: 'file' | 'directory' | 'link' | 'other';
  readonly size: number;
  /** Permission bits only, such as 0o640. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly modified: Date;
}

export interface WriteOptions {
  readonly mode: number;
  readonly owner?: Ownership;
}

export interface Space {
  /** Bytes. */
  readonly free: number;
  readonly total: number;
  /** Free inodes; null on a file system that allocates them on demand. */
  readonly freeFiles: number | null;
}

export interface Files {
  /** The path on the real disk (with the root prefix), for arguments of programs. */
  path(path: string): string;
  /** Like `path`, with links resolved as far as the path exists. */
  realPath(path: string): Promise<string>;
  /** The text of a file; null when it is missing. */
  read(path: string): Promise<string | null>;
  readBytes(path: string): Promise<Uint8Array | null>;
  /** Names in a directory, sorted; empty when it is missing. */
  list(path: string): Promise<string[]>;
  /** The entry at the path (links are not followed); null when it is missing. */
  stat(path: string): Promise<FileStat | null>;
  /** The target of a symbolic link; null when it is missing, or not a link. */
  readLink(path: string): Promise<string | null>;
  /** Of the file system that holds the path. */
  space(path: string): Promise<Space>;
  replace(path: string, content: string | Uint8Array, options: WriteOptions): Promise<void>;
  /** Points the symbolic link `path` to `target` in one step, whether or not it existed. */
  link(target: string, path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  removeTree(path: string): Promise<void>;
  /** Makes the directory and its parents (0755); sets mode and owner of the last one. */
  makeDirectory(path: string, options: WriteOptions): Promise<void>;
  setOwner(path: string, owner: Ownership): Promise<void>;
  /** A durable copy, which gets its name only when complete. */
  copy(from: string, to: string, options: WriteOptions): Promise<void>;
}

function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

async function orNull<T>(promise: Promise<T>): Promise<T | null> {
  try {
    return await promise;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

async function readLink(path: string): Promise<string | null> {
  try {
    return await orNull(fs.readlink(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EINVAL') return null;
    throw error;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  ENOSPC: 'no space left on the device',
  EDQUOT: 'disk quota exceeded',
  EROFS: 'the file system is read-only',
  ENOENT: 'no such file or directory',
  ENOTDIR: 'a part of the path is not a directory',
  EISDIR: 'it is a directory',
  EIO: 'input/output error',
};

/** Reports a system error as FILE_FAILED with the path. */
export async function onFile<T>(what: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const reason = REASONS[(error as NodeJS.ErrnoException).code ?? ''];
    if (reason === undefined) throw error;
    throw new MailctlError('FILE_FAILED', `cannot ${what} ${path}: ${reason}`, { cause: error });
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await fs.open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

let temporaryNames = 0;

function temporaryName(path: string): string {
  temporaryNames += 1;
  return join(dirname(path), `.${basename(path)}.${process.pid}.${temporaryNames}.tmp`);
}

/** Removes the temporary files that killed processes have left for this path. */
async function removeAbandoned(path: string): Promise<void> {
  const start = `.${basename(path)}.`;
  for (const name of await fs.readdir(dirname(path))) {
    if (!name.startsWith(start)) continue;
    const pid = /^(\d+)\.\d+\.tmp$/.exec(name.slice(start.length))?.[1];
    if (pid === undefined || (await orNull(fs.lstat(`/proc/${pid}`))) !== null) continue;
    await fs.rm(join(dirname(path), name), { force: true });
  }
}

/** Writes a temporary file beside `path`, makes it durable, and renames it over `path`. */
async function throughTemporary(path: string, fill: (temporary: string) => Promise<void>) {
  await removeAbandoned(path);
  const temporary = temporaryName(path);
  try {
    await fill(temporary);
    await fs.rename(temporary, path);
  } catch (error) {
    await fs.rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}

async function settle(handle: fs.FileHandle, options: WriteOptions): Promise<void> {
  if (options.owner) await handle.chown(options.owner.uid, options.owner.gid);
  await handle.chmod(options.mode);
  await handle.sync();
}

async function replaceFile(path: string, content: string | Uint8Array, options: WriteOptions) {
  await throughTemporary(path, async (temporary) => {
    const handle = await fs.open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(content);
      await settle(handle, options);
    } finally {
      await handle.close();
    }
  });
}

async function copyFile(from: string, to: string, options: WriteOptions): Promise<void> {
  await throughTemporary(to, async (temporary) => {
    await fs.copyFile(from, temporary, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    const handle = await fs.open(temporary, 'r+');
    try {
      await settle(handle, options);
    } finally {
      await handle.close();
    }
  });
}

async function makeDirectory(path: string, options: WriteOptions): Promise<void> {
  await fs.mkdir(path, { recursive: true, mode: 0o755 });
  const now = await fs.lstat(path);
  if (!now.isDirectory()) {
    throw new MailctlError('FILE_FAILED', `${path} is in the way: it is not a directory`);
  }
  const { owner, mode } = options;
  if (owner && (now.uid !== owner.uid || now.gid !== owner.gid)) {
    await fs.lchown(path, owner.uid, owner.gid);
  }
  if ((now.mode & 0o7777) !== mode) await fs.chmod(path, mode);
}

async function statFile(path: string): Promise<FileStat | null> {
  const stat = await orNull(fs.lstat(path));
  if (stat === null) return null;
  const kind = stat.isFile()
    ? 'file'
    : stat.isDirectory()
      ? 'directory'
      : stat.isSymbolicLink()
        ? 'link'
        : 'other';
  const { size, uid, gid, mtime } = stat;
  return { kind, size, mode: stat.mode & 0o7777, uid, gid, modified: mtime };
}

async function linkFile(target: string, path: string): Promise<void> {
  await throughTemporary(path, (temporary) => fs.symlink(target, temporary));
}

async function renameFile(from: string, to: string): Promise<void> {
  await fs.rename(from, to);
  await syncDirectory(dirname(to));
}

async function freeSpace(path: string): Promise<Space> {
  const { bavail, blocks, bsize, files, ffree } = await fs.statfs(path);
  return { free: bavail * bsize, total: blocks * bsize, freeFiles: files > 0 ? ffree : null };
}

export function createFiles(root: string): Files {
  const at = (path: string) => (root === '/' ? path : join(root, path));
  return {
    path: at,
    realPath: async (path) => (await orNull(fs.realpath(at(path)))) ?? at(path),
    read: (path) => onFile('read', path, () => orNull(fs.readFile(at(path), 'utf8'))),
    readBytes: (path) => onFile('read', path, () => orNull(fs.readFile(at(path)))),
    list: async (path) =>
      (await onFile('list', path, () => orNull(fs.readdir(at(path)))))?.sort() ?? [],
    stat: (path) => onFile('look at', path, () => statFile(at(path))),
    readLink: (path) => onFile('read', path, () => readLink(at(path))),
    space: (path) => onFile('measure', path, () => freeSpace(at(path))),
    replace: (path, content, options) =>
      onFile('write', path, () => replaceFile(at(path), content, options)),
    link: (target, path) => onFile('write', path, () => linkFile(target, at(path))),
    rename: (from, to) => onFile('rename', from, () => renameFile(at(from), at(to))),
    remove: (path) => onFile('remove', path, () => fs.rm(at(path), { force: true })),
    removeTree: (path) =>
      onFile('remove', path, () => fs.rm(at(path), { recursive: true, force: true })),
    makeDirectory: (path, options) =>
      onFile('make the directory', path, () => makeDirectory(at(path), options)),
    setOwner: (path, owner) =>
      onFile('set the owner of', path, () => fs.lchown(at(path), owner.uid, owner.gid)),
    copy: (from, to, options) => onFile('copy', from, () => copyFile(at(from), at(to), options)),
  };
}
