// Every change to aliases that a person can ask for, on a draft.

import { MailctlError } from '../../errors.ts';
import { domainOf, isCatchAll } from '../address.ts';
import { refuseFault, refuseNewFaults } from './changes.ts';
import { aliasFault } from './check.ts';
import type { AliasName, Directory, Draft } from './model.ts';

function unknownAlias(name: AliasName): MailctlError {
  return new MailctlError('ALIAS_UNKNOWN', `there is no alias ${name}`, {
    hint: 'mailctl alias list',
  });
}

export interface ChangedAlias {
  readonly name: AliasName;
  readonly targets: readonly AliasName[];
  /** False when it was so already. */
  readonly changed: boolean;
}

/** Makes the alias, or adds the targets it does not have yet. */
export function addAlias(
  draft: Draft,
  name: AliasName,
  targets: readonly AliasName[],
): ChangedAlias {
  const before = draft.aliases.get(name) ?? [];
  const after = [...new Set([...before, ...targets])];
  if (after.length === before.length) return { name, targets: before, changed: false };
  draft.aliases.set(name, after);
  const fault = aliasFault(draft, name);
  if (fault !== null) {
    refuseFault(fault, draft.domains.has(domainOf(name)) ? 'ALIAS_INVALID' : 'DOMAIN_UNKNOWN');
  }
  refuseHiddenMailboxes(draft, name, after);
  refuseNewFaults(draft);
  return { name, targets: after, changed: true };
}

/** A domain that becomes an alias of another as a whole can have no mailboxes of its own. */
function refuseHiddenMailboxes(draft: Draft, name: AliasName, targets: readonly AliasName[]): void {
  if (!targets.some(isCatchAll)) return;
  const domain = domainOf(name);
  const mailbox = [...draft.mailboxes.keys()].find((address) => domainOf(address) === domain);
  if (mailbox === undefined) return;
  throw new MailctlError(
    'DOMAIN_IN_USE',
    `${domain} has mailboxes of its own, such as ${mailbox}`,
    {
      hint: `mailctl user del ${mailbox}`,
    },
  );
}

/** Removes the named targets, or with none named the whole alias. */
export function removeAlias(
  draft: Draft,
  name: AliasName,
  targets: readonly AliasName[] = [],
): ChangedAlias {
  const before = draft.aliases.get(name);
  if (before === undefined) throw unknownAlias(name);
  const missing = targets.find((target) => !before.includes(target));
  if (missing !== undefined) {
    throw new MailctlError('ALIAS_UNKNOWN', `${missing} is no target of ${name}`, {
      hint: `mailctl alias list ${name}`,
    });
  }
  const rest = targets.length === 0 ? [] : before.filter((target) => !targets.includes(target));
  if (rest.length === 0) draft.aliases.delete(name);
  else draft.aliases.set(name, rest);
  refuseNewFaults(draft);
  return { name, targets: rest, changed: true };
}

export interface ListedAlias {
  readonly address: AliasName;
  readonly targets: readonly AliasName[];
}

/** All aliases, or the one that is named. Throws ALIAS_UNKNOWN. */
export function listAliases(directory: Directory, name: AliasName | null): ListedAlias[] {
  const list = [...directory.aliases].map(([address, targets]) => ({ address, targets }));
  if (name === null) return list;
  const one = list.filter(({ address }) => address === name);
  if (one.length === 0) throw unknownAlias(name);
  return one;
}
