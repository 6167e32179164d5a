// Logins that are open while an account changes.

import type { Host } from '../../host/host.ts';
import { isRunning, runInside } from '../../host/lxc.ts';
import type { Address } from '../address.ts';
import type { Appliance } from '../appliance.ts';
import { containerRef } from '../container/container.ts';

// sysexits EX_NOHOST, with which doveadm says that nobody was logged in
const NOBODY_LOGGED_IN = 68;

/**
 * Ends every IMAP, POP3 and ManageSieve session of the address and forgets its remembered logins.
 * Nothing to do while the container is stopped. The account must have been changed before, so that
 * nobody can log in again.
 */
export async function endSessions(host: Host, target: Appliance, address: Address): Promise<void> {
  const container = containerRef(target);
  if (!(await isRunning(host, container))) return;
  await runInside(host, container, ['doveadm', 'auth', 'cache', 'flush', address]);
  await runInside(host, container, ['doveadm', 'kick', address], { accept: [NOBODY_LOGGED_IN] });
}
