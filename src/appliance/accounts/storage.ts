// The mail of one mailbox on disk. The container owns these folders and could plant symlinks in them, so
// only `host.untrusted` walks them as root.

import type { Host } from '../../host/host.ts';
import { type Address, domainOf, localOf } from '../address.ts';
import type { Paths } from '../paths.ts';

export interface MailboxSize {
  readonly usedBytes: number;
  readonly messages: number;
}

function folderOf(address: Address): [string, string] {
  return [domainOf(address), localOf(address)];
}

/** Dovecot writes the size of a message into its file name; other files are measured. */
export function messageBytes(name: string, size: () => number): number {
  const [, stated] = /,S=(\d{1,15})(?:[,:]|$)/.exec(name) ?? [];
  return stated === undefined ? size() : Number(stated);
}

/** Messages of all folders of the mailbox; zero before its first message. */
export async function measureMailbox(
  host: Host,
  paths: Paths,
  address: Address,
): Promise<MailboxSize> {
  let usedBytes = 0;
  let messages = 0;
  await host.untrusted.walk(paths.mail, folderOf(address), ({ folder, name, size }) => {
    if (folder !== 'cur' && folder !== 'new') return;
    usedBytes += messageBytes(name, size);
    messages += 1;
  });
  return { usedBytes, messages };
}

export async function hasStoredMail(host: Host, paths: Paths, address: Address): Promise<boolean> {
  return host.untrusted.exists(paths.mail, folderOf(address));
}

/** Deletes all mail and the Sieve scripts of the address; false when there was no mail. */
export async function purgeMail(host: Host, paths: Paths, address: Address): Promise<boolean> {
  await host.untrusted.remove(paths.state, ['sieve', ...folderOf(address)]);
  return host.untrusted.remove(paths.mail, folderOf(address));
}
