// Root on the host walks folders that a container may write to. The container can put a link anywhere at any time, so
// no path is followed: each folder is opened relative to its open parent, and a link in its place is refused.

import type { Buffer } from 'node:buffer';
import {
  closeSync,
  existsSync,
  fchownSync,
  fstatSync,
  lchownSync,
  lstatSync,
  readdirSync,
  realpathSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import { MailctlError } from '../errors.ts';
import type { Ownership } from './files.ts';
import { below, codeOf, openFolder, readText, within } from './open-folder.ts';
import { type Merged, type MergeRule, mergeTrees } from './untrusted-merge.ts';

/**
 * The owner of an entry; null to leave it as it is.
 * @param parts names from the base to the entry; empty for the base itself
 */
export type OwnerRule = (parts: readonly string[], present: Ownership) => Ownership | null;

export interface UntrustedFile {
  /** Name of its folder; empty for the folder at which the walk starts. */
  readonly folder: string;
  readonly name: string;
  /** Bytes; 0 when the file was removed meanwhile. */
  size(): number;
}

export interface UntrustedTrees {
  /** Visits every file below `base/parts…`, without links; false when the folder is missing. */
  walk(
    base: string,
    parts: readonly string[],
    visit: (file: UntrustedFile) => void,
  ): Promise<boolean>;
  exists(base: string, parts: readonly string[]): Promise<boolean>;
  /** The text of a regular file; null for one that is missing, longer than `limit` bytes, or not a regular file. */
  read(base: string, parts: readonly string[], limit: number): Promise<string | null>;
  /** Sets the owners of everything in `base` by the rule, a folder after its content; counts those that it changed. */
  setOwners(base: string, rule: OwnerRule): Promise<number>;
  /** Removes `base/parts…` with everything in it; false when the folder is missing. */
  remove(base: string, parts: readonly string[]): Promise<boolean>;
  /** Adds files of the tree `from` to `to` by hard links (src/host/untrusted-merge.ts). */
  merge(from: string, to: string, rule: MergeRule): Promise<Merged>;
}

const MAX_DEPTH = 200;
const REMOVE_ATTEMPTS = 5;

/** Opens the folders from the top down and calls `work` with the last one; null when one is missing. */
function atFolder<T>(
  base: string,
  parts: readonly string[],
  work: (folder: number) => T,
): T | null {
  let folder = openFolder(base);
  for (const part of parts) {
    if (folder === null) return null;
    if (part === '' || part === '.' || part === '..' || part.includes('/')) {
      closeSync(folder);
      throw new Error(`not a folder's name: ${JSON.stringify(part)}`);
    }
    folder = within(folder, (parent) => openFolder(below(parent, part)));
  }
  return folder === null ? null : within(folder, work);
}

function namesIn(folder: number): Buffer[] {
  return readdirSync(`/proc/self/fd/${folder}`, { encoding: 'buffer' });
}

function sizeOf(path: Buffer): number {
  try {
    const stat = lstatSync(path);
    return stat.isFile() ? stat.size : 0;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 0;
    throw error;
  }
}

function tooDeep(): never {
  throw new MailctlError('FILE_FAILED', `folders are nested more than ${MAX_DEPTH} deep there`, {
    hint: 'stop the container and remove the folder by hand',
  });
}

/** A mailbox may have such a name too; its folder then contains these three. */
function isMaildirPart(name: string): boolean {
  return name === 'cur' || name === 'new' || name === 'tmp';
}

function walkFolder(
  folder: number,
  name: string,
  visit: (file: UntrustedFile) => void,
  depth: number,
): void {
  if (depth > MAX_DEPTH) tooDeep();
  const entries = namesIn(folder);
  const isLeaf = isMaildirPart(name) && !entries.some((entry) => isMaildirPart(String(entry)));
  for (const entry of entries) {
    const path = below(folder, entry);
    // the three folders of a Maildir contain many files and no folders: one system call less per file
    const inner = isLeaf ? null : openFolder(path);
    const text = entry.toString('utf8');
    if (inner === null) visit({ folder: name, name: text, size: () => sizeOf(path) });
    else within(inner, (opened) => walkFolder(opened, text, visit, depth + 1));
  }
}

/** The new owner, where it differs. */
function otherOwner(rule: OwnerRule, parts: readonly string[], { uid, gid }: Ownership) {
  const owner = rule(parts, { uid, gid });
  return owner === null || (owner.uid === uid && owner.gid === gid) ? null : owner;
}

function setOwner(path: Buffer, parts: readonly string[], rule: OwnerRule): number {
  try {
    const owner = otherOwner(rule, parts, lstatSync(path));
    // of the entry itself, if it has become a link
    if (owner !== null) lchownSync(path, owner.uid, owner.gid);
    return owner === null ? 0 : 1;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 0;
    throw error;
  }
}

function setOwnersIn(folder: number, parts: readonly string[], rule: OwnerRule): number {
  if (parts.length > MAX_DEPTH) tooDeep();
  let changed = 0;
  for (const entry of namesIn(folder)) {
    const path = below(folder, entry);
    const at = [...parts, entry.toString('utf8')];
    const inner = openFolder(path);
    changed +=
      inner === null
        ? setOwner(path, at, rule)
        : within(inner, (opened) => setOwnersIn(opened, at, rule));
  }
  const owner = otherOwner(rule, parts, fstatSync(folder));
  if (owner !== null) fchownSync(folder, owner.uid, owner.gid);
  return owner === null ? changed : changed + 1;
}

function removeEntry(parent: number, name: Buffer | string, depth: number): void {
  if (depth > MAX_DEPTH) tooDeep();
  const path = below(parent, name);
  for (let attempt = 1; ; attempt += 1) {
    try {
      const folder = openFolder(path);
      if (folder === null) unlinkSync(path);
      else {
        within(folder, (opened) => {
          for (const entry of namesIn(opened)) removeEntry(opened, entry, depth + 1);
        });
        rmdirSync(path);
      }
      return;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return;
      // a delivery may have added a file to the folder, or replaced the folder
      const again = ['ENOTEMPTY', 'EEXIST', 'EISDIR', 'ENOTDIR', 'EPERM'].includes(codeOf(error));
      if (!again || attempt >= REMOVE_ATTEMPTS) throw error;
    }
  }
}

export function createUntrustedTrees(at: (path: string) => string): UntrustedTrees {
  return {
    walk: async (base, parts, visit) =>
      atFolder(at(base), parts, (folder) => {
        walkFolder(folder, '', visit, 0);
        return true;
      }) ?? false,
    exists: async (base, parts) => atFolder(at(base), parts, () => true) ?? false,
    read: async (base, parts, limit) => {
      const name = parts.at(-1) ?? '';
      return atFolder(at(base), parts.slice(0, -1), (folder) => readText(folder, name, limit));
    },
    setOwners: async (base, rule) =>
      // the base itself and its parents belong to the host
      atFolder(existsSync(at(base)) ? realpathSync(at(base)) : at(base), [], (folder) =>
        setOwnersIn(folder, [], rule),
      ) ?? 0,
    merge: async (from, to, rule) => mergeTrees(at(from), at(to), rule),
    remove: async (base, parts) => {
      const name = parts.at(-1);
      if (name === undefined) throw new Error('the base itself is never removed');
      const there = atFolder(at(base), parts, () => true) ?? false;
      if (there) atFolder(at(base), parts.slice(0, -1), (parent) => removeEntry(parent, name, 0));
      return there;
    },
  };
}
