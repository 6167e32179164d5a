// The placeholders of Unbound's templates.

import type { Settings } from '../settings/settings.ts';
import type { Facts } from './facts.ts';
import type { ManagedFile } from './managed-file.ts';

export function unboundValues(settings: Settings, facts: Facts): Record<string, string> {
  return {
    unbound_ipv6: facts.hasIpv6 ? 'yes' : 'no',
    // Unbound takes several `name: value` pairs on one line
    forward_addresses: settings.network.dnsForward
      .map((address) => `forward-addr: ${address}`)
      .join(' '),
  };
}

const RESTART = { owner: 'root', mode: 0o644, on_change: { restart: 'unbound' } } as const;

export const unboundFiles: readonly ManagedFile[] = [
  { path: '/etc/unbound/unbound.conf', ...RESTART },
  {
    path: '/etc/unbound/forward.conf',
    ...RESTART,
    when: ({ network }) => network.dnsForward.length > 0,
  },
];
