// What has been done when and how that went: <data>/schedule.json. It is written when something was done,
// never while nothing happens.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import type { Paths } from '../paths.ts';
import type { Outcome } from './times.ts';

export interface JobRecord {
  readonly last: Date;
  readonly outcome: Outcome;
  readonly status: number;
  /** Its last words where it did not go well, fit to be shown. */
  readonly said: string;
  /** Attempts in a row that did not go well. */
  readonly failures: number;
  readonly notBefore: Date;
}

export type Schedule = ReadonlyMap<string, JobRecord>;

function parseDate(value: unknown): Date {
  const date = new Date(typeof value === 'string' ? value : Number.NaN);
  if (Number.isNaN(date.getTime())) throw new TypeError('no date');
  return date;
}

function parseRecord(value: unknown): JobRecord {
  const record = value as Record<string, unknown>;
  const { outcome, status, said, failures } = record;
  if (outcome !== 'done' && outcome !== 'later' && outcome !== 'failed') throw new TypeError();
  if (typeof status !== 'number' || typeof failures !== 'number') throw new TypeError();
  if (typeof said !== 'string') throw new TypeError();
  const last = parseDate(record.last);
  return { last, outcome, status, said, failures, notBefore: parseDate(record.not_before) };
}

function parseSchedule(text: string): Schedule | null {
  try {
    const { v, jobs } = JSON.parse(text) as { v: unknown; jobs: unknown };
    if (v !== 1 || typeof jobs !== 'object' || jobs === null) return null;
    return new Map(Object.entries(jobs).map(([job, record]) => [job, parseRecord(record)]));
  } catch {
    return null;
  }
}

/** `damaged`: there is a file, and it says nothing that can be understood. */
export async function readSchedule(
  host: Host,
  paths: Paths,
): Promise<{ schedule: Schedule; damaged: boolean }> {
  const text = await host.files.read(paths.schedule);
  const schedule = text === null ? new Map<string, JobRecord>() : parseSchedule(text);
  return { schedule: schedule ?? new Map<string, JobRecord>(), damaged: schedule === null };
}

/** Keeps a damaged file for whoever wants to know; answers with its new name. */
export async function setAside(host: Host, paths: Paths): Promise<string> {
  const aside = `${paths.schedule}.damaged`;
  await host.files.rename(paths.schedule, aside);
  return aside;
}

export async function writeSchedule(host: Host, paths: Paths, schedule: Schedule): Promise<void> {
  if ((await host.files.stat(paths.data)) === null) {
    throw new MailctlError('NOT_INSTALLED', `the folder ${paths.data} is missing`, {
      hint: 'mailctl status',
    });
  }
  const jobs = [...schedule].map(([job, { notBefore, ...record }]) => [
    job,
    { ...record, not_before: notBefore },
  ]);
  const text = `${JSON.stringify({ v: 1, jobs: Object.fromEntries(jobs) }, null, 1)}\n`;
  await host.files.replace(paths.schedule, text, { mode: 0o600 });
}
