// Open sessions of an account that has just changed.

import type { Host } from '../../host/host.ts';
import { isRunning, runInside } from '../../host/lxc.ts';
import type { Address } from '../address.ts';
import type { Appliance } from '../appliance.ts';
import { containerRef } from '../container/container.ts';

// sysexits EX_NOHOST: doveadm found no session of the user
const NO_SESSION = 68;

/**
 * Ends every IMAP, POP3 and ManageSieve session of the address and flushes its cached logins. No-op
 * while the container is stopped. Call it after the account has changed, or the client logs in again.
 */
export async function endSessions(host: Host, target: Appliance, address: Address): Promise<void> {
  const container = containerRef(target);
  if (!(await isRunning(host, container))) return;
  await runInside(host, container, ['doveadm', 'auth', 'cache', 'flush', address]);
  await runInside(host, container, ['doveadm', 'kick', address], { accept: [NO_SESSION] });
}
