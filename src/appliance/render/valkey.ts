// Valkey's file depends on no option.

import type { Settings } from '../settings/settings.ts';
import type { Facts } from './facts.ts';
import type { ManagedFile } from './managed-file.ts';

export function valkeyValues(_settings: Settings, _facts: Facts): Record<string, string> {
  return {};
}

export const valkeyFiles: readonly ManagedFile[] = [
  {
    path: '/etc/valkey/valkey.conf',
    owner: 'root',
    mode: 0o644,
    on_change: { restart: 'valkey' },
  },
];
