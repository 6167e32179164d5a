// Mail addresses, in the one form in which they are stored: lower case, the domain in A-labels.
// What is accepted here is safe as a line of a text file, a key of a map and the name of a folder.

import { domainToASCII } from 'node:url';
import { MailctlError } from '../errors.ts';

/** `local@domain`, normalised and within the limits of RFC 5321 §4.5.3.1. */
export type Address = string & { readonly address: unique symbol };
/** A domain name in A-labels, lower case, at least two labels. */
export type MailDomain = string & { readonly domain: unique symbol };
/** `@domain`: every address of the domain that has no entry of its own. */
export type CatchAll = `@${string}` & { readonly catchAll: unique symbol };

/** Domains with a meaning of their own in the server's configuration, which no account may use. */
export const RESERVED_DOMAINS: readonly string[] = [
  // receives what `mailctl apply` sends to prove that mail flows
  'probe.invalid',
  // stands in Postfix for recipients of notices that go nowhere
  'backscatter.invalid',
];

const MAX_LOCAL = 64;
const MAX_DOMAIN = 253;
const MAX_ADDRESS = 254;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

// RFC 5322 atext is wider. Left out is what means something to a shell, a path, a map, Dovecot's
// variables or the percent hack: ! # $ % & * / ? ^ ` { | } ~ and the quote.
const MAILBOX_CHARACTER = /[a-z0-9._=-]/;
const MAILBOX_LOCAL = /^[a-z0-9._=-]+$/;
// an alias or a target may carry an extension, and people outside have names such as o'brien
const TARGET_CHARACTER = /[a-z0-9._=+'&~-]/;
const TARGET_LOCAL = /^[a-z0-9._=+'&~-]+$/;

/** Any text, short and without control characters, fit for an error message. */
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
      return `the label ${quoted(label)} may hold letters, digits and inner hyphens`;
  }
  if (labels.length < 2) return 'the domain needs at least two labels, as in example.com';
  if (/^\d+$/.test(labels.at(-1) ?? '')) return 'the domain ends in a number';
  return null;
}

/** The A-label form, or null where IDNA (UTS 46) has none. */
function toAscii(domain: string): string | null {
  if (/^[a-z0-9.-]*$/.test(domain) && !domain.includes('xn--')) return domain;
  // the URL parser would decode or drop these instead of refusing them
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  if (/[\u0000-\u002c\u002f\u003a-\u0040\u005b-\u0060\u007b-\u009f]/.test(domain)) return null;
  const ascii = domainToASCII(domain);
  return ascii === '' ? null : ascii;
}

function domainOrProblem(text: string): { domain: MailDomain } | { problem: string } {
  // a longer text is never a domain, and IDNA mapping of it would be wasted work
  if (text.length > 1000) return { problem: `the domain is longer than ${MAX_DOMAIN} characters` };
  const lower = text.toLowerCase();
  const ascii = toAscii(lower);
  if (ascii === null) {
    return {
      problem: domainProblem(lower) ?? 'the domain has characters that no host name can have',
    };
  }
  const problem = RESERVED_DOMAINS.includes(ascii)
    ? `the server uses ${ascii} itself, to check its own work`
    : domainProblem(ascii);
  return problem === null ? { domain: ascii as MailDomain } : { problem };
}

function localProblem(local: string, forMailbox: boolean): string | null {
  if (local === '') return 'nothing stands before the @';
  if (local.startsWith('"')) return 'quoted local parts are not supported';
  if (local.length > MAX_LOCAL)
    return `what stands before the @ is longer than ${MAX_LOCAL} characters`;
  const allowed = forMailbox ? MAILBOX_LOCAL : TARGET_LOCAL;
  if (!allowed.test(local)) {
    const one = forMailbox ? MAILBOX_CHARACTER : TARGET_CHARACTER;
    const bad = [...local].find((character) => !one.test(character)) ?? '';
    if (bad === '+')
      return 'a mailbox name may not contain +: it separates an extension (name+extension)';
    return `${nameOf(bad)} is not allowed before the @`;
  }
  if (local.startsWith('.') || local.endsWith('.'))
    return 'a dot may not be first or last before the @';
  if (local.includes('..')) return 'two dots may not follow each other before the @';
  if (/^[-+~=]/.test(local))
    return `${nameOf(local.slice(0, 1))} may not be the first before the @`;
  return null;
}

// most addresses are in the stored form already, and their domains are few
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

/** An address that may have a mailbox. Throws ADDRESS_INVALID, which names what was refused. */
export function parseAddress(text: string): Address {
  return parseParts(text, true);
}

/** An address that mail may go to: an alias, or its target anywhere. Throws ADDRESS_INVALID. */
export function parseTarget(text: string): Address {
  return parseParts(text, false);
}

/** Throws ADDRESS_INVALID. Internationalized names are mapped to A-labels. */
export function parseDomain(text: string): MailDomain {
  const parsed = domainOrProblem(text);
  if ('problem' in parsed) refuse(text, 'mail domain', parsed.problem);
  return parsed.domain;
}

/** What may stand left of an alias: an address, or `@domain`. Throws ADDRESS_INVALID. */
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

/** The address without its +extension, which is where mail for it goes. */
export function withoutExtension(address: Address): Address {
  const plus = address.indexOf('+');
  const at = address.lastIndexOf('@');
  return plus > 0 && plus < at
    ? (`${address.slice(0, plus)}${address.slice(at)}` as Address)
    : address;
}
