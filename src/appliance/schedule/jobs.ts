// The scheduled jobs: each row has the mailctl command and a function that returns when it is due. The function
// imports its part lazily and reads only the state of that part.

import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import type { Settings } from '../settings/settings.ts';
import type { JobRecord } from './state.ts';
import { dailyDue, periodicDue } from './times.ts';

export interface Job {
  readonly name: string;
  readonly words: readonly string[];
  /** Milliseconds after which the job is killed. */
  readonly timeout: number;
  /** When the job is due; null if no run is known to be needed. */
  due(host: Host, target: Appliance, last: JobRecord | null): Promise<Date | null>;
  /** True if the job must run now. Too expensive for `status`: only the scheduler calls it, every few minutes. */
  watch?(host: Host, target: Appliance): Promise<boolean>;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const hasBackups = ({ mesh }: Settings): boolean => mesh.enabled && mesh.backupPeers.length > 0;

async function runs(host: Host, target: Appliance): Promise<boolean> {
  if (!host.programs.exists('lxc-info')) return false;
  const { isRunning } = await import('../../host/lxc.ts');
  const { containerRef } = await import('../container/container.ts');
  return isRunning(host, containerRef(target));
}

export const JOBS: readonly Job[] = [
  {
    // completes an interrupted change of the accounts: Dovecot and Postfix have read access only
    name: 'accounts',
    words: ['domain', 'list', '--quiet'],
    timeout: 5 * MINUTE,
    due: async (host, { paths }) =>
      (await host.fileSets.isPending(paths.accounts)) ? host.clock.now() : null,
  },
  {
    // restarts a Dovecot that runs but answers no login; the check waits longer before it acts
    name: 'logins',
    words: ['doctor', '--only', 'service.login', '--fix', '--yes'],
    timeout: 5 * MINUTE,
    due: async () => null,
    watch: async (host, target) => {
      if (!(await runs(host, target))) return false;
      const { LOGIN_LIMIT_MS, tryLogin } = await import('../probe/login-trial.ts');
      return (await tryLogin(host, target, LOGIN_LIMIT_MS))?.outcome === 'silent';
    },
  },
  {
    // starts a web container that has ended, and loads its rules again after a flush of the host's ruleset
    name: 'webmail',
    words: ['doctor', '--only', 'webmail', '--fix', '--yes'],
    timeout: 5 * MINUTE,
    due: async () => null,
    watch: async (host, target) => {
      if (!target.settings.web.enabled || !host.programs.exists('lxc-info')) return false;
      const { isWebFaulty } = await import('../webmail/follow.ts');
      return isWebFaulty(host, target);
    },
  },
  {
    // copies the bans of the container to the router's firewall, which forgets them when it restarts
    name: 'bans',
    words: ['fail2ban', 'sync'],
    timeout: 5 * MINUTE,
    due: async () => null,
    watch: async (host, target) => {
      const { bansDiffer } = await import('../firewall/bans.ts');
      return bansDiffer(host, target);
    },
  },
  {
    // a flush of the host's ruleset, as by a restart of nftables, opens the container's network
    name: 'network',
    words: ['doctor', '--only', 'network.egress', '--fix', '--yes'],
    timeout: 5 * MINUTE,
    due: async () => null,
    watch: async (host, target) => {
      if (!(await runs(host, target))) return false;
      const { networkInUse } = await import('../container/host-part.ts');
      const plan = await networkInUse(host, target.paths);
      if (plan === null) return false;
      const { planTables } = await import('../apply/network-tables.ts');
      const { container } = target.settings.main;
      return (await planTables(host, target.paths, { container, plan })).length > 0;
    },
  },
  {
    name: 'certificate',
    words: ['ssl-renew', '--scheduled'],
    timeout: 30 * MINUTE,
    due: async (host, target) => {
      const { renewalDue } = await import('../acme/renewal.ts');
      return renewalDue(host, target);
    },
  },
  {
    name: 'dkim',
    words: ['dkim', 'step'],
    timeout: 30 * MINUTE,
    due: async (host, target) => {
      const { rotationDue } = await import('../dkim/rotation.ts');
      return rotationDue(host, target);
    },
  },
  {
    name: 'addresses',
    words: ['wan-changed'],
    timeout: 15 * MINUTE,
    due: async (host, target) => {
      const { addressesDue } = await import('../dns/address-look.ts');
      return addressesDue(host, target);
    },
  },
  {
    name: 'backup',
    words: ['mesh', 'sync', 'push'],
    // what a push has done is not done again by the next one
    timeout: 2 * HOUR,
    due: async (host, { settings }, last) =>
      hasBackups(settings)
        ? periodicDue(settings.mesh.syncInterval * SECOND, last?.last ?? null, host.clock.now())
        : null,
  },
  {
    // for peers that cannot reach this box
    name: 'pull',
    words: ['mesh', 'sync', 'pull'],
    timeout: 2 * HOUR,
    due: async (host, { settings }, last) =>
      hasBackups(settings) && settings.mesh.backupPeers.some((peer) => !peer.includes('://'))
        ? periodicDue(settings.mesh.syncInterval * SECOND, last?.last ?? null, host.clock.now())
        : null,
  },
  {
    // every peer proves that it still has what it took
    name: 'proof',
    words: ['mesh', 'verify', '--proofs'],
    timeout: 15 * MINUTE,
    due: async (host, { settings }, last) =>
      hasBackups(settings) ? periodicDue(DAY, last?.last ?? null, host.clock.now()) : null,
  },
  {
    name: 'trial',
    words: ['mesh', 'verify', '--trial'],
    timeout: 2 * HOUR,
    due: async (host, { settings }, last) =>
      hasBackups(settings) ? periodicDue(7 * DAY, last?.last ?? null, host.clock.now()) : null,
  },
  {
    name: 'report',
    words: ['report', 'send'],
    timeout: 10 * MINUTE,
    due: async (host, { settings }, last) => {
      if (!settings.report.enabled) return null;
      return dailyDue(settings.report.time, last?.last ?? null, host.clock.now());
    },
  },
];
