// Mailbox quotas as text: 500M, 2G, 1.5G, unlimited, default.

import { MailctlError } from '../../errors.ts';
import { quoted } from '../address.ts';
import { SIZES, unitBytes } from '../settings/bytes.ts';

const MIN_BYTES = 2 ** 20;
const MAX_BYTES = 2 ** 50;

/** Bytes; 0 for unlimited, null for the appliance's default. Throws QUOTA_INVALID. */
export function parseQuota(text: string): number | null {
  const word = text.trim().toLowerCase();
  if (word === 'default' || word === '') return null;
  if (word === 'unlimited' || word === 'none' || word === '0') return 0;
  const [, number, unit = ''] = /^(\d{1,16}(?:\.\d{1,3})?)([bkmgt]?)(?:i?b)?$/.exec(word) ?? [];
  const bytes = Math.floor(Number(number) * unitBytes(unit.toUpperCase()));
  if (number === undefined || !(bytes >= MIN_BYTES && bytes <= MAX_BYTES)) {
    throw new MailctlError(
      'QUOTA_INVALID',
      `${quoted(text)} is not a quota: expected a size from 1M to 1024T, unlimited or default`,
    );
  }
  return bytes;
}

/** The shortest exact form that parseQuota reads back. */
export function formatQuota(bytes: number | null): string {
  if (bytes === null) return 'default';
  if (bytes === 0) return 'unlimited';
  const [unit, size] = SIZES.find(([, one]) => bytes % one === 0) ?? ['', 1];
  return `${bytes / size}${unit}`;
}
