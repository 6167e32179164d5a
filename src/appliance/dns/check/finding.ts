// What dns-check found out about one thing, and how.

export type Verdict = 'right' | 'wrong' | 'missing' | 'unknown' | 'advice';

export interface DnsFinding {
  /** Stable, for scripts: `record.mx`, `ptr`, `spf.lookups`, … */
  readonly id: string;
  /** What it is about: `example.com MX`. */
  readonly subject: string;
  readonly verdict: Verdict;
  readonly message: string;
  readonly published: readonly string[];
  readonly wanted: readonly string[];
  /** Who was asked, or what was looked at. */
  readonly measured: string;
  /** A command, or what to do at somebody else's. */
  readonly fix: string | null;
}

type Details = Partial<Pick<DnsFinding, 'published' | 'wanted' | 'fix'>>;

export function finding(
  base: Pick<DnsFinding, 'id' | 'subject' | 'verdict' | 'message' | 'measured'>,
  details: Details = {},
): DnsFinding {
  return { ...base, published: [], wanted: [], fix: null, ...details };
}

/** Advice and what could not be told are no faults. */
export function isFault({ verdict }: DnsFinding): boolean {
  return verdict === 'wrong' || verdict === 'missing';
}
