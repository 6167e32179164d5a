// A UCI file as text with an index into it. The text is never generated again, so an edit keeps every other
// byte: comments, order, blank lines, indentation.

/** A half-open range of characters in the text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** One argument of a statement, with quotes and escapes resolved. */
export interface UciWord extends Span {
  readonly value: string;
  readonly line: number;
  readonly column: number;
}

/** An `option` or `list` statement. The span ends where its last word ends. */
export interface UciEntry extends Span {
  readonly kind: 'option' | 'list';
  readonly name: string;
  readonly value: string;
  readonly line: number;
  readonly column: number;
  /** Place of the value; empty, after the name, when the statement has none. */
  readonly valueSpan: Span;
}

/** A `config` statement and its entries; libuci merges sections of the same name. */
export interface UciSection extends Span {
  readonly type: string;
  /** null: anonymous, identified by type and position, as `@type[0]`. */
  readonly name: string | null;
  readonly line: number;
  readonly column: number;
  readonly entries: readonly UciEntry[];
}

export interface UciDocument {
  readonly text: string;
  readonly lineCount: number;
  /** In the order of the text, not merged. */
  readonly sections: readonly UciSection[];
}

export type UciValue = string | readonly string[];

export function formatUci(document: UciDocument): string {
  return document.text;
}

/** The value as libuci writes it: in single quotes, a single quote as `'\''`. */
export function formatValue(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`;
}

/**
 * The parts of one section. `reference` is a name or, as for the `uci` program, `@type[index]`,
 * where a negative index counts from the end. Empty for an unknown section.
 */
export function findSection(document: UciDocument, reference: string): readonly UciSection[] {
  const match = /^@(.+)\[(-?\d+)\]$/.exec(reference);
  if (!match) {
    return document.sections.filter((section) => section.name === reference);
  }
  const seen = new Set<string>();
  const firstParts = document.sections.filter(({ type, name }) => {
    const isFirst = name === null || !seen.has(name);
    seen.add(name ?? '');
    return isFirst && type === match[1];
  });
  const index = Number(match[2]);
  const found = index < firstParts.length ? firstParts.at(index) : undefined;
  if (!found) {
    return [];
  }
  return found.name === null ? [found] : findSection(document, found.name);
}

/** All statements of an option, in the order of the text. */
export function findEntries(
  document: UciDocument,
  reference: string,
  option: string,
): readonly UciEntry[] {
  return findSection(document, reference).flatMap((section) =>
    section.entries.filter((entry) => entry.name === option),
  );
}

/** As libuci: an empty option counts as a missing one. */
export function getOption(
  document: UciDocument,
  reference: string,
  option: string,
): UciValue | undefined {
  return mergeEntries(findEntries(document, reference, option));
}

/** A later option replaces the value before it, unless it is empty; a list item is appended to it. */
export function mergeEntries(entries: readonly UciEntry[]): UciValue | undefined {
  let merged: string | string[] | undefined;
  for (const { kind, value } of entries) {
    if (kind === 'option') {
      merged = value === '' ? merged : value;
      continue;
    }
    if (!Array.isArray(merged)) {
      merged = merged === undefined ? [] : [merged];
    }
    merged.push(value);
  }
  return merged;
}
