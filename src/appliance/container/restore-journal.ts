// How far a restore of the whole server has come: <data>/mesh/restore/journal.json. It exists from the moment at which
// everything is checked until nothing is left to do, so a restore that was killed is finished by the next one.

import { join } from 'node:path';
import { literal, number, object, picklist, pipe, regex, string } from 'valibot';
import type { Host } from '../../host/host.ts';
import type { Paths } from '../paths.ts';
import { readState, type StateFile } from './state-file.ts';

export interface RestoreJournal {
  readonly v: 1;
  /** Sequence number of the backup. */
  readonly sequence: number;
  /** Of the folder that keeps what was there before, such as `20261121T153000Z`. */
  readonly stamp: string;
  /** `switch`: parts are being exchanged; `merge`: mail that arrived meanwhile is being added; then all is in place. */
  readonly phase: 'switch' | 'merge' | 'start';
}

export const restoreFolder = (paths: Paths): string => join(paths.mesh, 'restore');

/** The files of the backup, before they take their places. */
export const restoredTree = (paths: Paths): string => join(restoreFolder(paths), 'tree');

export const RESTORE_JOURNAL: StateFile<RestoreJournal | null> = {
  path: (paths) => join(restoreFolder(paths), 'journal.json'),
  schema: object({
    v: literal(1),
    sequence: number(),
    stamp: pipe(string(), regex(/^\d{8}T\d{6}Z$/)),
    phase: picklist(['switch', 'merge', 'start']),
  }),
  empty: null,
  whenDamaged: { withoutIt: 'then a restore that was interrupted is not finished' },
};

/** The restore that was interrupted; null without one. */
export function unfinishedRestore(host: Host, paths: Paths): Promise<RestoreJournal | null> {
  return readState(host, paths, RESTORE_JOURNAL);
}
