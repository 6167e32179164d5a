// The placeholders of fail2ban's templates.

import type { Settings } from '../settings/settings.ts';
import type { Facts } from './facts.ts';
import type { ManagedFile } from './managed-file.ts';

/** Senders mistype addresses: unknown recipients get three times the retries of failed logins. */
const ABUSE_PATIENCE = 3;

export function fail2banValues(settings: Settings, facts: Facts): Record<string, string> {
  const { maxRetry, findTime, banTime, ignore } = settings.fail2ban;
  const never = ['127.0.0.0/8', '::1', ...facts.lanNetworks, ...ignore];
  return {
    gateway: facts.gateway,
    smtps_port: String(settings.ports.smtps ?? 0),
    ignore_networks: [...new Set(never)].join(' '),
    max_retry: String(maxRetry),
    max_retry_abuse: String(maxRetry * ABUSE_PATIENCE),
    find_time: String(findTime),
    ban_time: String(banTime),
  };
}

const RELOAD = {
  owner: 'root',
  mode: 0o644,
  on_change: { reload: 'fail2ban' },
  when: ({ features }: Settings) => features.fail2ban,
} as const;

export const fail2banFiles: readonly ManagedFile[] = [
  {
    ...RELOAD,
    path: '/etc/fail2ban/fail2ban.d/mailserver.local',
    on_change: { restart: 'fail2ban' },
  },
  { ...RELOAD, path: '/etc/fail2ban/jail.d/mailserver.local' },
  { ...RELOAD, path: '/etc/fail2ban/jail.d/own.local', append: 'fail2ban.local' },
  { ...RELOAD, path: '/etc/fail2ban/filter.d/mail-login.conf' },
  { ...RELOAD, path: '/etc/fail2ban/filter.d/mail-abuse.conf' },
  {
    ...RELOAD,
    path: '/etc/s6/services/fail2ban/connections.nft',
    on_change: { restart: 'fail2ban' },
    when: ({ features, ports }: Settings) => features.fail2ban && ports.smtps !== null,
  },
];
