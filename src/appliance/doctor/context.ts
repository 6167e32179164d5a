// What every check is given, and how a check is run: within its time, and never in the way of the others.

import { MailctlError } from '../../errors.ts';
import { withinTime } from '../../host/clock.ts';
import type { Host } from '../../host/host.ts';
import { presentable } from '../../host/programs.ts';
import type { Appliance } from '../appliance.ts';
import type { Finding, Severity } from './finding.ts';

export interface Context {
  readonly host: Host;
  readonly target: Appliance;
  /** Of the container's init on this host; null while it does not run. */
  readonly pid: number | null;
}

export interface Check {
  readonly id: string;
  /** For --list. */
  readonly about: string;
  /** Asks the running container. */
  readonly needsContainer?: boolean;
  /** How it is measured, when it says nothing better itself. */
  readonly measured: string;
  readonly run: (context: Context, report: Report) => Promise<Finding | readonly Finding[]>;
  /** Mends what the check found, where that harms nothing; says what it did. */
  readonly mend?: (context: Context) => Promise<string>;
}

/** Makes a finding of this check. */
export type Report = (severity: Severity, message: string, details?: Partial<Finding>) => Finding;

const TIME_LIMIT_MS = 45_000;

function reporter({ id, measured }: Check): Report {
  return (severity, message, details = {}) => ({
    ...{ id, severity, message, measured, fix: null },
    ...details,
  });
}

/** Whatever happens to one check, the others say what they found. */
export async function runCheck(context: Context, check: Check): Promise<readonly Finding[]> {
  const report = reporter(check);
  if (check.needsContainer && context.pid === null) {
    return [report('unknown', 'could not tell, because the container does not run')];
  }
  try {
    return [await withinTime(context.host.clock, TIME_LIMIT_MS, check.run(context, report))].flat();
  } catch (error) {
    const known = error instanceof MailctlError;
    const why = known
      ? error.message
      : `of an error in mailctl itself: ${presentable(String(error))}`;
    const fix = known ? (error.hint ?? null) : 'repeat with --only and --debug, and report it';
    return [report('unknown', `could not tell, because ${why}`, { fix })];
  }
}
