// Lists of mailboxes as CSV or JSON text, as `user import` reads them.

import { parse } from 'csv-parse/sync';
import { MailctlError } from '../../errors.ts';
import type { ImportProblem, ImportRecord } from './import.ts';

export type ListFormat = 'csv' | 'json';

export interface RecordList {
  readonly records: readonly ImportRecord[];
  readonly problems: readonly ImportProblem[];
}

function invalid(message: string): never {
  throw new MailctlError('IMPORT_INVALID', message, { hint: 'mailctl user import --help' });
}

function delimiterOf(text: string): string {
  const header = text.slice(0, 1000).split('\n')[0] ?? '';
  return [',', ';', '\t'].find((character) => header.includes(character)) ?? ',';
}

function csvReason(error: { code: string; message: string }): string {
  if (error.code.startsWith('CSV_RECORD_INCONSISTENT'))
    return 'the number of fields differs from that of the first line';
  // the library's message quotes the record, which may hold a password
  return error.code.replace(/^CSV_/, '').toLowerCase().replaceAll('_', ' ');
}

function parseCsv(text: string): RecordList {
  const problems: ImportProblem[] = [];
  const rows = parse(text, {
    bom: true,
    delimiter: delimiterOf(text),
    columns: (header: string[]) => header.map((name) => name.trim().toLowerCase()),
    info: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    max_record_size: 16_384,
    on_skip: (error) => {
      if (error) problems.push({ line: Number(error.lines), message: csvReason(error) });
      return undefined;
    },
  }) as unknown as { info: { lines: number }; record: Record<string, string> }[];
  const first = rows[0]?.record;
  if (first !== undefined && !Object.hasOwn(first, 'address')) {
    invalid('the first line must be a header with a column "address"');
  }
  const records = rows.map(({ info, record }) => ({ line: info.lines, fields: record }));
  return { records, problems };
}

function parseJson(text: string): RecordList {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // the parser's message quotes the text, which may hold a password
    invalid('the file is not valid JSON');
  }
  const list = Array.isArray(value) ? value : (value as { mailboxes?: unknown } | null)?.mailboxes;
  if (!Array.isArray(list)) {
    invalid('expected a JSON list of mailboxes, or an object with such a list as "mailboxes"');
  }
  const records: ImportRecord[] = [];
  const problems: ImportProblem[] = [];
  list.forEach((fields: unknown, index) => {
    const line = index + 1;
    if (typeof fields === 'object' && fields !== null && !Array.isArray(fields)) {
      records.push({ line, fields: fields as Record<string, unknown> });
    } else problems.push({ line, message: 'expected an object with an address' });
  });
  return { records, problems };
}

/** Throws IMPORT_INVALID when the text is not a list; invalid records are reported. */
export function parseList(text: string, format: ListFormat): RecordList {
  try {
    return format === 'csv' ? parseCsv(text) : parseJson(text.replace(/^\ufeff/, ''));
  } catch (error) {
    if (error instanceof MailctlError || !(error instanceof Error) || !('code' in error))
      throw error;
    return invalid(`the file is not valid CSV: ${csvReason(error as Error & { code: string })}`);
  }
}

/** The format of a list, from its file name, else from its first character. */
export function listFormatOf(name: string, text: string): ListFormat {
  if (/\.json$/i.test(name)) return 'json';
  if (/\.csv$/i.test(name)) return 'csv';
  return /^[\s\ufeff]*[[{]/.test(text) ? 'json' : 'csv';
}
