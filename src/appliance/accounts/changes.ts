// The operator's changes to mailboxes, on a draft. Each leaves a draft without faults, or throws an error
// that names the conflict and the next command.

import { type ErrorCode, MailctlError } from '../../errors.ts';
import { type Address, domainOf, isCatchAll } from '../address.ts';
import { aliasFault, checkDirectory, type Fault, mailboxFault } from './check.ts';
import { addedBy, admit, type DomainUses } from './limits.ts';
import { type AliasName, type Directory, type Draft, type Mailbox, receives } from './model.ts';

export function refuseFault(fault: Pick<Fault, 'message' | 'hint'>, code: ErrorCode): never {
  throw new MailctlError(code, fault.message, { hint: fault.hint });
}

/** Throws when mail for the address goes to a mailbox that would not receive it. */
function refuseUnreceived(draft: Draft, mailbox: Mailbox): void {
  if (receives(mailbox)) return;
  const { address } = mailbox;
  if (address === draft.postmaster) throw sendOnlyPostmaster(address);
  const after = { ...draft, mailboxes: new Map(draft.mailboxes).set(address, mailbox) };
  for (const name of draft.aliases.keys()) {
    const fault = aliasFault(after, name);
    if (fault === null) continue;
    throw new MailctlError('ALIAS_IN_USE', `${name} depends on it: ${fault.message}`, {
      hint: `mailctl alias del ${name} ${address}`,
    });
  }
}

/** RFC 5321 4.5.1: postmaster must be reachable. */
export function sendOnlyPostmaster(address: Address): MailctlError {
  const message = `${address} is main.postmaster and must receive mail`;
  return new MailctlError('DIRECTION_INVALID', message, {
    hint: `mailctl user direction ${address} both`,
  });
}

/** Throws when a removal has broken another record; the draft had no faults before it. */
export function refuseNewFaults(draft: Draft): void {
  const fault = checkDirectory(draft)[0];
  if (fault !== undefined) {
    throw new MailctlError('ALIAS_IN_USE', `${fault.key} depends on it: ${fault.message}`, {
      hint: fault.file === 'valias' ? `mailctl alias del ${fault.key}` : fault.hint,
    });
  }
}

export function getMailbox(directory: Directory, address: Address): Mailbox {
  const mailbox = directory.mailboxes.get(address);
  if (mailbox === undefined) {
    throw new MailctlError('MAILBOX_UNKNOWN', `there is no mailbox ${address}`, {
      hint: 'mailctl user list',
    });
  }
  return mailbox;
}

/** Throws when the address cannot have a new mailbox. */
function refuseUnfit(directory: Directory, address: Address): void {
  if (directory.mailboxes.has(address)) {
    throw new MailctlError('MAILBOX_EXISTS', `${address} already has a mailbox`, {
      hint: `mailctl user passwd ${address}`,
    });
  }
  const fault = mailboxFault(directory, address);
  if (fault === null) return;
  refuseFault(fault, directory.domains.has(domainOf(address)) ? 'ALIAS_EXISTS' : 'DOMAIN_UNKNOWN');
}

export type WantedMailbox = Pick<Mailbox, 'address' | 'hash'> & Partial<MailboxChange>;

/** @param uses what the domains have, counted for many additions; without it, counted here */
export function addMailbox(draft: Draft, wanted: WantedMailbox, uses?: DomainUses): Mailbox {
  const { address } = wanted;
  refuseUnfit(draft, address);
  const mailbox: Mailbox = { ...NEW_MAILBOX, ...wanted };
  refuseUnreceived(draft, mailbox);
  // the server cannot run without the postmaster's
  if (address !== draft.postmaster) {
    admit(draft, { domain: domainOf(address), more: addedBy(draft, mailbox) }, uses);
  }
  draft.mailboxes.set(address, mailbox);
  return mailbox;
}

const NEW_MAILBOX = {
  active: true,
  direction: 'both',
  name: null,
  quotaBytes: null,
  appPasswords: [],
  appPasswordsOnly: false,
  passwdFields: '::::',
  extraFields: [],
} as const;

export type MailboxChange = Pick<
  Mailbox,
  'hash' | 'active' | 'quotaBytes' | 'direction' | 'name' | 'appPasswords' | 'appPasswordsOnly'
>;

export function changeMailbox(
  draft: Draft,
  { address, ...change }: { address: Address } & Partial<MailboxChange>,
  uses?: DomainUses,
): Mailbox {
  const before = getMailbox(draft, address);
  const mailbox = { ...before, ...change };
  refuseUnreceived(draft, mailbox);
  if (change.quotaBytes !== undefined) {
    admit(draft, { domain: domainOf(address), more: addedBy(draft, mailbox, before) }, uses);
  }
  draft.mailboxes.set(address, mailbox);
  return mailbox;
}

export interface RemovedMailbox {
  readonly mailbox: Mailbox;
  /** Aliases that lost this mailbox and keep other targets. */
  readonly aliasesChanged: readonly AliasName[];
  /** Aliases that had no other target. */
  readonly aliasesRemoved: readonly AliasName[];
}

/** Removes the mailbox, and its address from the targets of all aliases. */
export function removeMailbox(draft: Draft, address: Address): RemovedMailbox {
  const mailbox = getMailbox(draft, address);
  draft.mailboxes.delete(address);
  const changed = new Set<AliasName>();
  const removed = new Set<AliasName>();
  const gone: AliasName[] = [address];
  for (let name = gone.pop(); name !== undefined; name = gone.pop()) {
    for (const [alias, targets] of [...draft.aliases]) {
      if (!targets.some((target) => leadsTo(target, name))) continue;
      const rest = targets.filter((target) => !leadsTo(target, name));
      if (rest.length > 0) {
        draft.aliases.set(alias, rest);
        changed.add(alias);
        continue;
      }
      draft.aliases.delete(alias);
      changed.delete(alias);
      removed.add(alias);
      // as a target, `@domain` means the whole domain, not its catch-all
      if (!isCatchAll(alias)) gone.push(alias);
    }
  }
  return { mailbox, aliasesChanged: [...changed], aliasesRemoved: [...removed] };
}

/** True for the name itself and for an extension of it, `name+extension@domain`. */
function leadsTo(target: AliasName, name: AliasName): boolean {
  const at = name.lastIndexOf('@');
  return (
    target === name ||
    (at > 0 && target.startsWith(`${name.slice(0, at)}+`) && target.endsWith(name.slice(at)))
  );
}
