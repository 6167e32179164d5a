// Durability of a single file or folder.

import { closeSync, fsyncSync, openSync } from 'node:fs';

/** Returns when the file, or the entries of the folder, are on the disk (fsync(2)). */
export function syncPath(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
