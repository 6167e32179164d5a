// What people do to mailboxes, with all that belongs to it: the accounts, open sessions, stored mail.
// The caller of what changes something holds the appliance's lock.

import { join } from 'node:path';
import type { Host } from '../../host/host.ts';
import type { Address } from '../address.ts';
import type { Appliance } from '../appliance.ts';
import { formatBytes } from '../settings/bytes.ts';
import { changeDirectory, readDirectory } from './accounts.ts';
import {
  addMailbox,
  changeMailbox,
  getMailbox,
  type RemovedMailbox,
  refuseUnfit,
  removeMailbox,
} from './changes.ts';
import { type Directory, isDeliverable, type Mailbox } from './model.ts';
import { endSessions } from './sessions.ts';
import { hasStoredMail, measureMailbox, purgeMail } from './storage.ts';
import { mailFolder } from './texts.ts';

/** Where the mail of the address is, on this host. */
export function mailPath(target: Appliance, address: Address): string {
  return join(target.paths.mail, mailFolder(address));
}

/** Throws what creating the mailbox would throw, before anybody is asked for a password. */
export async function refuseImpossible(
  host: Host,
  target: Appliance,
  address: Address,
): Promise<void> {
  const { directory } = await readDirectory(host, target);
  refuseUnfit(directory, address);
}

/** Throws MAILBOX_UNKNOWN. */
export async function requireMailbox(
  host: Host,
  target: Appliance,
  address: Address,
): Promise<Mailbox> {
  const { directory } = await readDirectory(host, target);
  return getMailbox(directory, address);
}

/** What a person is asked before mail is removed for good. */
export async function describePurge(
  host: Host,
  target: Appliance,
  address: Address,
): Promise<string> {
  const { messages, usedBytes } = await measureMailbox(host, target.paths, address);
  const size = formatBytes(usedBytes);
  return `This deletes ${address} and its ${messages} messages (${size}) for good.`;
}

export interface CreatedMailbox {
  readonly mailbox: Mailbox;
  /** Mail of a former mailbox of this name is there and becomes readable again. */
  readonly formerMail: boolean;
  readonly postmasterMissing: Address | null;
}

function missingPostmaster(directory: Directory): Address | null {
  return isDeliverable(directory, directory.postmaster) ? null : directory.postmaster;
}

export async function createMailbox(
  host: Host,
  target: Appliance,
  wanted: Parameters<typeof addMailbox>[1],
): Promise<CreatedMailbox> {
  const created = await changeDirectory(host, target, (draft) => ({
    mailbox: addMailbox(draft, wanted),
    postmasterMissing: missingPostmaster(draft),
  }));
  return { ...created, formerMail: await hasStoredMail(host, target.paths, wanted.address) };
}

/** Changes the mailbox; ends its sessions where the change takes a right away. */
export async function updateMailbox(
  host: Host,
  target: Appliance,
  address: Address,
  change: Parameters<typeof changeMailbox>[2],
): Promise<Mailbox> {
  const mailbox = await changeDirectory(host, target, (draft) =>
    changeMailbox(draft, address, change),
  );
  if (change.hash !== undefined || change.active === false) {
    await endSessions(host, target, address);
  }
  return mailbox;
}

export interface DeletedMailbox extends Omit<RemovedMailbox, 'mailbox'> {
  /** True when mail of the address is still stored. */
  readonly mailKept: boolean;
  readonly postmasterMissing: Address | null;
}

/**
 * Ends the account at once: no login, no session, no delivery. Its mail stays unless `purge`, which
 * also removes what a mailbox that was deleted before had left. Throws MAILBOX_UNKNOWN.
 */
export async function deleteMailbox(
  host: Host,
  target: Appliance,
  { address, purge }: { address: Address; purge: boolean },
): Promise<DeletedMailbox> {
  const stored = await hasStoredMail(host, target.paths, address);
  const removed = await changeDirectory(host, target, (draft) => {
    if (purge && stored && !draft.mailboxes.has(address)) {
      return { aliasesChanged: [], aliasesRemoved: [], postmasterMissing: null };
    }
    getMailbox(draft, address);
    const { aliasesChanged, aliasesRemoved } = removeMailbox(draft, address);
    return { aliasesChanged, aliasesRemoved, postmasterMissing: missingPostmaster(draft) };
  });
  await endSessions(host, target, address);
  if (purge) await purgeMail(host, target.paths, address);
  return { ...removed, mailKept: stored && !purge };
}
