// Faults of a directory, written by mailctl or by hand: missing targets, alias loops, and an alias that
// hides a mailbox.

import { type Address, catchAll, domainOf, isCatchAll, withoutExtension } from '../address.ts';
import {
  type AliasName,
  aliasDomainTarget,
  type Directory,
  findLoop,
  isDeliverable,
  receives,
} from './model.ts';

export interface Fault {
  readonly file: 'vmailbox' | 'valias';
  /** The key of the faulty record. */
  readonly key: string;
  readonly message: string;
  /** The command that fixes it. */
  readonly hint: string;
}

type Finding = Pick<Fault, 'message' | 'hint'>;

export function mailboxFault(directory: Directory, address: Address): Finding | null {
  const domain = domainOf(address);
  if (!directory.domains.has(domain)) {
    return { message: `${domain} is not a mail domain here`, hint: `mailctl domain add ${domain}` };
  }
  const target = aliasDomainTarget(directory, domain);
  if (target !== null) {
    return {
      message: `${domain} is an alias domain of ${target}, so ${address} cannot have a mailbox`,
      hint: `mailctl alias del ${catchAll(domain)}`,
    };
  }
  const targets = directory.aliases.get(address);
  if (targets !== undefined && !targets.includes(address)) {
    return {
      message: `${address} is also an alias, which would receive all mail of the mailbox`,
      hint: `mailctl alias del ${address}`,
    };
  }
  return null;
}

function domainAliasFault(directory: Directory, name: AliasName): Finding | null {
  const targets = directory.aliases.get(name) ?? [];
  const first = targets.find(isCatchAll);
  if (first === undefined) return null;
  const domain = domainOf(first);
  if (!isCatchAll(name) || targets.length > 1) {
    return {
      message: `${first} can only be the single target of another whole domain`,
      hint: 'mailctl alias add --help',
    };
  }
  if (first === name)
    return { message: `${name} is its own target`, hint: `mailctl alias del ${name}` };
  if (!directory.domains.has(domain)) {
    return { message: `${domain} is not a mail domain here`, hint: `mailctl domain add ${domain}` };
  }
  const further = aliasDomainTarget(directory, domain);
  if (further !== null) {
    return {
      message: `${domain} is itself an alias domain of ${further}`,
      hint: `mailctl alias add ${name} @${further}`,
    };
  }
  return null;
}

function targetFault(directory: Directory, name: AliasName, target: Address): Finding | null {
  const mailbox = directory.mailboxes.get(withoutExtension(target));
  if (name === target && mailbox !== undefined && receives(mailbox)) return null;
  if (name !== target && isDeliverable(directory, target)) return null;
  if (mailbox !== undefined && !receives(mailbox)) {
    return {
      message: `${target} is send-only and receives no mail`,
      hint: `mailctl user direction ${mailbox.address} both`,
    };
  }
  return {
    message: `${target} is neither a mailbox nor an alias`,
    hint: `mailctl user add ${target}`,
  };
}

function loopFault(directory: Directory, name: AliasName): Finding | null {
  const starts = isCatchAll(name)
    ? (directory.aliases.get(name) ?? []).filter((target): target is Address => !isCatchAll(target))
    : [name];
  for (const start of starts) {
    const loop = findLoop(directory, start);
    if (loop !== null) {
      return {
        message: `the aliases form a loop: ${loop.join(' -> ')}`,
        hint: `mailctl alias del ${name}`,
      };
    }
  }
  return null;
}

export function aliasFault(directory: Directory, name: AliasName): Finding | null {
  const domain = domainOf(name);
  if (!directory.domains.has(domain)) {
    return { message: `${domain} is not a mail domain here`, hint: `mailctl domain add ${domain}` };
  }
  const whole = domainAliasFault(directory, name);
  if (whole !== null) return whole;
  const targets = directory.aliases.get(name) ?? [];
  if (!isCatchAll(name) && directory.mailboxes.has(name) && !targets.includes(name)) {
    return {
      message: `${name} has a mailbox, which would no longer receive mail`,
      hint: `mailctl alias add ${name} ${name} ${targets.join(' ')}   (keeps a copy)`,
    };
  }
  for (const target of targets) {
    const fault = isCatchAll(target) ? null : targetFault(directory, name, target);
    if (fault !== null) return fault;
  }
  return loopFault(directory, name);
}

/** All faults, in the order of the files. */
export function checkDirectory(directory: Directory): Fault[] {
  const faults: Fault[] = [];
  for (const key of directory.mailboxes.keys()) {
    const fault = mailboxFault(directory, key);
    if (fault !== null) faults.push({ file: 'vmailbox', key, ...fault });
  }
  for (const key of directory.aliases.keys()) {
    const fault = aliasFault(directory, key);
    if (fault !== null) faults.push({ file: 'valias', key, ...fault });
  }
  return faults;
}
