// One result of dns-check, and how it was measured.

export type Verdict = 'right' | 'wrong' | 'missing' | 'unknown' | 'advice';

export interface DnsFinding {
  /** Stable, for scripts: `record.mx`, `ptr`, `spf.lookups`, … */
  readonly id: string;
  /** What was checked: `example.com MX`. */
  readonly subject: string;
  readonly verdict: Verdict;
  readonly message: string;
  readonly published: readonly string[];
  readonly wanted: readonly string[];
  /** Which servers were queried, or what was read. */
  readonly measured: string;
  /** A command, or an action at the provider or registrar. */
  readonly fix: string | null;
}

type Details = Partial<Pick<DnsFinding, 'published' | 'wanted' | 'fix'>>;

export function finding(
  base: Pick<DnsFinding, 'id' | 'subject' | 'verdict' | 'message' | 'measured'>,
  details: Details = {},
): DnsFinding {
  return { ...base, published: [], wanted: [], fix: null, ...details };
}

/** Advice and inconclusive checks are no faults. */
export function isFault({ verdict }: DnsFinding): boolean {
  return verdict === 'wrong' || verdict === 'missing';
}
