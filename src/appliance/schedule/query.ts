// The scheduler as `status` shows it.

import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import { type DueJob, planJobs } from './plan.ts';
import { queryRunningJob } from './run.ts';
import { queryServer, type Server } from './server.ts';
import { readSchedule } from './state.ts';

export interface SchedulingStatus {
  readonly server: Server | null;
  /** Name of the running job. */
  readonly running: string | null;
  readonly due: readonly DueJob[];
}

export async function queryScheduling(host: Host, target: Appliance): Promise<SchedulingStatus> {
  const schedule = await readSchedule(host, target.paths);
  return {
    server: queryServer(host, target.paths),
    running: (await queryRunningJob(host, target.paths))?.job ?? null,
    due: await planJobs(host, target, { schedule, changedAt: null }),
  };
}
