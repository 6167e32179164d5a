// Text files of one record a line. An edit keeps comments, order and the spelling of every line that it
// does not change.

import { MailctlError } from '../../errors.ts';

export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

interface TextLine<Value> {
  readonly raw: string;
  /** null for a comment, an empty line or an invalid line. */
  readonly record: { readonly key: string; readonly value: Value } | null;
}

export interface RecordFile<Value> {
  readonly lines: readonly TextLine<Value>[];
  readonly format: RecordFormat<Value>;
  readonly records: ReadonlyMap<string, Value>;
  /** The line number of each record. */
  readonly lineOf: ReadonlyMap<string, number>;
  readonly problems: readonly Problem[];
}

export interface RecordFormat<Value> {
  readonly file: string;
  /** Throws MailctlError for an invalid line. */
  parse(line: string): { key: string; value: Value };
  format(key: string, value: Value): string;
}

function splitLines(text: string): string[] {
  const lines = text.replace(/^\ufeff/, '').split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** null for a comment or an empty line, an error message for an invalid line. */
function parseLine<Value>(line: string, format: RecordFormat<Value>) {
  if (line === '' || line.startsWith('#')) return null;
  try {
    return format.parse(line);
  } catch (error) {
    if (error instanceof MailctlError) return error.message;
    throw error;
  }
}

export function parseRecords<Value>(text: string, format: RecordFormat<Value>): RecordFile<Value> {
  const records = new Map<string, Value>();
  const lineOf = new Map<string, number>();
  const problems: Problem[] = [];
  const lines: TextLine<Value>[] = [];
  for (const raw of splitLines(text)) {
    const parsed = parseLine(raw.trim(), format);
    const line = lines.length + 1;
    const first =
      parsed === null || typeof parsed === 'string' ? undefined : lineOf.get(parsed.key);
    const fault = first === undefined ? parsed : `duplicate of line ${first}`;
    if (fault === null || typeof fault === 'string') {
      if (fault !== null) problems.push({ file: format.file, line, message: fault });
      lines.push({ raw, record: null });
      continue;
    }
    records.set(fault.key, fault.value);
    lineOf.set(fault.key, line);
    lines.push({ raw, record: fault });
  }
  return { lines, format, records, lineOf, problems };
}

/** The text with exactly the `wanted` records; new ones at the end. */
export function formatRecords<Value>(
  { lines, format }: RecordFile<Value>,
  wanted: ReadonlyMap<string, Value>,
): string {
  const known = new Set<string>();
  const texts: string[] = [];
  for (const { raw, record } of lines) {
    if (record === null) {
      texts.push(raw);
      continue;
    }
    known.add(record.key);
    const value = wanted.get(record.key);
    if (value === undefined) continue;
    texts.push(value === record.value ? raw : format.format(record.key, value));
  }
  for (const [key, value] of wanted) if (!known.has(key)) texts.push(format.format(key, value));
  return texts.length === 0 ? '' : `${texts.join('\n')}\n`;
}
