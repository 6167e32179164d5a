// Operations on mailboxes across the accounts, open sessions and stored mail. The caller of an operation
// that writes holds the appliance's lock.

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
  type MailboxChange,
  type RemovedMailbox,
  removeMailbox,
  type WantedMailbox,
} from './changes.ts';
import { type Directory, draftOf, isDeliverable, type Mailbox } from './model.ts';
import { endSessions } from './sessions.ts';
import { hasStoredMail, measureMailbox, purgeMail } from './storage.ts';
import { mailFolder } from './texts.ts';

/** The folder of the mailbox on this host. */
export function mailPath(target: Appliance, address: Address): string {
  return join(target.paths.mail, mailFolder(address));
}

/** Throws what `createMailbox` would throw, before the operator is prompted for a password. */
export async function refuseImpossible(
  host: Host,
  target: Appliance,
  wanted: Omit<WantedMailbox, 'hash'>,
): Promise<void> {
  const { directory } = await readDirectory(host, target);
  addMailbox(draftOf(directory), { ...wanted, hash: '' });
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

/** The question to confirm before mail is deleted. */
export async function describePurge(
  host: Host,
  target: Appliance,
  address: Address,
): Promise<string> {
  const { messages, usedBytes } = await measureMailbox(host, target.paths, address);
  const size = formatBytes(usedBytes);
  return `This deletes ${address} and its ${messages} messages (${size}). This cannot be undone.`;
}

export interface CreatedMailbox {
  readonly mailbox: Mailbox;
  /** True when mail of a deleted mailbox of this name exists, which becomes readable again. */
  readonly formerMail: boolean;
  readonly postmasterMissing: Address | null;
}

function missingPostmaster(directory: Directory): Address | null {
  return isDeliverable(directory, directory.postmaster) ? null : directory.postmaster;
}

export async function createMailbox(
  host: Host,
  target: Appliance,
  wanted: WantedMailbox,
): Promise<CreatedMailbox> {
  const created = await changeDirectory(host, target, (draft) => ({
    mailbox: addMailbox(draft, wanted),
    postmasterMissing: missingPostmaster(draft),
  }));
  return { ...created, formerMail: await hasStoredMail(host, target.paths, wanted.address) };
}

/** What a session was opened with may be gone. A caller that removes an app password ends them itself. */
function endsSessions(change: Partial<MailboxChange>): boolean {
  const { hash, active, direction, appPasswordsOnly } = change;
  const others = [hash, direction, appPasswordsOnly];
  return active === false || others.some((value) => value !== undefined);
}

/** Changes the mailbox; other passwords, another direction or a suspension end its sessions. */
export async function updateMailbox(
  host: Host,
  target: Appliance,
  address: Address,
  change: Partial<MailboxChange>,
): Promise<Mailbox> {
  const mailbox = await changeDirectory(host, target, (draft) =>
    changeMailbox(draft, { address, ...change }),
  );
  if (endsSessions(change)) {
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
 * Deletes the mailbox and ends its sessions. Its mail stays unless `purge`, which also deletes the mail
 * of a mailbox that was deleted earlier. Throws MAILBOX_UNKNOWN.
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
