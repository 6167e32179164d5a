// The line formats of the four text files of the accounts.

import { MailctlError } from '../../errors.ts';
import {
  type Address,
  domainOf,
  localOf,
  type MailDomain,
  parseAddress,
  parseAliasName,
  parseDomain,
  quoted,
} from '../address.ts';
import type { RecordFormat } from './lines.ts';
import type { AliasName, Mailbox } from './model.ts';
import { parseHash } from './password.ts';
import { formatQuota, parseQuota } from './quota.ts';

function invalid(message: string): never {
  throw new MailctlError('DIRECTORY_INVALID', message);
}

export function mailFolder(address: Address): string {
  return `${domainOf(address)}/${localOf(address)}/`;
}

/** `vdomains`: one domain a line. */
export const DOMAIN_LINES: RecordFormat<MailDomain> = {
  file: 'vdomains',
  parse: (line) => {
    const domain = parseDomain(line);
    return { key: domain, value: domain };
  },
  format: (key) => key,
};

/** `vmailbox`: `alice@example.com example.com/alice/`. */
export const MAILBOX_LINES: RecordFormat<Address> = {
  file: 'vmailbox',
  parse: (line) => {
    const space = line.search(/\s/);
    const address = parseAddress(space < 0 ? line : line.slice(0, space));
    if (space < 0 || line.slice(space).trim() !== mailFolder(address)) {
      invalid(`the folder of ${address} must be ${mailFolder(address)}`);
    }
    return { key: address, value: address };
  },
  format: (key, address) => `${key} ${mailFolder(address)}`,
};

function parseTargets(name: AliasName, text: string): AliasName[] {
  const targets = text
    .split(/[\s,]+/)
    .filter((target) => target !== '')
    .map(parseAliasName);
  if (targets.length === 0) invalid(`the alias ${name} has no target`);
  return [...new Set(targets)];
}

/** `valias`: `sales@example.com a@x, b@y`, `@example.com a@x`, `@alias.example @example.com`. */
export const ALIAS_LINES: RecordFormat<readonly AliasName[]> = {
  file: 'valias',
  parse: (line) => {
    const [, name = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(line) ?? [];
    const key = parseAliasName(name);
    return { key, value: parseTargets(key, rest) };
  },
  format: (key, targets) => `${key} ${targets.join(', ')}`,
};

const QUOTA_FIELD = 'userdb_quota_storage_size=';
// the name of the field in Dovecot 2.3
const OLD_QUOTA_FIELD = 'userdb_quota_rule=*:storage=';

function parseExtraFields(text: string): Pick<Mailbox, 'active' | 'quotaBytes' | 'extraFields'> {
  if (text === '') return { active: true, quotaBytes: null, extraFields: [] };
  let active = true;
  let quotaBytes: number | null = null;
  const extraFields: string[] = [];
  for (const field of text.split(/\s+/)) {
    if (field === '') continue;
    if (/^nologin(=(y|yes|true))?$/i.test(field)) active = false;
    else if (field.startsWith(QUOTA_FIELD))
      quotaBytes = parseQuota(field.slice(QUOTA_FIELD.length));
    else if (field.startsWith(OLD_QUOTA_FIELD)) {
      quotaBytes = parseQuota(field.slice(OLD_QUOTA_FIELD.length));
    } else extraFields.push(field);
  }
  return { active, quotaBytes, extraFields };
}

function formatExtraFields(mailbox: Mailbox): string {
  const { quotaBytes, active, extraFields } = mailbox;
  const quota = quotaBytes === 0 ? '0' : formatQuota(quotaBytes);
  return [
    ...(quotaBytes === null ? [] : [`${QUOTA_FIELD}${quota}`]),
    ...(active ? [] : ['nologin']),
    ...extraFields,
  ].join(' ');
}

const EMPTY_FIELDS = '::::';

/** The five fields uid to shell, and what follows them; missing ones are empty. */
function splitPasswdFields(text: string): { passwdFields: string; extra: string } {
  if (text.startsWith(`${EMPTY_FIELDS}:`)) {
    return { passwdFields: EMPTY_FIELDS, extra: text.slice(EMPTY_FIELDS.length + 1) };
  }
  const fields = text.split(':');
  const passwdFields = [0, 1, 2, 3, 4].map((index) => fields[index] ?? '').join(':');
  return { passwdFields, extra: fields.slice(5).join(':') };
}

/** `users`: Dovecot's passwd-file, `address:{SCHEME}hash:uid:gid:gecos:home:shell:extra fields`. */
export const USER_LINES: RecordFormat<Mailbox> = {
  file: 'users',
  parse: (line) => {
    const first = line.indexOf(':');
    const second = line.indexOf(':', first + 1);
    const end = second < 0 ? line.length : second;
    if (first < 0 || first + 1 === end) {
      const name = first < 0 ? line : line.slice(0, first);
      invalid(`${quoted(name)} has no password hash: expected address:{SCHEME}hash`);
    }
    const address = parseAddress(line.slice(0, first));
    const { hash } = parseHash(line.slice(first + 1, end));
    const { passwdFields, extra } = splitPasswdFields(line.slice(end + 1));
    return {
      key: address,
      value: { address, hash, passwdFields, ...parseExtraFields(extra) },
    };
  },
  format: (key, mailbox) =>
    `${key}:${mailbox.hash}:${mailbox.passwdFields}:${formatExtraFields(mailbox)}`,
};
