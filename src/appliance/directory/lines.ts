// Text files of one record a line, edited without touching what is not changed: comments, order and
// the way a line was written stay.

import { MailctlError } from '../../errors.ts';

export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

interface TextLine {
  readonly raw: string;
  /** The record's key and normal form; null for a comment, an empty line, or one with a problem. */
  readonly record: { readonly key: string; readonly normal: string } | null;
}

export interface RecordFile<Value> {
  readonly lines: readonly TextLine[];
  readonly records: ReadonlyMap<string, Value>;
  /** The line number of each record. */
  readonly lineOf: ReadonlyMap<string, number>;
  readonly problems: readonly Problem[];
}

export interface RecordFormat<Value> {
  readonly file: string;
  /** Throws MailctlError with what is wrong with the line. */
  parse(line: string): { key: string; value: Value };
  format(key: string, value: Value): string;
}

function splitLines(text: string): string[] {
  const lines = text.replace(/^\ufeff/, '').split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

export function parseRecords<Value>(text: string, format: RecordFormat<Value>): RecordFile<Value> {
  const records = new Map<string, Value>();
  const lineOf = new Map<string, number>();
  const problems: Problem[] = [];
  const lines = splitLines(text).map((raw, index): TextLine => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return { raw, record: null };
    const report = (message: string): TextLine => {
      problems.push({ file: format.file, line: index + 1, message });
      return { raw, record: null };
    };
    try {
      const { key, value } = format.parse(line);
      const first = lineOf.get(key);
      if (first !== undefined) return report(`${key} is there twice, first in line ${first}`);
      records.set(key, value);
      lineOf.set(key, index + 1);
      return { raw, record: { key, normal: format.format(key, value) } };
    } catch (error) {
      if (error instanceof MailctlError) return report(error.message);
      throw error;
    }
  });
  return { lines, records, lineOf, problems };
}

/** The text that holds exactly `wanted` (key to normal form), with new records at the end. */
export function formatRecords(
  lines: readonly TextLine[],
  wanted: ReadonlyMap<string, string>,
): string {
  const missing = new Map(wanted);
  const kept = lines.flatMap(({ raw, record }) => {
    if (record === null) return [raw];
    const line = wanted.get(record.key);
    missing.delete(record.key);
    if (line === undefined) return [];
    return [line === record.normal ? raw : line];
  });
  return [...kept, ...missing.values()].map((line) => `${line}\n`).join('');
}
