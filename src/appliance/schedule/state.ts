// When each job ran and its result: <data>/schedule.json. Written only after a job.

import { literal, number, object, picklist, pipe, record, string, transform } from 'valibot';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { moment, type OpenState, readState, type StateFile } from '../container/state-file.ts';
import type { Paths } from '../paths.ts';
import type { Outcome } from './times.ts';

export interface JobRecord {
  readonly last: Date;
  readonly outcome: Outcome;
  readonly status: number;
  /** The last output of a failed run, presentable. */
  readonly said: string;
  /** Consecutive attempts without success. */
  readonly failures: number;
  readonly notBefore: Date;
}

export type Schedule = ReadonlyMap<string, JobRecord>;

const schema = pipe(
  object({
    v: literal(1),
    jobs: record(
      string(),
      object({
        last: moment,
        outcome: picklist(['done', 'later', 'failed']),
        status: number(),
        said: string(),
        failures: number(),
        not_before: moment,
      }),
    ),
  }),
  transform(
    ({ jobs }): Schedule =>
      new Map(
        Object.entries(jobs).map(([name, { last, not_before, ...rest }]) => [
          name,
          { ...rest, last: new Date(last), notBefore: new Date(not_before) },
        ]),
      ),
  ),
);

const encodeRecord = ({ notBefore, ...rest }: JobRecord) => ({ ...rest, not_before: notBefore });

export const SCHEDULE: StateFile<Schedule> = {
  path: (paths) => paths.schedule,
  schema,
  encode: (schedule) => ({
    v: 1,
    jobs: Object.fromEntries([...schedule].map(([name, one]) => [name, encodeRecord(one)])),
  }),
  empty: new Map(),
  whenDamaged: {
    goOnWith: async () => new Map(),
    lost: 'every job counts as never run, and retry pauses end',
  },
};

export function readSchedule(host: Host, paths: Paths): Promise<Schedule> {
  return readState(host, paths, SCHEDULE);
}

/** Throws NOT_INSTALLED without the data folder, which is not created here: its disk may not be mounted yet. */
export async function writeSchedule(
  host: Host,
  paths: Paths,
  { open, schedule }: { open: OpenState<Schedule>; schedule: Schedule },
): Promise<void> {
  if ((await host.files.stat(paths.data)) === null) {
    throw new MailctlError('NOT_INSTALLED', `the folder ${paths.data} is missing`, {
      hint: 'mailctl status',
    });
  }
  await open.write(schedule);
}
