// What this box knows of its backups: <data>/mesh/state.json. Written by the commands of `mailctl mesh`; read by status,
// doctor and the scheduler.

import { join } from 'node:path';
import { literal, nullable, number, object, pipe, record, string, transform } from 'valibot';
import type { Host } from '../../host/host.ts';
import { moment, readState, type StateFile } from '../container/state-file.ts';
import type { Paths } from '../paths.ts';

/** What one peer did last. Times are RFC 3339. */
export interface PeerRecord {
  /** When it was first told of a backup. */
  readonly since: string;
  /** Sequence number and time of the newest backup that it has whole. */
  readonly pushed: { readonly sequence: number; readonly time: string } | null;
  readonly lastPush: string | null;
  /** When it last proved that it holds what it took. */
  readonly lastProof: string | null;
  /** Why the last push or proof failed; null after a success. */
  readonly problem: string | null;
  readonly usedBytes: number | null;
  readonly quotaBytes: number | null;
}

export interface BackupState {
  /** The newest backup. */
  readonly last: { readonly sequence: number; readonly time: string } | null;
  /** The newest backup that a trial restore has found whole. */
  readonly verified: { readonly sequence: number; readonly time: string } | null;
  /** Why the last trial restore failed; null after a success. */
  readonly trialProblem: string | null;
  /** By the peer's reference in mesh.backup_peers. */
  readonly peers: Readonly<Record<string, PeerRecord>>;
}

/** Of a peer that was asked for the first time. */
export const emptyRecord = (since: Date): PeerRecord => ({
  ...{ since: since.toISOString(), pushed: null, lastPush: null, lastProof: null },
  ...{ problem: null, usedBytes: null, quotaBytes: null },
});

const mark = nullable(object({ sequence: number(), time: moment }));

const schema = pipe(
  object({
    v: literal(1),
    last: mark,
    verified: mark,
    trial_problem: nullable(string()),
    peers: record(
      string(),
      object({
        since: moment,
        pushed: mark,
        last_push: nullable(moment),
        last_proof: nullable(moment),
        problem: nullable(string()),
        used_bytes: nullable(number()),
        quota_bytes: nullable(number()),
      }),
    ),
  }),
  transform(
    ({ last, verified, trial_problem, peers }): BackupState => ({
      ...{ last, verified, trialProblem: trial_problem },
      peers: Object.fromEntries(
        Object.entries(peers).map(([name, one]): [string, PeerRecord] => [
          name,
          {
            ...{ since: one.since, pushed: one.pushed, problem: one.problem },
            ...{ lastPush: one.last_push, lastProof: one.last_proof },
            ...{ usedBytes: one.used_bytes, quotaBytes: one.quota_bytes },
          },
        ]),
      ),
    }),
  ),
);

/** As in the file and in `mesh status --json`. */
export const summarizePeer = (one: PeerRecord) => ({
  ...{ since: one.since, pushed: one.pushed, last_push: one.lastPush, last_proof: one.lastProof },
  ...{ problem: one.problem, used_bytes: one.usedBytes, quota_bytes: one.quotaBytes },
});

const EMPTY: BackupState = { last: null, verified: null, trialProblem: null, peers: {} };

export const BACKUP_STATE: StateFile<BackupState> = {
  path: (paths) => join(paths.mesh, 'state.json'),
  schema,
  empty: EMPTY,
  encode: ({ last, verified, trialProblem, peers }) => ({
    ...{ v: 1, last, verified, trial_problem: trialProblem },
    peers: Object.fromEntries(
      Object.entries(peers).map(([name, one]) => [name, summarizePeer(one)]),
    ),
  }),
  whenDamaged: {
    goOnWith: async () => EMPTY,
    lost: 'each peer counts as never asked, until the next push and proof',
  },
};

export function readBackupState(host: Host, paths: Paths): Promise<BackupState> {
  return readState(host, paths, BACKUP_STATE);
}
