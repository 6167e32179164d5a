// The operator's changes to aliases, on a draft.

import { MailctlError } from '../../errors.ts';
import { domainOf, isCatchAll } from '../address.ts';
import { refuseFault, refuseNewFaults } from './changes.ts';
import { aliasFault } from './check.ts';
import { admit, ONE_ALIAS } from './limits.ts';
import type { AliasName, Directory, Draft } from './model.ts';

function unknownAlias(name: AliasName): MailctlError {
  return new MailctlError('ALIAS_UNKNOWN', `there is no alias ${name}`, {
    hint: 'mailctl alias list',
  });
}

export interface ChangedAlias {
  readonly name: AliasName;
  readonly targets: readonly AliasName[];
  /** False when the alias already had these targets. */
  readonly changed: boolean;
}

/** Creates the alias, or adds the missing targets to it. */
export function addAlias(
  draft: Draft,
  name: AliasName,
  targets: readonly AliasName[],
): ChangedAlias {
  const before = draft.aliases.get(name) ?? [];
  if (before.length === 0) admit(draft, { domain: domainOf(name), more: ONE_ALIAS });
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

/** Refuses a whole-domain alias for a domain that has mailboxes. */
function refuseHiddenMailboxes(draft: Draft, name: AliasName, targets: readonly AliasName[]): void {
  if (!targets.some(isCatchAll)) return;
  const domain = domainOf(name);
  const mailbox = [...draft.mailboxes.keys()].find((address) => domainOf(address) === domain);
  if (mailbox === undefined) return;
  throw new MailctlError(
    'DOMAIN_IN_USE',
    `${domain} has mailboxes of its own, for example ${mailbox}`,
    {
      hint: `mailctl user del ${mailbox}`,
    },
  );
}

/** Removes the given targets; without targets, the whole alias. */
export function removeAlias(
  draft: Draft,
  name: AliasName,
  targets: readonly AliasName[] = [],
): ChangedAlias {
  const before = draft.aliases.get(name);
  if (before === undefined) throw unknownAlias(name);
  const missing = targets.find((target) => !before.includes(target));
  if (missing !== undefined) {
    throw new MailctlError('ALIAS_UNKNOWN', `${missing} is not a target of ${name}`, {
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

/** All aliases, or only `name`. Throws ALIAS_UNKNOWN. */
export function listAliases(directory: Directory, name: AliasName | null): ListedAlias[] {
  const list = [...directory.aliases].map(([address, targets]) => ({ address, targets }));
  if (name === null) return list;
  const one = list.filter(({ address }) => address === name);
  if (one.length === 0) throw unknownAlias(name);
  return one;
}
