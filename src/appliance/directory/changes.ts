// Every change to mailboxes that a person can ask for, on a draft. Each either leaves a draft without
// faults or throws, naming what is in the way and the command to type next.

import { type ErrorCode, MailctlError } from '../../errors.ts';
import { type Address, catchAll, domainOf, type MailDomain } from '../address.ts';
import { checkDirectory, type Fault, mailboxFault } from './check.ts';
import { type AliasName, type Draft, type Mailbox, newMailbox } from './model.ts';

export function refuseFault(fault: Pick<Fault, 'message' | 'hint'>, code: ErrorCode): never {
  throw new MailctlError(code, fault.message, { hint: fault.hint });
}

/** For a change whose consequences are elsewhere: the draft had no faults before it. */
export function refuseNewFaults(draft: Draft): void {
  const fault = checkDirectory(draft)[0];
  if (fault !== undefined) {
    throw new MailctlError('ALIAS_IN_USE', `${fault.key} depends on it: ${fault.message}`, {
      hint: fault.file === 'valias' ? `mailctl alias del ${fault.key}` : fault.hint,
    });
  }
}

export function getMailbox(draft: Pick<Draft, 'mailboxes'>, address: Address): Mailbox {
  const mailbox = draft.mailboxes.get(address);
  if (mailbox === undefined) {
    throw new MailctlError('MAILBOX_UNKNOWN', `there is no mailbox ${address}`, {
      hint: 'mailctl user list',
    });
  }
  return mailbox;
}

export function refuseTaken(draft: Pick<Draft, 'mailboxes'>, address: Address): void {
  if (!draft.mailboxes.has(address)) return;
  throw new MailctlError('MAILBOX_EXISTS', `${address} already has a mailbox`, {
    hint: `mailctl user passwd ${address}`,
  });
}

export function addMailbox(
  draft: Draft,
  wanted: { address: Address; hash: string; quotaBytes: number | null; active?: boolean },
): Mailbox {
  const { address, hash, quotaBytes, active = true } = wanted;
  refuseTaken(draft, address);
  const fault = mailboxFault(draft, address);
  if (fault !== null) {
    refuseFault(fault, draft.domains.has(domainOf(address)) ? 'ALIAS_EXISTS' : 'DOMAIN_UNKNOWN');
  }
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
  /** Aliases that still reach somebody, but no longer this mailbox. */
  readonly aliasesChanged: readonly AliasName[];
  /** Aliases that reached nobody else. */
  readonly aliasesRemoved: readonly AliasName[];
}

/** Removes the mailbox, and its address from the aliases that led to it. */
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
      gone.push(alias);
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

/** False when the domain was there already. */
export function addDomain(draft: Draft, domain: MailDomain): boolean {
  if (draft.domains.has(domain)) return false;
  draft.domains.add(domain);
  return true;
}

/** What keeps a domain from being removed, each with the command that takes it out of the way. */
function domainUses(draft: Draft, domain: MailDomain): { what: string; hint: string }[] {
  const mailboxes = [...draft.mailboxes.keys()].filter((key) => domainOf(key) === domain);
  const own = [...draft.aliases.keys()].filter((key) => domainOf(key) === domain);
  const leading = [...draft.aliases].filter(
    ([key, targets]) =>
      domainOf(key) !== domain && targets.some((target) => domainOf(target) === domain),
  );
  return [
    ...mailboxes.map((key) => ({ what: `mailbox ${key}`, hint: `mailctl user del ${key}` })),
    ...own.map((key) => ({
      what: key === catchAll(domain) ? `catch-all ${key}` : `alias ${key}`,
      hint: `mailctl alias del ${key}`,
    })),
    ...leading.map(([key]) => ({ what: `target of ${key}`, hint: `mailctl alias del ${key}` })),
  ];
}

export function removeDomain(draft: Draft, domain: MailDomain, own: MailDomain): void {
  if (!draft.domains.has(domain)) {
    throw new MailctlError('DOMAIN_UNKNOWN', `${domain} is not a mail domain here`, {
      hint: 'mailctl domain list',
    });
  }
  if (domain === own) {
    throw new MailctlError('DOMAIN_IN_USE', `${domain} is the appliance's own domain`, {
      hint: 'set another main.domain in the UCI file first',
    });
  }
  const uses = domainUses(draft, domain);
  const first = uses[0];
  if (first !== undefined) {
    const named = uses.slice(0, 5).map(({ what }) => what);
    const more = uses.length > 5 ? ` and ${uses.length - 5} more` : '';
    const message = `${domain} is still in use: ${named.join(', ')}${more}`;
    throw new MailctlError('DOMAIN_IN_USE', message, { hint: first.hint });
  }
  draft.domains.delete(domain);
}
