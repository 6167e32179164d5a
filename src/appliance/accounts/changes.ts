// The operator's changes to mailboxes, on a draft. Each leaves a draft without faults, or throws an error
// that names the conflict and the next command.

import { type ErrorCode, MailctlError } from '../../errors.ts';
import { type Address, domainOf, isCatchAll } from '../address.ts';
import { checkDirectory, type Fault, mailboxFault } from './check.ts';
import { type AliasName, type Directory, type Draft, type Mailbox, newMailbox } from './model.ts';

export function refuseFault(fault: Pick<Fault, 'message' | 'hint'>, code: ErrorCode): never {
  throw new MailctlError(code, fault.message, { hint: fault.hint });
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
export function refuseUnfit(directory: Directory, address: Address): void {
  if (directory.mailboxes.has(address)) {
    throw new MailctlError('MAILBOX_EXISTS', `${address} already has a mailbox`, {
      hint: `mailctl user passwd ${address}`,
    });
  }
  const fault = mailboxFault(directory, address);
  if (fault === null) return;
  refuseFault(fault, directory.domains.has(domainOf(address)) ? 'ALIAS_EXISTS' : 'DOMAIN_UNKNOWN');
}

export function addMailbox(
  draft: Draft,
  wanted: { address: Address; hash: string; quotaBytes: number | null; active?: boolean },
): Mailbox {
  const { address, hash, quotaBytes, active = true } = wanted;
  refuseUnfit(draft, address);
  const mailbox = { ...newMailbox(address, hash, quotaBytes), active };
  draft.mailboxes.set(address, mailbox);
  return mailbox;
}

export function changeMailbox(
  draft: Draft,
  address: Address,
  change: Partial<Pick<Mailbox, 'hash' | 'active' | 'quotaBytes'>>,
): Mailbox {
  const mailbox = { ...getMailbox(draft, address), ...change };
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
