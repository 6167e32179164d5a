// The public half of the recovery key: <data>/mesh/recovery.json. It encrypts backups and reads none.

import { join } from 'node:path';
import { array, literal, nullable, object, pipe, regex, string, transform } from 'valibot';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { moment, readState, type StateFile } from '../container/state-file.ts';
import type { Paths } from '../paths.ts';

export interface RecoveryRecipient {
  /** `age1…`. */
  readonly recipient: string;
  /** Public half of the key with which a new box, which has the recovery key, may read here what peers keep. */
  readonly restoreKey: string;
  /** RFC 3339. */
  readonly since: string;
}

export interface Recovery {
  /** null before `mesh enable`. */
  readonly current: RecoveryRecipient | null;
  /** Recipients of former keys, with which older archives are still read. */
  readonly former: readonly RecoveryRecipient[];
}

const recipient = pipe(
  object({
    recipient: pipe(string(), regex(/^age1[02-9ac-hj-np-z]{58}$/)),
    restore_key: string(),
    since: moment,
  }),
  transform(
    ({ restore_key, ...rest }): RecoveryRecipient => ({ ...rest, restoreKey: restore_key }),
  ),
);

const encode = ({ restoreKey, ...rest }: RecoveryRecipient) => ({
  ...rest,
  restore_key: restoreKey,
});

export const RECOVERY: StateFile<Recovery> = {
  path: (paths) => join(paths.mesh, 'recovery.json'),
  schema: pipe(
    object({ v: literal(1), current: nullable(recipient), former: array(recipient) }),
    transform(({ current, former }): Recovery => ({ current, former })),
  ),
  empty: { current: null, former: [] },
  encode: ({ current, former }) => ({
    ...{ v: 1, current: current === null ? null : encode(current) },
    former: former.map(encode),
  }),
  whenDamaged: { withoutIt: 'then mailctl mesh enable makes another recovery key' },
};

export function readRecovery(host: Host, paths: Paths): Promise<Recovery> {
  return readState(host, paths, RECOVERY);
}

/** Throws RECOVERY_KEY_MISSING before `mesh enable`. */
export async function requireRecipient(host: Host, paths: Paths): Promise<RecoveryRecipient> {
  const { current } = await readRecovery(host, paths);
  if (current !== null) return current;
  throw new MailctlError(
    'RECOVERY_KEY_MISSING',
    'there is no recovery key, which encrypts backups',
    {
      hint: 'mailctl mesh enable',
    },
  );
}
