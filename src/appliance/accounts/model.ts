// The directory: which domains, mailboxes and aliases exist, as plain data, and where mail for an
// address goes. No text, no files.

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

export interface Mailbox {
  readonly address: Address;
  /** `{SCHEME}hash`, as Dovecot reads it. */
  readonly hash: string;
  /** False while suspended: mail is received, nobody can log in. */
  readonly active: boolean;
  /** null for the appliance's default, 0 for no limit. */
  readonly quotaBytes: number | null;
  /** What else its line in `users` holds; kept as it is. */
  readonly passwdFields: string;
  readonly extraFields: readonly string[];
}

export type AliasName = Address | CatchAll;

export interface Directory {
  readonly domains: ReadonlySet<MailDomain>;
  readonly mailboxes: ReadonlyMap<Address, Mailbox>;
  /** A catch-all as the only target makes the whole domain `@name` an alias of that domain. */
  readonly aliases: ReadonlyMap<AliasName, readonly AliasName[]>;
  /** Receives postmaster@ and abuse@ of every domain that has none of its own. */
  readonly postmaster: Address;
}

/** A directory that is being changed; nobody else sees it before it is stored. */
export interface Draft extends Directory {
  readonly domains: Set<MailDomain>;
  readonly mailboxes: Map<Address, Mailbox>;
  readonly aliases: Map<AliasName, readonly AliasName[]>;
}

export function draftOf(directory: Directory): Draft {
  return {
    domains: new Set(directory.domains),
    mailboxes: new Map(directory.mailboxes),
    aliases: new Map(directory.aliases),
    postmaster: directory.postmaster,
  };
}

export const ROLE_NAMES = ['postmaster', 'abuse'] as const;

export function newMailbox(address: Address, hash: string, quotaBytes: number | null): Mailbox {
  return { address, hash, active: true, quotaBytes, passwdFields: '::::', extraFields: [] };
}

/** The domain that the whole of `domain` is an alias of, or null. */
export function aliasDomainTarget(directory: Directory, domain: MailDomain): MailDomain | null {
  const target = directory.aliases.get(catchAll(domain))?.[0];
  return target !== undefined && isCatchAll(target) ? domainOf(target) : null;
}

function isRole(address: Address): boolean {
  return (ROLE_NAMES as readonly string[]).includes(localOf(address));
}

/**
 * Where mail for one of our addresses goes next: [] into its mailbox, null when nobody has it.
 * The order is the MTA's: own alias, mailbox, whole-domain alias, role, catch-all.
 */
function nextHops(directory: Directory, address: Address): readonly Address[] | null {
  const base = withoutExtension(address);
  const own = directory.aliases.get(address) ?? directory.aliases.get(base);
  if (own !== undefined) return own.filter((target): target is Address => !isCatchAll(target));
  if (directory.mailboxes.has(base)) return [];
  const domain = domainOf(address);
  const target = aliasDomainTarget(directory, domain);
  if (target !== null) return [atDomain(address, target)];
  if (isRole(base) && base !== directory.postmaster) return [directory.postmaster];
  const rest = directory.aliases.get(catchAll(domain)) ?? [];
  // a catch-all that leads to a name only it catches leads nowhere
  const hops = rest.filter((hop): hop is Address => !isCatchAll(hop) && hop !== base);
  return hops.length === 0 ? null : hops;
}

/** True when mail to the address has somewhere to go: outside, or to a mailbox or alias of ours. */
export function isDeliverable(directory: Directory, address: Address): boolean {
  let current = address;
  // a whole-domain alias leads to a domain that is none itself, so two steps always suffice
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
