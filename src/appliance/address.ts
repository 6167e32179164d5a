// Mail addresses in their stored form: lower case, the domain in A-labels. An accepted address is safe as a
// line of a text file, a key of a map and the name of a folder.

import { domainToASCII } from 'node:url';
import { MailctlError } from '../errors.ts';

/** `local@domain`, normalised and within the limits of RFC 5321 §4.5.3.1. */
export type Address = string & { readonly address: unique symbol };
/** A domain name in A-labels, lower case, at least two labels. */
export type MailDomain = string & { readonly domain: unique symbol };
/** `@domain`: every address of the domain without a mailbox or alias. */
export type CatchAll = `@${string}` & { readonly catchAll: unique symbol };

/** Domains that the server's configuration uses; accounts cannot use them. */
export const RESERVED_DOMAINS: readonly string[] = [
  // receives the probe messages of `mailctl apply`
  'probe.invalid',
  // Postfix rewrites recipients of discarded bounces to it
  'backscatter.invalid',
];

const MAX_LOCAL = 64;
const MAX_DOMAIN = 253;
const MAX_ADDRESS = 254;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

// A subset of RFC 5322 atext: without the characters that are special in a shell, a path, a map, Dovecot's
// variables or the percent hack (! # $ % & * / ? ^ ` { | } ~ and the quote).
const MAILBOX_CHARACTER = /[a-z0-9._=-]/;
const MAILBOX_LOCAL = /^[a-z0-9._=-]+$/;
// an alias or a target may have an +extension, and remote addresses such as o'brien exist
const TARGET_CHARACTER = /[a-z0-9._=+'&~-]/;
const TARGET_LOCAL = /^[a-z0-9._=+'&~-]+$/;

/** The text for an error message: quoted, at most 80 characters, control characters escaped. */
export function quoted(text: string): string {
  const short = text.length > 80 ? `${text.slice(0, 77)}...` : text;
  const escaped = JSON.stringify(short).replace(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return escaped;
}

function refuse(text: string, what: string, reason: string): never {
  throw new MailctlError('ADDRESS_INVALID', `${quoted(text)} is not a ${what}: ${reason}`);
}

function nameOf(character: string): string {
  if (character === ' ') return 'a space';
  if (/\p{C}/u.test(character)) return `the control character ${quoted(character)}`;
  return `the character ${character}`;
}

function domainProblem(domain: string): string | null {
  if (domain.length > MAX_DOMAIN) return `the domain is longer than ${MAX_DOMAIN} characters`;
  const labels = domain.split('.');
  for (const label of labels) {
    if (label === '') return 'the domain has an empty label (two dots, or a dot at an end)';
    if (label.length > 63) return `the label ${quoted(label)} is longer than 63 characters`;
    if (!LABEL.test(label))
      return `the label ${quoted(label)} may only have letters, digits and inner hyphens`;
  }
  if (labels.length < 2) return 'the domain needs at least two labels, as in example.com';
  if (/^\d+$/.test(labels.at(-1) ?? '')) return 'the domain ends in a number';
  return null;
}

/** The A-label form, or null where IDNA (UTS 46) has none. */
function toAscii(domain: string): string | null {
  if (/^[a-z0-9.-]*$/.test(domain) && !domain.includes('xn--')) return domain;
  // the URL parser would decode or drop these characters instead of refusing them
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern refuses control characters
  if (/[\u0000-\u002c\u002f\u003a-\u0040\u005b-\u0060\u007b-\u009f]/.test(domain)) return null;
  const ascii = domainToASCII(domain);
  return ascii === '' ? null : ascii;
}

function domainOrProblem(text: string): { domain: MailDomain } | { problem: string } {
  // IDNA mapping of a very long text is slow
  if (text.length > 1000) return { problem: `the domain is longer than ${MAX_DOMAIN} characters` };
  const lower = text.toLowerCase();
  const ascii = toAscii(lower);
  if (ascii === null) {
    return {
      problem:
        domainProblem(lower) ?? 'the domain has characters that are not valid in a host name',
    };
  }
  const problem = RESERVED_DOMAINS.includes(ascii)
    ? `${ascii} is reserved for the server's own use`
    : domainProblem(ascii);
  return problem === null ? { domain: ascii as MailDomain } : { problem };
}

function localProblem(local: string, forMailbox: boolean): string | null {
  if (local === '') return 'the local part (before the @) is empty';
  if (local.startsWith('"')) return 'quoted local parts are not supported';
  if (local.length > MAX_LOCAL)
    return `the local part (before the @) is longer than ${MAX_LOCAL} characters`;
  const allowed = forMailbox ? MAILBOX_LOCAL : TARGET_LOCAL;
  if (!allowed.test(local)) {
    const one = forMailbox ? MAILBOX_CHARACTER : TARGET_CHARACTER;
    const bad = [...local].find((character) => !one.test(character)) ?? '';
    if (bad === '+')
      return 'a mailbox name cannot contain +, which separates an extension (name+extension)';
    return `${nameOf(bad)} is not allowed before the @`;
  }
  if (local.startsWith('.') || local.endsWith('.'))
    return 'the local part cannot begin or end with a dot';
  if (local.includes('..')) return 'the local part cannot have two dots in a row';
  if (/^[-+~=]/.test(local)) return `the local part cannot begin with ${nameOf(local.slice(0, 1))}`;
  return null;
}

// fast path: most addresses are already in the stored form, in a few domains
const STORED_FORM = /^[a-z0-9_]+(?:[._=-][a-z0-9_]+)*@/;
const knownDomains = new Set<string>();
const MAX_KNOWN_DOMAINS = 1000;

function isStoredForm(text: string): text is Address {
  const at = text.indexOf('@');
  return (
    at <= MAX_LOCAL &&
    text.length <= MAX_ADDRESS &&
    knownDomains.has(text.slice(at + 1)) &&
    STORED_FORM.test(text)
  );
}

function parseParts(text: string, forMailbox: boolean): Address {
  if (isStoredForm(text)) return text;
  const what = 'mail address';
  const at = text.lastIndexOf('@');
  if (at < 0) refuse(text, what, 'it has no @');
  const local = text.slice(0, at).toLowerCase();
  const problem = localProblem(local, forMailbox);
  if (problem !== null) refuse(text, what, problem);
  const parsed = domainOrProblem(text.slice(at + 1));
  if ('problem' in parsed) refuse(text, what, parsed.problem);
  const address = `${local}@${parsed.domain}`;
  if (address.length > MAX_ADDRESS)
    refuse(text, what, `it is longer than ${MAX_ADDRESS} characters`);
  if (knownDomains.size < MAX_KNOWN_DOMAINS) knownDomains.add(parsed.domain);
  return address as Address;
}

/** An address that may have a mailbox. Throws ADDRESS_INVALID with the reason. */
export function parseAddress(text: string): Address {
  return parseParts(text, true);
}

/** An alias, or a local or remote target of one. Throws ADDRESS_INVALID. */
export function parseTarget(text: string): Address {
  return parseParts(text, false);
}

/** Throws ADDRESS_INVALID. Internationalized names are mapped to A-labels. */
export function parseDomain(text: string): MailDomain {
  const parsed = domainOrProblem(text);
  if ('problem' in parsed) refuse(text, 'mail domain', parsed.problem);
  return parsed.domain;
}

/** The name of an alias: an address, or `@domain`. Throws ADDRESS_INVALID. */
export function parseAliasName(text: string): Address | CatchAll {
  return text.startsWith('@') ? catchAll(parseDomain(text.slice(1))) : parseTarget(text);
}

export function isCatchAll(name: string): name is CatchAll {
  return name.startsWith('@');
}

export function catchAll(domain: MailDomain): CatchAll {
  return `@${domain}` as CatchAll;
}

export function domainOf(name: Address | CatchAll): MailDomain {
  return name.slice(name.lastIndexOf('@') + 1) as MailDomain;
}

export function localOf(address: Address): string {
  return address.slice(0, address.lastIndexOf('@'));
}

/** The same local part at another domain. */
export function atDomain(address: Address, domain: MailDomain): Address {
  return `${localOf(address)}@${domain}` as Address;
}

/** The address without its +extension. */
export function withoutExtension(address: Address): Address {
  const plus = address.indexOf('+');
  const at = address.lastIndexOf('@');
  return plus > 0 && plus < at
    ? (`${address.slice(0, plus)}${address.slice(at)}` as Address)
    : address;
}
