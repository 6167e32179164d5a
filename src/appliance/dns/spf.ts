// SPF records (RFC 7208) as text: recognizes one, merges the wanted mechanisms into a foreign record. Pure.

export function isSpf(text: string): boolean {
  return /^v=spf1(?: |$)/i.test(text);
}

export interface SpfTerm {
  /** `+`, `-`, `~` or `?`; empty for a modifier such as redirect=. */
  readonly qualifier: string;
  /** Lower case: include, a, mx, all, redirect, … */
  readonly name: string;
  /** The text after `:` or `=`, with a `/length`. */
  readonly value: string;
  readonly text: string;
}

export function parseSpf(text: string): SpfTerm[] {
  const terms = text.trim().split(/ +/).slice(1);
  return terms.map((term) => {
    const modifier = /^([a-z][a-z0-9_.-]*)=(.*)$/i.exec(term);
    if (modifier !== null) {
      const [, name = '', value = ''] = modifier;
      return { qualifier: '', name: name.toLowerCase(), value, text: term };
    }
    const [, qualifier = '', name = '', value = ''] = /^([+?~-]?)([^:/]*):?(.*)$/.exec(term) ?? [];
    return { qualifier: qualifier || '+', name: name.toLowerCase(), value, text: term };
  });
}

/** Normalized form of a mechanism, to compare two. */
function termKey({ qualifier, name, value }: SpfTerm): string {
  return `${qualifier}${name}:${value.toLowerCase().replace(/\.$/, '')}`;
}

/**
 * The foreign record with the missing mechanisms of `ours`; equal to `present` if none is missing. They are inserted
 * before `all` or `redirect`, which end the evaluation; the foreign terms stay unchanged.
 */
export function mergeSpf(present: string, ours: string): string {
  const terms = parseSpf(present);
  const have = new Set(terms.map(termKey));
  const missing = parseSpf(ours).filter(
    (term) => term.qualifier === '+' && term.name !== 'all' && !have.has(termKey(term)),
  );
  if (missing.length === 0) return present;
  const end = terms.findIndex(({ name }) => name === 'all' || name === 'redirect');
  const at = end < 0 ? terms.length : end;
  const merged = [...terms.slice(0, at), ...missing, ...terms.slice(at)].map(({ text }) => text);
  return ['v=spf1', ...merged].join(' ');
}
