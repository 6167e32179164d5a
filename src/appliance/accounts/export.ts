// The mailboxes as a list for `user import`.

import type { Directory, Mailbox } from './model.ts';
import { formatQuota } from './quota.ts';

function csvField(text: string): string {
  return /[",;\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

interface ExportedMailbox {
  readonly address: string;
  readonly active: boolean;
  readonly quota_bytes: number | null;
  readonly direction: Mailbox['direction'];
  readonly name: string | null;
  readonly hash?: string;
}

export function exportMailboxes(directory: Directory, withHashes: boolean): ExportedMailbox[] {
  return [...directory.mailboxes.values()].map((mailbox: Mailbox) => ({
    address: mailbox.address,
    active: mailbox.active,
    quota_bytes: mailbox.quotaBytes,
    direction: mailbox.direction,
    name: mailbox.name,
    ...(withHashes ? { hash: mailbox.hash } : {}),
  }));
}

/** The lines of a CSV file that parseList reads back. */
export function formatCsv(mailboxes: readonly ExportedMailbox[], withHashes: boolean): string[] {
  const header = [
    'address',
    'active',
    'quota',
    'direction',
    'name',
    ...(withHashes ? ['hash'] : []),
  ];
  const rows = mailboxes.map(({ address, active, quota_bytes, direction, name, hash }) => [
    address,
    String(active),
    formatQuota(quota_bytes),
    direction,
    name ?? '',
    ...(withHashes ? [hash ?? ''] : []),
  ]);
  return [header, ...rows].map((row) => row.map(csvField).join(','));
}
