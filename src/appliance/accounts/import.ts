// Mailboxes of another mail server: a list of records imported in one change, or a report of every
// invalid line.

import { MailctlError } from '../../errors.ts';
import { type Address, domainOf, parseAddress, quoted } from '../address.ts';
import { addMailbox, changeMailbox, type MailboxChange } from './changes.ts';
import { parseDirection } from './direction.ts';
import { parseDisplayName } from './display-name.ts';
import { addDomain } from './domains.ts';
import { type DomainUses, usesOf } from './limits.ts';
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
  /** Without what the record does not set. */
  readonly fields: Partial<Omit<MailboxChange, 'hash'>>;
}

export interface ImportReading {
  readonly mailboxes: readonly ImportMailbox[];
  readonly problems: readonly ImportProblem[];
  readonly warnings: readonly ImportProblem[];
}

const FIELDS = [
  ...['address', 'password', 'hash', 'quota', 'quota_bytes', 'active', 'name', 'direction'],
];
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

/** Omits what is undefined. */
function defined<T extends object>(fields: { [K in keyof T]: T[K] | undefined }): Partial<T> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Partial<T>;
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
  const name = fieldText(fields, 'name').trim();
  const direction = fieldText(fields, 'direction').trim().toLowerCase();
  const set = defined<Omit<MailboxChange, 'hash' | 'appPasswords' | 'appPasswordsOnly'>>({
    quotaBytes: parseQuotaFields(fields),
    active: parseActive(fieldText(fields, 'active')),
    direction: direction === '' ? undefined : parseDirection(direction),
    name: name === '' ? undefined : parseDisplayName(name),
  });
  const mailbox = { line, address, secret, fields: set };
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

function createFrom(
  draft: Draft,
  { address, fields }: ImportMailbox,
  { hash, addDomains, uses }: { hash: string | null; addDomains: boolean; uses: DomainUses },
): void {
  if (hash === null) {
    throw new MailctlError('IMPORT_INVALID', `${address} has neither a password nor a hash`);
  }
  if (addDomains) addDomain(draft, domainOf(address));
  addMailbox(draft, { address, hash, ...fields }, uses);
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
  const uses = usesOf(draft);
  for (const record of records) {
    const { address, line } = record;
    const exists = draft.mailboxes.has(address);
    try {
      if (exists && rules.onConflict === 'skip') skipped.push(address);
      else if (exists && rules.onConflict === 'update') {
        const hash = hashOf(record);
        const change = { address, ...record.fields, ...(hash === null ? {} : { hash }) };
        changeMailbox(draft, change, uses);
        updated.push(address);
      } else {
        createFrom(draft, record, { hash: hashOf(record), addDomains: rules.addDomains, uses });
        created.push(address);
      }
    } catch (error) {
      if (!(error instanceof MailctlError)) throw error;
      problems.push({ line, message: error.message });
    }
  }
  return { created, updated, skipped, problems };
}
