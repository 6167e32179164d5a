// One result of doctor, and how it was measured.

/** `unknown`: the check was inconclusive, and the message says why. */
export const SEVERITIES = ['ok', 'note', 'warning', 'error', 'unknown'] as const;

export type Severity = (typeof SEVERITIES)[number];

export interface Finding {
  /** Stable, for scripts: `daemons.up`, `tls.certificate`, … */
  readonly id: string;
  readonly severity: Severity;
  readonly message: string;
  /** What was measured, and how. */
  readonly measured: string;
  /** One command, or an action at the provider; null if there is nothing to do. */
  readonly fix: string | null;
}

/** Worst first; inconclusive checks come after problems and before notes. */
const ORDER: readonly Severity[] = ['error', 'warning', 'unknown', 'note', 'ok'];

export function bySeverity(a: Finding, b: Finding): number {
  return ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity);
}

/** Findings that lead to exit status 1. */
export function isProblem({ severity }: Finding): boolean {
  return severity === 'error' || severity === 'warning';
}

export function countText(findings: readonly Finding[]): string {
  const words: Readonly<Record<Severity, readonly [one: string, more: string]>> = {
    error: ['error', 'errors'],
    warning: ['warning', 'warnings'],
    unknown: ['inconclusive', 'inconclusive'],
    note: ['note', 'notes'],
    ok: ['in order', 'in order'],
  };
  const counts = ORDER.flatMap((severity) => {
    const count = findings.filter((one) => one.severity === severity).length;
    const [one, more] = words[severity];
    return count === 0 ? [] : [`${count} ${count === 1 ? one : more}`];
  });
  return counts.join(', ');
}
