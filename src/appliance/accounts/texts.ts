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
import { type AppPassword, formatAppPassword, parseAppPassword } from './app-password.ts';
import { parseDirection } from './direction.ts';
import { isDisplayName } from './display-name.ts';
import { formatLimits, parseLimits } from './limits.ts';
import type { RecordFormat } from './lines.ts';
import type { AliasName, DomainLimits, Mailbox } from './model.ts';
import { parseHash } from './password.ts';
import { formatQuota, parseQuota } from './quota.ts';

function invalid(message: string): never {
  throw new MailctlError('DIRECTORY_INVALID', message);
}

export function mailFolder(address: Address): string {
  return `${domainOf(address)}/${localOf(address)}/`;
}

/** `vdomains`: one domain a line, and its limits: `example.org mailboxes=20 aliases=50 quota=100G`. */
export const DOMAIN_LINES: RecordFormat<DomainLimits> = {
  file: 'vdomains',
  parse: (line) => {
    const [name = '', ...fields] = line.split(/\s+/);
    // a name with blanks is reported as a whole
    const isName = !fields.every((field) => field.includes('='));
    const key: MailDomain = parseDomain(isName ? line : name);
    return { key, value: parseLimits(fields) };
  },
  format: (key, limits) => [key, ...formatLimits(limits)].join(' '),
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

const DIRECTION_FIELD = 'direction=';
const QUOTA_FIELD = 'userdb_quota_storage_size=';
// the name of the field in Dovecot 2.3
const OLD_QUOTA_FIELD = 'userdb_quota_rule=*:storage=';

const APP_PASSWORD_FIELD = 'app_password=';
const APP_PASSWORDS_ONLY = 'app_passwords_only';

type ExtraFields = Pick<
  Mailbox,
  'active' | 'direction' | 'quotaBytes' | 'appPasswords' | 'appPasswordsOnly' | 'extraFields'
>;

function parseExtraFields(text: string): ExtraFields {
  let active = true;
  let direction: Mailbox['direction'] = 'both';
  let quotaBytes: number | null = null;
  let appPasswordsOnly = false;
  const appPasswords: AppPassword[] = [];
  const extraFields: string[] = [];
  for (const field of text.split(/\s+/)) {
    if (field === '') continue;
    if (/^nologin(=(y|yes|true))?$/i.test(field)) active = false;
    else if (field.startsWith(DIRECTION_FIELD))
      direction = parseDirection(field.slice(DIRECTION_FIELD.length));
    else if (field === APP_PASSWORDS_ONLY) appPasswordsOnly = true;
    else if (field.startsWith(APP_PASSWORD_FIELD))
      appPasswords.push(parseAppPassword(field.slice(APP_PASSWORD_FIELD.length)));
    else if (field.startsWith(QUOTA_FIELD))
      quotaBytes = parseQuota(field.slice(QUOTA_FIELD.length));
    else if (field.startsWith(OLD_QUOTA_FIELD)) {
      quotaBytes = parseQuota(field.slice(OLD_QUOTA_FIELD.length));
    } else extraFields.push(field);
  }
  return { active, direction, quotaBytes, appPasswords, appPasswordsOnly, extraFields };
}

function formatExtraFields(mailbox: Mailbox): string {
  const { quotaBytes, active, direction, appPasswords, appPasswordsOnly, extraFields } = mailbox;
  const quota = quotaBytes === 0 ? '0' : formatQuota(quotaBytes);
  return [
    ...(quotaBytes === null ? [] : [`${QUOTA_FIELD}${quota}`]),
    ...(active ? [] : ['nologin']),
    ...(direction === 'both' ? [] : [`${DIRECTION_FIELD}${direction}`]),
    ...(appPasswordsOnly ? [APP_PASSWORDS_ONLY] : []),
    ...appPasswords.map((one) => `${APP_PASSWORD_FIELD}${formatAppPassword(one)}`),
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

const GECOS = 2;

/** The field gecos. Text of another program that is not a display name is kept, and is not one. */
function nameIn(passwdFields: string): string | null {
  if (passwdFields === EMPTY_FIELDS) return null;
  const text = passwdFields.split(':')[GECOS]?.trim() ?? '';
  return isDisplayName(text) ? text : null;
}

function withName(passwdFields: string, name: string | null): string {
  if (name === nameIn(passwdFields)) return passwdFields;
  return passwdFields
    .split(':')
    .map((field, index) => (index === GECOS ? (name ?? '') : field))
    .join(':');
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
      value: {
        address,
        hash,
        name: nameIn(passwdFields),
        passwdFields,
        ...parseExtraFields(extra),
      },
    };
  },
  format: (key, mailbox) => {
    const fields = withName(mailbox.passwdFields, mailbox.name);
    return `${key}:${mailbox.hash}:${fields}:${formatExtraFields(mailbox)}`;
  },
};
