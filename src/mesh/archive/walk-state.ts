// What a walk of the sources carries along.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import type { TarMember } from '../../host/tar.ts';
import type { OpenTree, TreeEntry } from '../../host/tree-reader.ts';
import type { Source } from '../source.ts';
import type { Contents } from './content.ts';
import type { FolderRow, Index } from './index-file.ts';
import { shownName } from './names.ts';
import type { Packer } from './packer.ts';

export interface LeftOut {
  /** As people read it. */
  readonly path: string;
  readonly reason: string;
}

export interface Walk {
  readonly host: Host;
  readonly index: Index;
  readonly packer: Packer;
  readonly contents: Contents;
  readonly sequence: number;
  /** Archives whose contents this backup stores again. */
  readonly leaving: ReadonlySet<number>;
  /** Folders that this pass has found. */
  readonly seen: Set<number>;
  readonly leftOut: Map<string, string>;
}

/** An open folder of a source. */
export interface Folder {
  readonly walk: Walk;
  readonly source: Source;
  readonly tree: OpenTree;
  readonly row: FolderRow;
  /** Names from the source to the folder. */
  readonly parts: readonly string[];
}

const UNREADABLE: Readonly<Record<string, string>> = {
  EIO: 'input/output error',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  ENAMETOOLONG: 'its name is too long',
};

/** As people and tar read it. */
export const shownPath = (folder: FolderRow, name: string): string =>
  shownName(`${folder.path}/${name}`);

export function fileMember(path: string, entry: TreeEntry): TarMember {
  const { size, mode, uid, gid, mtime } = entry;
  return { kind: 'file', path, size, mode, uid, gid, mtime };
}

/** The result of `read`; null, and the path left out, when the disk refuses it. */
export async function readable<T>(
  walk: Walk,
  path: string,
  read: () => Promise<T> | T,
): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    const reason = UNREADABLE[(error as NodeJS.ErrnoException).code ?? ''];
    if (reason === undefined || error instanceof MailctlError) throw error;
    walk.leftOut.set(path, reason);
    return null;
  }
}
