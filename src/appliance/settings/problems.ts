// The problems of a settings file, as data and as text.

export interface Problem {
  readonly file: string;
  readonly line: number;
  /** In characters, from 1. */
  readonly column: number;
  readonly section: string | null;
  readonly option: string | null;
  readonly message: string;
  readonly hint?: string;
}

/** One line for each problem. */
export function formatProblems(problems: readonly Problem[]): string {
  return problems.map(formatProblem).join('\n');
}

/** Such as `FILE:12: mailserver.ports.smtp: … (did you mean …?)`. */
export function formatProblem({ file, line, section, option, message, hint }: Problem): string {
  const path = ['mailserver', section, option].filter((part) => part !== null);
  const subject = section === null ? '' : `${path.join('.')}: `;
  return `${file}:${line}: ${subject}${message}${hint === undefined ? '' : ` (${hint})`}`;
}
