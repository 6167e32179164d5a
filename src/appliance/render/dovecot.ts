// The placeholders of Dovecot's templates, and its files.

import type { Settings } from '../settings/settings.ts';
import type { Facts } from './facts.ts';
import type { ManagedFile } from './managed-file.ts';

const yesNo = (value: boolean) => (value ? 'yes' : 'no');

/** In Dovecot port 0 disables a listener. */
function portValues({ ports }: Settings): Record<string, string> {
  const text = (port: number | null) => String(port ?? 0);
  return {
    imap: yesNo(ports.imap !== null || ports.imaps !== null),
    imap_port: text(ports.imap),
    imaps_port: text(ports.imaps),
    pop3: yesNo(ports.pop3 !== null || ports.pop3s !== null),
    pop3_port: text(ports.pop3),
    pop3s_port: text(ports.pop3s),
    managesieve: yesNo(ports.sieve !== null),
    sieve_port: text(ports.sieve),
  };
}

/** The host's addresses on the container's bridge and the web container, in the form of Dovecot's allow_nets. */
function probeNetworks({ gateway, gateway6, webAddress }: Facts): string {
  const addresses = ['127.0.0.1', gateway, gateway6, webAddress];
  return addresses.filter((address) => address !== null).join(',');
}

export function dovecotValues(settings: Settings, facts: Facts): Record<string, string> {
  const { features, main } = settings;
  return {
    hostname: main.hostname,
    postmaster: main.postmaster,
    listen: facts.hasIpv6 ? '*, ::' : '*',
    auth_penalty_mode: features.fail2ban ? '0' : '0600',
    redirect_sender: features.srs ? 'sender' : 'recipient',
    quota_default: `${features.quotaDefault}B`,
    probe_password: facts.probePassword,
    probe_networks: probeNetworks(facts),
    ...portValues(settings),
  };
}

const reload = { reload: 'dovecot' } as const;

function configuration(name: string, when?: ManagedFile['when']): ManagedFile {
  return {
    path: `/etc/dovecot/${name}`,
    owner: 'root',
    mode: 0o644,
    on_change: reload,
    ...(when === undefined ? {} : { when }),
  };
}

/** Dovecot reads scripts on use, so a change needs no reload. */
function script(name: string, mode: number, when?: ManagedFile['when']): ManagedFile {
  return { ...configuration(name, when), mode, on_change: { none: true } };
}

const withQuota = ({ features }: Settings) => features.quota;
const withSpamFilter = ({ features }: Settings) => features.spamFilter;

export const dovecotFiles: readonly ManagedFile[] = [
  configuration('dovecot.conf'),
  configuration('conf.d/10-server.conf'),
  configuration('conf.d/20-tls.conf'),
  configuration('conf.d/30-accounts.conf'),
  configuration('conf.d/40-delivery.conf'),
  configuration('conf.d/50-sieve.conf'),
  configuration('conf.d/60-clients.conf'),
  configuration('conf.d/70-quota.conf', withQuota),
  configuration('conf.d/80-learning.conf', withSpamFilter),
  configuration('accounts.lua'),
  script('sieve/junk.sieve', 0o644),
  script('sieve/learn-ham.sieve', 0o644, withSpamFilter),
  script('sieve/learn-spam.sieve', 0o644, withSpamFilter),
  script('bin/learn', 0o755, withSpamFilter),
  script('bin/quota-warning', 0o755, withQuota),
  {
    path: '/etc/dovecot/probe.passwd',
    owner: 'dovecot',
    mode: 0o400,
    on_change: { none: true },
    secret: true,
  },
  {
    path: '/etc/s6/services/dovecot/run',
    owner: 'root',
    mode: 0o755,
    on_change: { restart: 'dovecot' },
  },
];
