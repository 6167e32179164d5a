// The directory: domains, mailboxes and aliases as plain data, and the routing of mail for an address.
// Pure.

import {
  type Address,
  atDomain,
  type CatchAll,
  catchAll,
  domainOf,
  isCatchAll,
  localOf,
  type MailDomain,
  withoutExtension,
} from '../address.ts';
import type { AppPassword } from './app-password.ts';
import type { Direction } from './direction.ts';

export interface Mailbox {
  readonly address: Address;
  /** `{SCHEME}hash`, as Dovecot reads it. */
  readonly hash: string;
  /** False while suspended: the mailbox receives mail, but refuses logins. */
  readonly active: boolean;
  /** `send-only` receives no mail and has no IMAP, POP3 or ManageSieve; `receive-only` sends no mail. */
  readonly direction: Direction;
  /** Display name, from the field gecos; null when there is none. */
  readonly name: string | null;
  /** null for the appliance's default, 0 for no limit. */
  readonly quotaBytes: number | null;
  readonly appPasswords: readonly AppPassword[];
  /** The password of the mailbox opens the account pages, but neither IMAP, POP3 and ManageSieve nor submission. */
  readonly appPasswordsOnly: boolean;
  /** The other fields of its line in `users`; kept unchanged. */
  readonly passwdFields: string;
  readonly extraFields: readonly string[];
}

export type AliasName = Address | CatchAll;

/** The most that a mail domain may have; null is no limit. */
export interface DomainLimits {
  readonly mailboxes: number | null;
  /** Aliases in `valias`, including a catch-all. */
  readonly aliases: number | null;
  /** The sum of the quotas of its mailboxes. */
  readonly quotaBytes: number | null;
}

export const NO_LIMITS: DomainLimits = { mailboxes: null, aliases: null, quotaBytes: null };

export interface Directory {
  readonly domains: ReadonlySet<MailDomain>;
  /** Domains without an entry have no limits. */
  readonly limits: ReadonlyMap<MailDomain, DomainLimits>;
  readonly mailboxes: ReadonlyMap<Address, Mailbox>;
  /** A catch-all as the only target makes the whole domain `@name` an alias of that domain. */
  readonly aliases: ReadonlyMap<AliasName, readonly AliasName[]>;
  /** Receives postmaster@ and abuse@ of every domain that does not define them. */
  readonly postmaster: Address;
  /** The quota of a mailbox without one of its own, in bytes. */
  readonly quotaDefault: number;
}

/** A private copy of the directory that one change works on. */
export interface Draft extends Directory {
  readonly domains: Set<MailDomain>;
  readonly limits: Map<MailDomain, DomainLimits>;
  readonly mailboxes: Map<Address, Mailbox>;
  readonly aliases: Map<AliasName, readonly AliasName[]>;
}

export function draftOf(directory: Directory): Draft {
  return {
    domains: new Set(directory.domains),
    limits: new Map(directory.limits),
    mailboxes: new Map(directory.mailboxes),
    aliases: new Map(directory.aliases),
    postmaster: directory.postmaster,
    quotaDefault: directory.quotaDefault,
  };
}

export const ROLE_NAMES = ['postmaster', 'abuse'] as const;

export function receives({ direction }: Mailbox): boolean {
  return direction !== 'send-only';
}

export function maySend({ active, direction }: Mailbox): boolean {
  return active && direction !== 'receive-only';
}

/** The domain that `domain` as a whole is an alias of, or null. */
export function aliasDomainTarget(directory: Directory, domain: MailDomain): MailDomain | null {
  const target = directory.aliases.get(catchAll(domain))?.[0];
  return target !== undefined && isCatchAll(target) ? domainOf(target) : null;
}

function isRole(address: Address): boolean {
  return (ROLE_NAMES as readonly string[]).includes(localOf(address));
}

/**
 * The next targets of mail for a local address: [] for its mailbox, null for an address that receives nothing.
 * Postfix looks up in the same order: own alias, mailbox, whole-domain alias, role, catch-all.
 */
function nextHops(directory: Directory, address: Address): readonly Address[] | null {
  const base = withoutExtension(address);
  const own = directory.aliases.get(address) ?? directory.aliases.get(base);
  if (own !== undefined) return own.filter((target): target is Address => !isCatchAll(target));
  const mailbox = directory.mailboxes.get(base);
  if (mailbox !== undefined) return receives(mailbox) ? [] : null;
  const domain = domainOf(address);
  const target = aliasDomainTarget(directory, domain);
  if (target !== null) return [atDomain(address, target)];
  if (isRole(base) && base !== directory.postmaster) return [directory.postmaster];
  const rest = directory.aliases.get(catchAll(domain)) ?? [];
  // a target that only this catch-all matches is not deliverable
  const hops = rest.filter((hop): hop is Address => !isCatchAll(hop) && hop !== base);
  return hops.length === 0 ? null : hops;
}

/** True for a remote address, and for a local one with a mailbox that receives, an alias or a catch-all. */
export function isDeliverable(directory: Directory, address: Address): boolean {
  let current = address;
  // the target of a whole-domain alias is never one itself, so two steps are enough
  for (let step = 0; step < 3; step += 1) {
    const domain = domainOf(current);
    if (!directory.domains.has(domain)) return true;
    const hops = nextHops(directory, current);
    if (hops === null) return false;
    const target = aliasDomainTarget(directory, domain);
    const next = target === null ? null : atDomain(current, target);
    if (next === null || hops[0] !== next) return true;
    current = next;
  }
  return false;
}

/** The addresses of an alias loop through `start`, or null. An alias may name itself to keep a copy. */
export function findLoop(directory: Directory, start: Address): Address[] | null {
  const seen = new Set<Address>();
  const walk = (address: Address, path: Address[]): Address[] | null => {
    if (!directory.domains.has(domainOf(address))) return null;
    for (const hop of nextHops(directory, address) ?? []) {
      if (hop === address) continue;
      if (hop === start) return [...path, hop];
      if (seen.has(hop)) continue;
      seen.add(hop);
      const loop = walk(hop, [...path, hop]);
      if (loop !== null) return loop;
    }
    return null;
  };
  return walk(start, [start]);
}
