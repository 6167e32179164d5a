// Reads a whole backup and compares every content with the hash in its list, without writing anything.

import type { Host } from '../../host/host.ts';
import type { TreeWriter } from '../../host/tree-writer.ts';
import { type RestoreOptions, type RestoreReport, restoreTree } from './restore.ts';

const nothing = (): void => undefined;

const DISCARDING: TreeWriter = {
  ...{ folder: nothing, setFolder: nothing, link: nothing, copy: nothing, remove: nothing },
  file: () => ({ write: nothing, finish: nothing }),
  close: nothing,
};

/** As `restoreTree` into nowhere. @param options its target is an empty folder */
export function checkContents(host: Host, options: RestoreOptions): Promise<RestoreReport> {
  const discarding: Host = {
    ...host,
    files: {
      ...host.files,
      space: async (path) => ({
        ...(await host.files.space(path)),
        free: Number.POSITIVE_INFINITY,
      }),
    },
    treeWriters: { ...host.treeWriters, open: () => DISCARDING },
  };
  return restoreTree(discarding, options);
}
