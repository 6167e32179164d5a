// Files of no single daemon: PID 1 and the service tree, names, resolver.

import type { Settings } from '../settings/settings.ts';
import type { Facts } from './facts.ts';
import type { ManagedFile } from './managed-file.ts';
import { signsWithEd25519 } from './opendkim.ts';

export function systemValues(settings: Settings, facts: Facts): Record<string, string> {
  return {
    hostname: settings.main.hostname,
    container_address: facts.containerAddress,
  };
}

const PROGRAM = { owner: 'root', mode: 0o755, on_change: { restart_container: true } } as const;

/** s6 runs a daemon for each service folder. Those of Postfix and Dovecot are in the image. */
const services: readonly { name: string; when?: (settings: Settings) => boolean }[] = [
  { name: 'log' },
  { name: 'syslog' },
  { name: 'unbound' },
  { name: 'valkey' },
  { name: 'rspamd' },
  { name: 'opendkim', when: ({ features }) => features.dkim },
  { name: 'opendkim-ed25519', when: signsWithEd25519 },
  { name: 'postsrsd', when: ({ features }) => features.srs },
  { name: 'fail2ban', when: ({ features }) => features.fail2ban },
  { name: 'clamav', when: ({ features }) => features.virusScan },
  { name: 'freshclam', when: ({ features }) => features.virusScan },
];

export const systemFiles: readonly ManagedFile[] = [
  ...['init', 'sync', 'finish', 'stop', 'status'].map((name) => ({
    ...PROGRAM,
    path: `/etc/s6/${name}`,
  })),
  ...services.map(({ name, when }) => ({
    ...PROGRAM,
    path: `/etc/s6/services/${name}/run`,
    ...(when === undefined ? {} : { when }),
  })),
  { ...PROGRAM, path: '/etc/s6/services/rspamd/down-signal', mode: 0o644 },
  ...['/etc/hosts', '/etc/resolv.conf', '/etc/mailname'].map((path) => ({
    path,
    owner: 'root' as const,
    mode: 0o644,
    // Postfix copies these files into its chroot at its start
    on_change: { restart: 'postfix' as const },
  })),
];
