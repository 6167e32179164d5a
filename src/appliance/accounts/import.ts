// Mailboxes of another mail server: a list of records imported in one change, or a report of every
// invalid line.

import { MailctlError } from '../../errors.ts';
import { type Address, domainOf, parseAddress, quoted } from '../address.ts';
import { addMailbox } from './changes.ts';
import { addDomain } from './domains.ts';
import type { Draft } from './model.ts';
import { checkPassword, parseHash } from './password.ts';
import { parseQuota } from './quota.ts';

/** One record with its position: the line in a CSV file, or the number of the JSON entry. */
export interface ImportRecord {
  readonly line: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface ImportProblem {
  readonly line: number;
  readonly message: string;
}

/** A well-formed record; its password is hashed before the accounts are locked. */
export interface ImportMailbox {
  readonly line: number;
  readonly address: Address;
  readonly secret: { readonly hash: string } | { readonly password: string } | null;
  /** undefined when the record does not set it. */
  readonly quotaBytes: number | null | undefined;
  readonly active: boolean | undefined;
}

export interface ImportReading {
  readonly mailboxes: readonly ImportMailbox[];
  readonly problems: readonly ImportProblem[];
  readonly warnings: readonly ImportProblem[];
}

const FIELDS = ['address', 'password', 'hash', 'quota', 'quota_bytes', 'active'];
// fields of an export that an import ignores
const IGNORED_FIELDS = ['used_bytes', 'messages'];

function fieldText(fields: ImportRecord['fields'], name: string): string {
  const value = fields[name];
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new MailctlError('IMPORT_INVALID', `${name} must be a string, not a list or an object`);
}

function parseActive(text: string): boolean | undefined {
  const word = text.trim().toLowerCase();
  if (word === '') return undefined;
  if (['true', 'yes', '1', 'active'].includes(word)) return true;
  if (['false', 'no', '0', 'suspended'].includes(word)) return false;
  throw new MailctlError('IMPORT_INVALID', `active is ${quoted(text)}: expected true or false`);
}

function parseQuotaFields(fields: ImportRecord['fields']): number | null | undefined {
  if (fields.quota_bytes === null) return null;
  const text = fieldText(fields, 'quota') || fieldText(fields, 'quota_bytes');
  return text.trim() === '' ? undefined : parseQuota(text);
}

function parseSecret(fields: ImportRecord['fields']): {
  secret: ImportMailbox['secret'];
  warning: string | undefined;
} {
  const hash = fieldText(fields, 'hash').trim();
  const password = fieldText(fields, 'password');
  if (hash !== '' && password !== '') {
    throw new MailctlError('IMPORT_INVALID', 'password and hash are both set; give one of them');
  }
  if (hash !== '') {
    const parsed = parseHash(hash);
    return { secret: { hash: parsed.hash }, warning: parsed.warning };
  }
  if (password === '') return { secret: null, warning: undefined };
  checkPassword(password);
  return { secret: { password }, warning: undefined };
}

function refuseUnknownFields(fields: ImportRecord['fields']): void {
  const unknown = Object.keys(fields).find(
    (name) => !FIELDS.includes(name) && !IGNORED_FIELDS.includes(name),
  );
  if (unknown === undefined) return;
  throw new MailctlError(
    'IMPORT_INVALID',
    `unknown column ${quoted(unknown)}; the columns are ${FIELDS.join(', ')}`,
  );
}

function parseRecord({ line, fields }: ImportRecord): ImportMailbox & { warning?: string } {
  refuseUnknownFields(fields);
  const address = parseAddress(fieldText(fields, 'address').trim());
  const { secret, warning } = parseSecret(fields);
  const quotaBytes = parseQuotaFields(fields);
  const active = parseActive(fieldText(fields, 'active'));
  const mailbox = { line, address, secret, quotaBytes, active };
  return warning === undefined ? mailbox : { ...mailbox, warning: `${address}: ${warning}` };
}

/** Never throws for an invalid record: it reports each of them. */
export function readImport(records: readonly ImportRecord[]): ImportReading {
  const mailboxes: ImportMailbox[] = [];
  const problems: ImportProblem[] = [];
  const warnings: ImportProblem[] = [];
  const lineOf = new Map<Address, number>();
  for (const record of records) {
    const { line } = record;
    try {
      const { warning, ...mailbox } = parseRecord(record);
      const first = lineOf.get(mailbox.address);
      if (first !== undefined) {
        problems.push({
          line,
          message: `${mailbox.address} is a duplicate of line ${first}`,
        });
        continue;
      }
      lineOf.set(mailbox.address, line);
      mailboxes.push(mailbox);
      if (warning !== undefined) warnings.push({ line, message: warning });
    } catch (error) {
      if (!(error instanceof MailctlError)) throw error;
      problems.push({ line, message: error.message });
    }
  }
  return { mailboxes, problems, warnings };
}

/** What to do with a record whose mailbox exists. */
export type OnConflict = 'refuse' | 'skip' | 'update';

export interface ImportRules {
  readonly onConflict: OnConflict;
  readonly addDomains: boolean;
}

export interface ImportOutcome {
  readonly created: readonly Address[];
  readonly updated: readonly Address[];
  readonly skipped: readonly Address[];
  readonly problems: readonly ImportProblem[];
}

/** The record's own hash, or that of its password; null when it has neither. */
export type HashOf = (mailbox: ImportMailbox) => string | null;

function updateFrom(draft: Draft, record: ImportMailbox, hash: string | null): void {
  const before = draft.mailboxes.get(record.address);
  if (before === undefined) return;
  draft.mailboxes.set(record.address, {
    ...before,
    hash: hash ?? before.hash,
    quotaBytes: record.quotaBytes === undefined ? before.quotaBytes : record.quotaBytes,
    active: record.active ?? before.active,
  });
}

function createFrom(draft: Draft, record: ImportMailbox, hash: string | null, rules: ImportRules) {
  const { address, quotaBytes = null, active = true } = record;
  if (hash === null) {
    throw new MailctlError('IMPORT_INVALID', `${address} has neither a password nor a hash`);
  }
  if (rules.addDomains) addDomain(draft, domainOf(address));
  addMailbox(draft, { address, hash, quotaBytes, active });
}

/** Puts the records into the draft; reports and skips those that cannot be imported. */
export function importMailboxes(
  draft: Draft,
  records: readonly ImportMailbox[],
  hashOf: HashOf,
  rules: ImportRules,
): ImportOutcome {
  const created: Address[] = [];
  const updated: Address[] = [];
  const skipped: Address[] = [];
  const problems: ImportProblem[] = [];
  for (const record of records) {
    const { address, line } = record;
    const exists = draft.mailboxes.has(address);
    try {
      if (exists && rules.onConflict === 'skip') skipped.push(address);
      else if (exists && rules.onConflict === 'update') {
        updateFrom(draft, record, hashOf(record));
        updated.push(address);
      } else {
        createFrom(draft, record, hashOf(record), rules);
        created.push(address);
      }
    } catch (error) {
      if (!(error instanceof MailctlError)) throw error;
      problems.push({ line, message: error.message });
    }
  }
  return { created, updated, skipped, problems };
}
