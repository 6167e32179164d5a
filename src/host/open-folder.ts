// Folders opened one inside the other, so that a link in the place of a folder is never followed.

import { Buffer } from 'node:buffer';
import { closeSync, constants, openSync } from 'node:fs';

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** The path of an entry of an open folder. */
export function below(folder: number, name: Buffer | string): Buffer {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${folder}/`), Buffer.from(name)]);
}

export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}

/** null when it is missing, a link, or not a folder. */
export function openFolder(path: string | Buffer): number | null {
  try {
    return openSync(path, FOLDER);
  } catch (error) {
    if (['ENOENT', 'ELOOP', 'ENOTDIR'].includes(codeOf(error))) return null;
    throw error;
  }
}

export function within<T>(folder: number, work: (folder: number) => T): T {
  try {
    return work(folder);
  } finally {
    closeSync(folder);
  }
}
