// The data of `user list` and `user show`.

import { join } from 'node:path';
import type { Host } from '../../host/host.ts';
import { type Address, domainOf, type MailDomain } from '../address.ts';
import type { Appliance } from '../appliance.ts';
import { readDirectory } from './accounts.ts';
import { getMailbox } from './changes.ts';
import { compileDirectory } from './compile.ts';
import type { Problem } from './lines.ts';
import type { AliasName, Directory, Mailbox } from './model.ts';
import { type MailboxSize, measureMailbox } from './storage.ts';
import { mailFolder } from './texts.ts';

export interface ListedMailbox {
  readonly mailbox: Mailbox;
  /** null when sizes were not requested. */
  readonly size: MailboxSize | null;
}

export async function listMailboxes(
  host: Host,
  target: Appliance,
  { domain, sizes }: { domain: MailDomain | null; sizes: boolean },
): Promise<{ list: ListedMailbox[]; problems: readonly Problem[] }> {
  const { directory, problems } = await readDirectory(host, target);
  const wanted = [...directory.mailboxes.values()].filter(
    ({ address }) => domain === null || domainOf(address) === domain,
  );
  const list: ListedMailbox[] = [];
  for (const mailbox of wanted) {
    const size = sizes ? await measureMailbox(host, target.paths, mailbox.address) : null;
    list.push({ mailbox, size });
  }
  return { list, problems };
}

export interface MailboxDetails {
  readonly mailbox: Mailbox;
  readonly size: MailboxSize;
  readonly scheme: string;
  /** Aliases with this mailbox as a target, including the derived ones (roles, whole domains). */
  readonly aliases: readonly AliasName[];
  readonly sendsAs: readonly string[];
  readonly folder: string;
}

function rowsOf(directory: Directory, table: 'alias' | 'sender'): string[][] {
  const rows = compileDirectory(directory).find(({ name }) => name === table)?.rows ?? [];
  return rows.map((row) => row.map(String));
}

function firstsFor(rows: string[][], address: Address): string[] {
  return rows.flatMap(([first = '', second]) => (second === address ? [first] : []));
}

/** Throws MAILBOX_UNKNOWN. */
export async function describeMailbox(
  host: Host,
  target: Appliance,
  address: Address,
): Promise<MailboxDetails> {
  const { directory } = await readDirectory(host, target);
  const mailbox = getMailbox(directory, address);
  const aliases = firstsFor(rowsOf(directory, 'alias'), address) as AliasName[];
  return {
    mailbox,
    size: await measureMailbox(host, target.paths, address),
    scheme: /^\{([^}]+)\}/.exec(mailbox.hash)?.[1] ?? 'unknown',
    aliases: aliases.filter((alias) => alias !== address),
    sendsAs: firstsFor(rowsOf(directory, 'sender'), address),
    folder: join(target.paths.mail, mailFolder(address)),
  };
}
