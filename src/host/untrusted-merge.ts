// Adds files of one folder tree to another by hard links, where a container may write to either: each folder is opened
// relative to its open parent and no link is followed (src/host/untrusted-tree.ts).

import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
} from 'node:fs';
import { below, codeOf, openFolder, within } from './open-folder.ts';

/** One folder, on both sides. */
export interface MergedFolder {
  /** Names from the base. */
  readonly parts: readonly string[];
  readonly names: readonly string[];
  /** The folder has no counterpart yet. */
  readonly isNew: boolean;
  /** Names in the counterpart of a folder beside this one; empty when there is none. */
  readonly beside: (folder: string) => readonly string[];
}

/** Files of a folder to add, by the name that they get. Links, sockets and folders are never added. */
export type MergeRule = (folder: MergedFolder) => ReadonlyMap<string, string>;

export interface Merged {
  /** Files that were added. */
  readonly files: number;
  /** Folders that could not be made, because a link or a file has their name. */
  readonly blocked: readonly string[];
}

const MAX_DEPTH = 50;

interface Work {
  readonly rule: MergeRule;
  files: number;
  readonly blocked: string[];
}

/** A folder and its counterpart; null while that is missing. */
interface Sides {
  readonly from: number;
  readonly to: number | null;
  /** The counterpart of the parent. */
  readonly parent: number | null;
  /** Makes the counterpart; null when something is in the way. */
  readonly make: () => number | null;
}

const textsIn = (folder: number): string[] => readdirSync(`/proc/self/fd/${folder}`);

/** Makes a folder with owner and mode of the model. */
function makeLike(parent: number, name: string, model: number): number | null {
  const path = below(parent, name);
  try {
    mkdirSync(path, 0o700);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  const folder = openFolder(path);
  if (folder === null) return null;
  const { uid, gid, mode } = fstatSync(model);
  fchownSync(folder, uid, gid);
  fchmodSync(folder, mode & 0o7777);
  fsyncSync(parent);
  return folder;
}

function isFile(folder: number, name: string): boolean {
  const stat = lstatSync(below(folder, name), { throwIfNoEntry: false });
  return stat?.isFile() ?? false;
}

/** False for a file that was removed meanwhile, or linked by a merge that was interrupted. */
function linkInto(from: number, to: number, [name, wanted]: readonly [string, string]): boolean {
  try {
    linkSync(below(from, name), below(to, wanted));
    return true;
  } catch (error) {
    if (['ENOENT', 'EEXIST'].includes(codeOf(error))) return false;
    throw error;
  }
}

function namesBeside({ parent }: Sides, folder: string): readonly string[] {
  const other = parent === null ? null : openFolder(below(parent, folder));
  return other === null ? [] : within(other, textsIn);
}

function mergeFolder(sides: Sides, parts: readonly string[], work: Work): void {
  if (parts.length > MAX_DEPTH) return;
  const { from } = sides;
  const names = textsIn(from);
  const isNew = sides.to === null;
  const beside = (folder: string) => namesBeside(sides, folder);
  const chosen = [...work.rule({ parts, names, isNew, beside })].filter(([name]) =>
    isFile(from, name),
  );
  let { to } = sides;
  const target = (): number | null => {
    to ??= sides.make();
    return to;
  };
  try {
    const into = chosen.length > 0 ? target() : null;
    if (chosen.length > 0 && into === null) work.blocked.push(parts.join('/'));
    else if (into !== null) addFiles(from, into, { chosen, work });
    for (const name of names) mergeInner({ from, to: () => to, target }, [...parts, name], work);
    if (isNew && to !== null) makeEmpty(from, to, names);
  } finally {
    if (to !== null) closeSync(to);
  }
}

/** A folder that was made gets its empty folders too: a Maildir is none without them. */
function makeEmpty(from: number, to: number, names: readonly string[]): void {
  for (const name of names) {
    const inner = openFolder(below(from, name));
    if (inner === null) continue;
    const made = within(inner, (model) => makeLike(to, name, model));
    if (made !== null) closeSync(made);
  }
}

function addFiles(
  from: number,
  to: number,
  { chosen, work }: { chosen: readonly (readonly [string, string])[]; work: Work },
): void {
  const added = chosen.filter((pair) => linkInto(from, to, pair)).length;
  if (added > 0) fsyncSync(to);
  work.files += added;
}

interface Parent {
  readonly from: number;
  readonly to: () => number | null;
  readonly target: () => number | null;
}

function mergeInner(parent: Parent, parts: readonly string[], work: Work): void {
  const name = parts.at(-1) ?? '';
  const inner = openFolder(below(parent.from, name));
  if (inner === null) return;
  within(inner, (from) => {
    const into = parent.to();
    const to = into === null ? null : openFolder(below(into, name));
    const make = () => {
      const made = parent.target();
      return made === null ? null : makeLike(made, name, from);
    };
    mergeFolder({ from, to, parent: into, make }, parts, work);
  });
}

/** Both bases belong to the host; what is in them may not. Can be repeated after a kill. */
export function mergeTrees(from: string, to: string, rule: MergeRule): Merged {
  const work: Work = { rule, files: 0, blocked: [] };
  const source = openFolder(from);
  if (source === null) return work;
  within(source, (opened) => {
    const there = openFolder(to);
    mergeFolder({ from: opened, to: there, parent: null, make: () => null }, [], work);
  });
  return work;
}
