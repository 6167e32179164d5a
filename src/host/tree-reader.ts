// Reads a tree that a container may write to, without following links: each folder is opened relative to its open
// parent, and only regular files are read. Names are strings with one character for each byte (Latin-1), so that any
// name can be stored and given back.

import { Buffer } from 'node:buffer';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
  type Stats,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import { codeOf, openFolder } from './open-folder.ts';

export interface TreeEntry {
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  readonly size: number;
  /** Permission bits only. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds. */
  readonly mtime: number;
}

export interface OpenFile {
  /** As it is now. */
  readonly entry: TreeEntry;
  /** Bytes read into the buffer, which it fills unless the file ends. */
  read(into: Uint8Array): number;
  rewind(): void;
  close(): void;
}

export interface OpenTree {
  /** Of the folder itself. */
  self(): TreeEntry;
  /** Differs after an entry was added, removed or renamed. */
  stamp(): string;
  /** Milliseconds since 1970 of the last such change. */
  changed(): number;
  names(): string[];
  /** null when it is missing. */
  look(name: string): TreeEntry | null;
  /** Differs after a change of the file. */
  stampOf(name: string): string | null;
  /** null when it is missing or no folder. */
  folder(name: string): OpenTree | null;
  /** null when it is missing or no regular file. */
  file(name: string): OpenFile | null;
  /** null when it is missing or no link. */
  target(name: string): string | null;
  close(): void;
}

export interface TreeReader {
  /** The folder at an absolute path of the host, which may be a link; null when it is missing. */
  open(path: string): OpenTree | null;
  /** The folder that holds the path, and its last name; null when it is missing. */
  openParent(path: string): { folder: OpenTree; name: string } | null;
}

// O_NONBLOCK: opening a FIFO must not wait for a writer
const FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const GONE = ['ENOENT', 'ELOOP', 'ENOTDIR', 'ENXIO', 'ESTALE'];
const NOT_ASCII = /[\u0080-\uffff]/;

const entryOf = (stat: Stats): TreeEntry => ({
  kind: stat.isFile()
    ? 'file'
    : stat.isDirectory()
      ? 'folder'
      : stat.isSymbolicLink()
        ? 'link'
        : 'other',
  size: stat.size,
  mode: stat.mode & 0o7777,
  uid: stat.uid,
  gid: stat.gid,
  mtime: Math.floor(stat.mtimeMs / 1000),
});

const bytesOf = (name: string) => Buffer.from(name, 'latin1');

function below(folder: number, name: string): string | Buffer {
  const path = `/proc/self/fd/${folder}/${name}`;
  return NOT_ASCII.test(name) ? bytesOf(path) : path;
}

function orNull<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (GONE.includes(codeOf(error))) return null;
    throw error;
  }
}

function namesOf(folder: number): string[] {
  const path = `/proc/self/fd/${folder}`;
  const names = readdirSync(path);
  if (!names.some((name) => NOT_ASCII.test(name))) return names;
  return readdirSync(path, { encoding: 'buffer' }).map((name) => name.toString('latin1'));
}

function stampOf(path: string | Buffer): string | null {
  return orNull(() => {
    const { ino, size, mtimeNs, ctimeNs } = lstatSync(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  });
}

function openFile(folder: number, name: string): OpenFile | null {
  const file = orNull(() => openSync(below(folder, name), FILE));
  if (file === null) return null;
  const entry = entryOf(fstatSync(file));
  if (entry.kind !== 'file') {
    closeSync(file);
    return null;
  }
  let position = 0;
  const read = (into: Uint8Array) => {
    let filled = 0;
    while (filled < into.length) {
      const count = readSync(file, into, filled, into.length - filled, position);
      if (count === 0) break;
      filled += count;
      position += count;
    }
    return filled;
  };
  return {
    entry,
    read,
    rewind: () => {
      position = 0;
    },
    close: () => closeSync(file),
  };
}

function openTree(folder: number): OpenTree {
  return {
    self: () => entryOf(fstatSync(folder)),
    stamp: () => stampOf(`/proc/self/fd/${folder}/.`) ?? '',
    changed: () => {
      const { mtimeMs, ctimeMs } = fstatSync(folder);
      return Math.max(mtimeMs, ctimeMs);
    },
    names: () => namesOf(folder),
    look: (name) => orNull(() => entryOf(lstatSync(below(folder, name)))),
    stampOf: (name) => stampOf(below(folder, name)),
    folder: (name) => {
      const inner = openFolder(below(folder, name));
      return inner === null ? null : openTree(inner);
    },
    file: (name) => openFile(folder, name),
    target: (name) =>
      orNull(() => {
        try {
          return readlinkSync(below(folder, name), { encoding: 'buffer' }).toString('latin1');
        } catch (error) {
          if (codeOf(error) === 'EINVAL') return null;
          throw error;
        }
      }),
    close: () => closeSync(folder),
  };
}

export function createTreeReader(at: (path: string) => string): TreeReader {
  // the path itself and its parents belong to the host
  const open = (path: string) => {
    const real = orNull(() => realpathSync(at(path)));
    const folder = real === null ? null : openFolder(real);
    return folder === null ? null : openTree(folder);
  };
  return {
    open,
    openParent: (path) => {
      const folder = open(dirname(path));
      return folder === null ? null : { folder, name: basename(path) };
    },
  };
}
