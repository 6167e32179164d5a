// The placeholders of ClamAV's templates. features.virus_scan needs the larger image with ClamAV.

import type { Settings } from '../settings/settings.ts';
import type { Facts } from './facts.ts';
import type { ManagedFile } from './managed-file.ts';

export function clamavValues(settings: Settings, _facts: Facts): Record<string, string> {
  return { message_size: String(settings.smtp.messageSizeLimit) };
}

const RESTART = {
  owner: 'root',
  mode: 0o644,
  on_change: { restart: 'clamav' },
  when: ({ features }: Settings) => features.virusScan,
} as const;

export const clamavFiles: readonly ManagedFile[] = [
  { ...RESTART, path: '/etc/clamav/clamd.conf' },
  { ...RESTART, path: '/etc/clamav/freshclam.conf' },
];
