// App passwords: generated ones for single devices and programs, beside the password of a mailbox. Each is a field of the
// mailbox's line in `users`; being random, they need no slow hash.

import { createHash, randomBytes } from 'node:crypto';
import { MailctlError } from '../../errors.ts';
import { quoted } from '../address.ts';
import { isDisplayName } from './display-name.ts';
import { generatePassword, parseHash } from './password.ts';

const USES = ['all', 'read', 'send'] as const;
/** `read` opens IMAP, POP3 and ManageSieve, `send` submission, `all` both. */
export type AppPasswordUse = (typeof USES)[number];

export interface AppPassword {
  /** 16 hexadecimal digits; unique on the server. */
  readonly id: string;
  /** Given by the person, such as `phone`. */
  readonly name: string;
  readonly use: AppPasswordUse;
  /** RFC 3339, UTC, whole seconds. */
  readonly created: string;
  /** `{SCHEME}hash`, as Dovecot reads it. */
  readonly hash: string;
}

const MAX_FOR_MAILBOX = 32;
const MAX_NAME = 60;

function invalid(message: string): never {
  throw new MailctlError('DIRECTORY_INVALID', message);
}

/** Throws APP_PASSWORD_INVALID. */
export function parseAppPasswordUse(text: string): AppPasswordUse {
  const found = USES.find((use) => use === text);
  if (found !== undefined) return found;
  const message = `${quoted(text)} is not a use of an app password: expected ${USES.join(', ')}`;
  throw new MailctlError('APP_PASSWORD_INVALID', message);
}

/** Throws APP_PASSWORD_INVALID. */
export function parseAppPasswordName(text: string): string {
  const name = text.trim().normalize('NFC');
  if (isDisplayName(name) && [...name].length <= MAX_NAME) return name;
  const message = `${quoted(text)} is not a name of an app password: expected 1 to ${MAX_NAME} characters without colons and control characters`;
  throw new MailctlError('APP_PASSWORD_INVALID', message);
}

function hashOf(password: string): string {
  const salt = randomBytes(16);
  const digest = createHash('sha512').update(password).update(salt).digest();
  return `{SSHA512}${Buffer.concat([digest, salt]).toString('base64')}`;
}

export interface NewAppPassword {
  readonly stored: AppPassword;
  /** Shown once. */
  readonly password: string;
}

export function createAppPassword(
  { name, use }: Pick<AppPassword, 'name' | 'use'>,
  now: Date,
): NewAppPassword {
  const password = generatePassword();
  const id = randomBytes(8).toString('hex');
  const created = `${now.toISOString().slice(0, 19)}Z`;
  return { stored: { id, name, use, created, hash: hashOf(password) }, password };
}

/** The present ones with one more. Throws APP_PASSWORD_INVALID for a name that is there, or too many. */
export function withAppPassword(
  present: readonly AppPassword[],
  added: AppPassword,
): readonly AppPassword[] {
  if (present.some(({ name }) => name === added.name)) {
    const message = `there is an app password ${quoted(added.name)} already`;
    throw new MailctlError('APP_PASSWORD_INVALID', message);
  }
  if (present.length < MAX_FOR_MAILBOX) return [...present, added];
  const message = `a mailbox has at most ${MAX_FOR_MAILBOX} app passwords`;
  throw new MailctlError('APP_PASSWORD_INVALID', message);
}

/** Without the one of this id or name. Throws APP_PASSWORD_UNKNOWN. */
export function withoutAppPassword(
  present: readonly AppPassword[],
  idOrName: string,
): readonly AppPassword[] {
  const rest = present.filter(({ id, name }) => id !== idOrName && name !== idOrName);
  if (rest.length < present.length) return rest;
  throw new MailctlError('APP_PASSWORD_UNKNOWN', `there is no app password ${quoted(idOrName)}`);
}

const ID = /^[0-9a-f]{16}$/;
// without colons, which separate the fields of a passwd-file
const TIME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

/** The value of the field: `id,use,20261121T150405Z,name in base64url,{SCHEME}hash`. Throws DIRECTORY_INVALID. */
export function parseAppPassword(text: string): AppPassword {
  const [id = '', use = '', time = '', encoded = '', ...rest] = text.split(',');
  const name = Buffer.from(encoded, 'base64url').toString('utf8');
  if (!ID.test(id)) invalid(`${quoted(id)} is not the id of an app password`);
  if (!TIME.test(time)) invalid(`${quoted(time)} is not the time of an app password`);
  if (!isDisplayName(name)) invalid(`the app password ${id} has no valid name`);
  const { hash } = parseHash(rest.join(','));
  const created = time.replace(TIME, '$1-$2-$3T$4:$5:$6Z');
  return { id, name, use: parseAppPasswordUse(use), created, hash };
}

export function formatAppPassword({ id, name, use, created, hash }: AppPassword): string {
  const time = created.replaceAll(/[-:]/g, '');
  return [id, use, time, Buffer.from(name).toString('base64url'), hash].join(',');
}
