// Compiles the directory into the tables that Postfix and Dovecot query. All alias rules are resolved here,
// so that every query is a plain look-up.

import type { TableRows } from '../../host/database.ts';
import {
  type Address,
  atDomain,
  catchAll,
  domainOf,
  isCatchAll,
  localOf,
  type MailDomain,
  withoutExtension,
} from '../address.ts';
import {
  type AliasName,
  aliasDomainTarget,
  type Directory,
  isDeliverable,
  maySend,
  ROLE_NAMES,
  receives,
} from './model.ts';

type Aliases = Map<AliasName, Set<Address>>;

function withTargets(aliases: Aliases, name: AliasName, targets: Iterable<Address>): void {
  const known = aliases.get(name);
  if (known === undefined) aliases.set(name, new Set(targets));
}

/** The aliases of `valias`, without those of whole domains (`addWholeDomains`). */
function writtenAliases(directory: Directory): Aliases {
  const aliases: Aliases = new Map();
  for (const [name, targets] of directory.aliases) {
    const addresses = targets.filter((target): target is Address => !isCatchAll(target));
    if (addresses.length > 0) aliases.set(name, new Set(addresses));
  }
  return aliases;
}

/** Adds postmaster@ and abuse@ (RFC 5321 §4.5.1, RFC 2142) to every domain that lacks them. */
function addRoles(directory: Directory, aliases: Aliases): void {
  const { postmaster } = directory;
  if (!isDeliverable(directory, postmaster)) return;
  for (const domain of directory.domains) {
    for (const role of ROLE_NAMES) {
      const name = `${role}@${domain}` as Address;
      if (name === postmaster || directory.mailboxes.has(name)) continue;
      withTargets(aliases, name, [postmaster]);
    }
  }
}

/** Adds every name of the target domain to the domain that is an alias of it. */
function addWholeDomains(directory: Directory, aliases: Aliases): void {
  const namesOf = new Map<MailDomain, AliasName[]>();
  for (const name of [...aliases.keys(), ...directory.mailboxes.keys()]) {
    const names = namesOf.get(domainOf(name));
    if (names === undefined) namesOf.set(domainOf(name), [name]);
    else names.push(name);
  }
  for (const domain of directory.domains) {
    const target = aliasDomainTarget(directory, domain);
    if (target === null) continue;
    for (const name of namesOf.get(target) ?? []) {
      const here = isCatchAll(name) ? catchAll(domain) : atDomain(name, domain);
      withTargets(aliases, here, aliases.get(name) ?? (isCatchAll(name) ? [] : [name]));
    }
  }
}

/**
 * The envelope senders that each login may use: its own address, and every alias with that mailbox as a
 * direct target. The targets of a mailbox that forwards copies may not send as it. A login that is suspended
 * or receive-only has no row, which also stops an open connection from sending.
 */
function senderRows(directory: Directory, aliases: Aliases): string[][] {
  const rows: string[][] = [];
  for (const mailbox of directory.mailboxes.values()) {
    if (maySend(mailbox)) rows.push([mailbox.address, mailbox.address]);
  }
  for (const [name, targets] of aliases) {
    if (!isCatchAll(name) && directory.mailboxes.has(name)) continue;
    const logins = new Set([...targets].map((target) => directLogin(directory, target)));
    for (const login of logins) if (login !== null) rows.push([name, login]);
  }
  return rows;
}

/** The sending mailbox that a target names, directly or through a whole-domain alias; else null. */
function directLogin(directory: Directory, target: Address): Address | null {
  const base = withoutExtension(target);
  const own = directory.mailboxes.get(base);
  if (own !== undefined) return maySend(own) ? base : null;
  const domain = aliasDomainTarget(directory, domainOf(base));
  if (domain === null || directory.aliases.has(base)) return null;
  const there = atDomain(base, domain);
  const mailbox = directory.mailboxes.get(there);
  return mailbox !== undefined && maySend(mailbox) ? there : null;
}

/** Mailboxes that only send or only receive, and the names of the former in domains that are aliases. */
function oneWayRows(directory: Directory): string[][] {
  const oneWay = [...directory.mailboxes.values()].filter(({ direction }) => direction !== 'both');
  const own = oneWay.map(({ address, direction }) => [address, direction]);
  const sendOnly = oneWay.filter((mailbox) => !receives(mailbox));
  if (sendOnly.length === 0) return own;
  const elsewhere = [...directory.domains].flatMap((domain) => {
    const target = aliasDomainTarget(directory, domain);
    return sendOnly
      .filter(({ address }) => domainOf(address) === target)
      .map(({ address }) => atDomain(address, domain))
      .filter((name) => !directory.aliases.has(name))
      .map((name) => [name, 'send-only']);
  });
  return [...own, ...elsewhere];
}

export function compileDirectory(directory: Directory): TableRows[] {
  const aliases = writtenAliases(directory);
  addRoles(directory, aliases);
  addWholeDomains(directory, aliases);
  return [
    {
      name: 'domain',
      schema: 'name TEXT PRIMARY KEY, target TEXT',
      columns: ['name', 'target'],
      keys: 1,
      rows: [...directory.domains].map((name) => [name, aliasDomainTarget(directory, name)]),
    },
    {
      name: 'mailbox',
      schema:
        'address TEXT PRIMARY KEY, domain TEXT NOT NULL, local TEXT NOT NULL, password TEXT NOT NULL, ' +
        'login INTEGER NOT NULL, quota_bytes INTEGER',
      columns: ['address', 'domain', 'local', 'password', 'login', 'quota_bytes'],
      keys: 1,
      rows: [...directory.mailboxes.values()].map((mailbox) => [
        mailbox.address,
        domainOf(mailbox.address),
        localOf(mailbox.address),
        mailbox.hash,
        mailbox.active ? 1 : 0,
        mailbox.quotaBytes,
      ]),
    },
    {
      name: 'alias',
      schema: 'address TEXT NOT NULL, target TEXT NOT NULL, PRIMARY KEY (address, target)',
      columns: ['address', 'target'],
      keys: 2,
      rows: [...aliases].flatMap(([name, targets]) => [...targets].map((target) => [name, target])),
    },
    {
      name: 'sender',
      schema: 'address TEXT NOT NULL, login TEXT NOT NULL, PRIMARY KEY (address, login)',
      columns: ['address', 'login'],
      keys: 2,
      rows: senderRows(directory, aliases),
    },
    {
      // a table of its own: a column more would not fit the database of an earlier version
      name: 'one_way',
      schema: 'address TEXT PRIMARY KEY, direction TEXT NOT NULL',
      columns: ['address', 'direction'],
      keys: 1,
      rows: oneWayRows(directory),
    },
    {
      name: 'app_password',
      schema:
        'address TEXT NOT NULL, id TEXT NOT NULL, use TEXT NOT NULL, password TEXT NOT NULL, ' +
        'PRIMARY KEY (address, id)',
      columns: ['address', 'id', 'use', 'password'],
      keys: 2,
      rows: [...directory.mailboxes.values()].flatMap(({ address, appPasswords }) =>
        appPasswords.map(({ id, use, hash }) => [address, id, use, hash]),
      ),
    },
    {
      name: 'app_passwords_only',
      schema: 'address TEXT PRIMARY KEY',
      columns: ['address'],
      keys: 1,
      rows: [...directory.mailboxes.values()]
        .filter(({ appPasswordsOnly }) => appPasswordsOnly)
        .map(({ address }) => [address]),
    },
  ];
}
