// The interface of a check. Each check has a time limit, and its failure does not stop the others.

import { MailctlError } from '../../errors.ts';
import { withinTime } from '../../host/clock.ts';
import type { Host } from '../../host/host.ts';
import { presentable } from '../../host/programs.ts';
import type { Appliance } from '../appliance.ts';
import type { Finding, Severity } from './finding.ts';

export interface Context {
  readonly host: Host;
  readonly target: Appliance;
  /** PID of the container's init on this host; null while the container does not run. */
  readonly pid: number | null;
}

export interface Check {
  readonly id: string;
  /** For --list. */
  readonly about: string;
  /** The check needs the running container. */
  readonly needsContainer?: boolean;
  /** How it is measured; a finding may replace it. */
  readonly measured: string;
  readonly run: (context: Context, report: Report) => Promise<Finding | readonly Finding[]>;
  /** Fixes what the check found, where that is safe; returns a sentence about what was done. */
  readonly applyFix?: (context: Context) => Promise<string>;
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

/** A check that fails or exceeds its time gives an inconclusive finding. */
export async function runCheck(context: Context, check: Check): Promise<readonly Finding[]> {
  const report = reporter(check);
  if (check.needsContainer && context.pid === null) {
    return [report('unknown', 'inconclusive: the container does not run')];
  }
  try {
    return [await withinTime(context.host.clock, TIME_LIMIT_MS, check.run(context, report))].flat();
  } catch (error) {
    const known = error instanceof MailctlError;
    const why = known ? error.message : `internal error of mailctl: ${presentable(String(error))}`;
    const fix = known ? (error.hint ?? null) : 'repeat with --only and --debug, and report the bug';
    return [report('unknown', `inconclusive: ${why}`, { fix })];
  }
}
