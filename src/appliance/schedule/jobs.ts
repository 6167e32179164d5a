// What is done without being asked: each row says which words of mailctl do it, and when they are due.
// The parts are imported when they are asked, and say it from their own state alone.

import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import type { JobRecord } from './state.ts';
import { dailyDue } from './times.ts';

export interface Job {
  readonly name: string;
  readonly words: readonly string[];
  /** Milliseconds after which it is ended by force. */
  readonly timeout: number;
  /** When it has something to do; null when it has not, as far as can be known. */
  due(host: Host, target: Appliance, last: JobRecord | null): Promise<Date | null>;
  /** True when it must be done now. Looks at what costs too much for `status`: only the scheduler asks, every few minutes. */
  watch?(host: Host, target: Appliance): Promise<boolean>;
}

const MINUTE = 60_000;

export const JOBS: readonly Job[] = [
  {
    // a change of the accounts that was killed half-way: Dovecot and Postfix cannot finish what they only read
    name: 'accounts',
    words: ['domain', 'list', '--quiet'],
    timeout: 5 * MINUTE,
    due: async (host, { paths }) =>
      (await host.fileSets.isPending(paths.accounts)) ? host.clock.now() : null,
  },
  {
    // a Dovecot that runs and answers no login would do so until somebody came; the check tries for longer before it acts
    name: 'logins',
    words: ['doctor', '--only', 'service.login', '--fix', '--yes'],
    timeout: 5 * MINUTE,
    due: async () => null,
    watch: async (host, target) => {
      const { isRunning } = await import('../../host/lxc.ts');
      if (!host.programs.exists('lxc-info')) return false;
      const { containerRef } = await import('../container/container.ts');
      if (!(await isRunning(host, containerRef(target)))) return false;
      const { LOGIN_LIMIT_MS, tryLogin } = await import('../probe/login-trial.ts');
      return (await tryLogin(host, target, LOGIN_LIMIT_MS))?.outcome === 'silent';
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
    name: 'report',
    words: ['report', 'send'],
    timeout: 10 * MINUTE,
    due: async (host, { settings }, last) => {
      if (!settings.report.enabled) return null;
      return dailyDue(settings.report.time, last?.last ?? null, host.clock.now());
    },
  },
];
