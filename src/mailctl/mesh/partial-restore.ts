// Mail of one mailbox from a backup: listed, or added to the mailbox while the server runs. Messages that the mailbox
// still has are left alone; the others get new UIDs.

import { join } from 'node:path';
import { type Address, domainOf, localOf } from '../../appliance/address.ts';
import type { Appliance } from '../../appliance/appliance.ts';
import { baseName, mergeMail } from '../../appliance/backup/merge.ts';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import type { Merged } from '../../host/untrusted-merge.ts';
import { type ListedPath, type Listing, listEntries } from '../../mesh/archive/listing.ts';
import { type Fetched, openBackup, type Wanted } from './restoring.ts';

export interface ListedMailbox {
  readonly mailbox: string;
  readonly messages: number;
  readonly bytes: number;
}

export interface ListedMessage {
  /** Its name without flags, by which --message takes it. */
  readonly message: string;
  /** Folder of the mailbox, `INBOX` for the first. */
  readonly folder: string;
  readonly size: number;
  readonly time: Date;
}

const workFolder = ({ paths }: Appliance): string => join(paths.mesh, 'partial');

/** Works on a backup in a folder that is removed afterwards. */
export async function withBackup<T>(
  host: Host,
  target: Appliance,
  {
    wanted,
    warn,
    work,
  }: { wanted: Wanted; warn: (text: string) => void; work: (backup: Fetched) => Promise<T> },
): Promise<T> {
  const folder = workFolder(target);
  await host.files.makeDirectory(target.paths.mesh, { mode: 0o711 });
  await host.files.removeTree(join(folder, 'tree'));
  const backup = await openBackup(host, target, { wanted, folder, warn });
  try {
    return await work(backup);
  } finally {
    backup.close();
    await host.files.removeTree(folder);
  }
}

function* messagesIn(listing: Listing): Generator<ListedPath & { readonly parts: string[] }> {
  for (const entry of listEntries(listing)) {
    const parts = entry.path.split('/');
    if (entry.kind === 'message' && parts[0] === 'mail') yield { ...entry, parts };
  }
}

/** By address. */
export function countMailboxes(listing: Listing) {
  const found = new Map<string, { messages: number; bytes: number }>();
  for (const { parts, size } of messagesIn(listing)) {
    const mailbox = `${parts[2]}@${parts[1]}`;
    const { messages, bytes } = found.get(mailbox) ?? { messages: 0, bytes: 0 };
    found.set(mailbox, { messages: messages + 1, bytes: bytes + size });
  }
  return found;
}

export function listMailboxes({ listing }: Fetched): ListedMailbox[] {
  return [...countMailboxes(listing)].map(([mailbox, counts]) => ({ mailbox, ...counts }));
}

/** `mail/<domain>/<local part>/[.<folder>/]cur/<name>`. */
function messageOf({ parts, size, modified }: ListedPath & { parts: string[] }): ListedMessage {
  const name = parts.at(-1) ?? '';
  const folder = parts.length > 5 ? (parts[3] ?? '').replace(/^\./, '') : 'INBOX';
  return { message: baseName(name), folder, size, time: modified };
}

export function listMessages({ listing }: Fetched, address: Address): ListedMessage[] {
  const found: ListedMessage[] = [];
  for (const entry of messagesIn(listing)) {
    if (entry.parts[1] === domainOf(address) && entry.parts[2] === localOf(address))
      found.push(messageOf(entry));
  }
  return found;
}

const MESSAGE_ID = /^message-id:\s*<?([^>\s]+)>?/im;
/** Of the header, which comes first. */
const HEADER_BYTES = 256 * 1024;

async function hasMessageId(host: Host, path: string, id: string): Promise<boolean> {
  const bytes = (await host.files.readBytes(path)) ?? new Uint8Array();
  const head = Buffer.from(bytes.subarray(0, HEADER_BYTES)).toString('latin1');
  return MESSAGE_ID.exec(head)?.[1] === id;
}

/** Base names of the messages that `wanted` names: by base name, or by Message-ID. Throws MESSAGE_UNKNOWN. */
async function findMessages(
  host: Host,
  {
    backup,
    tree,
    address,
    wanted,
  }: { backup: Fetched; tree: string; address: Address; wanted: string },
): Promise<ReadonlySet<string>> {
  const id = wanted.replace(/^<|>$/g, '');
  const found = new Set<string>();
  for (const entry of messagesIn(backup.listing)) {
    if (entry.parts[1] !== domainOf(address) || entry.parts[2] !== localOf(address)) continue;
    const name = baseName(entry.parts.at(-1) ?? '');
    if (name === wanted || (await hasMessageId(host, join(tree, entry.path), id))) found.add(name);
  }
  if (found.size > 0) return found;
  throw new MailctlError('MESSAGE_UNKNOWN', `the backup of ${address} has no message ${wanted}`, {
    hint: `mailctl mesh restore --list --user ${address} …`,
  });
}

/** @param message base name or Message-ID of the only message to restore; null for all */
export async function restoreMailbox(
  host: Host,
  target: Appliance,
  { backup, address, message }: { backup: Fetched; address: Address; message: string | null },
): Promise<Merged> {
  const mailbox = [domainOf(address), localOf(address)] as const;
  const tree = join(workFolder(target), 'tree');
  const prefix = `mail/${mailbox.join('/')}`;
  const { messages } = await backup.restore(
    tree,
    (path) =>
      path === 'mail' ||
      path === `mail/${mailbox[0]}` ||
      path === prefix ||
      path.startsWith(`${prefix}/`),
  );
  if (messages === 0) {
    throw new MailctlError('MAILBOX_UNKNOWN', `the backup has no mail of ${address}`, {
      hint: 'mailctl mesh restore --list …',
    });
  }
  const only =
    message === null ? null : await findMessages(host, { backup, tree, address, wanted: message });
  const isWanted = (name: string) => only === null || only.has(name);
  return host.untrusted.merge(
    join(tree, 'mail'),
    target.paths.mail,
    mergeMail({ mailbox, isWanted }),
  );
}
