// The placeholders of fail2ban's templates.

import type { Settings } from '../settings/settings.ts';
import type { Facts } from './facts.ts';
import type { ManagedFile } from './managed-file.ts';
import { smtpSessions } from './sessions.ts';

/** Senders mistype addresses: unknown recipients get three times the retries of failed logins. */
const ABUSE_PATIENCE = 3;
/** Connections that Postfix still answers, with 421, beyond the sessions of an address. */
const REFUSED_POLITELY = 2;

/** A disabled port is 0, which no packet has. */
function connectionValues({ main, ports }: Settings, facts: Facts): Record<string, string> {
  const { perAddress, perSubmittingAddress } = smtpSessions(main.memory);
  const { gateway, gateway6 } = facts;
  return {
    gateway,
    unlimited_addresses6: ['::1', ...(gateway6 === null ? [] : [gateway6])].join(', '),
    smtp_port: String(ports.smtp ?? 0),
    submission_port: String(ports.submission ?? 0),
    smtps_port: String(ports.smtps ?? 0),
    smtp_connections_per_address: String(perAddress + REFUSED_POLITELY),
    submission_connections_per_address: String(perSubmittingAddress + REFUSED_POLITELY),
  };
}

/** Networks that are never banned, as fail2ban writes them. */
export function neverBanned({ fail2ban }: Settings, lan: readonly string[]): string {
  return [...new Set(['127.0.0.0/8', '::1', ...lan, ...fail2ban.ignore])].join(' ');
}

export function fail2banValues(settings: Settings, facts: Facts): Record<string, string> {
  const { maxRetry, findTime, banTime } = settings.fail2ban;
  return {
    ...connectionValues(settings, facts),
    ignore_networks: neverBanned(settings, facts.lanNetworks),
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
  },
];
