// Whether another machine on a link has an IP address. The kernel asks (ARP, neighbour discovery), so this needs no
// program but ip, which BusyBox has too.

import { pollUntil } from './clock.ts';
import type { Host } from './host.ts';
import { isReachable } from './reach.ts';

// RFC 863 (discard)
const DISCARD_PORT = 9;
// the kernel asks again after a second (RFC 4861 10, RETRANS_TIMER; Linux uses it for ARP too)
const TIMEOUT_MS = 1500;
const INTERVAL_MS = 50;

/**
 * The hardware address that answers for an IP address; null when none does. This host needs an address in the same
 * network on the interface.
 */
export async function queryNeighbour(
  host: Host,
  address: string,
  device: string,
): Promise<string | null> {
  const family = address.includes(':') ? '-6' : '-4';
  const table = (verb: string) => ['ip', family, 'neigh', verb, 'to', address, 'dev', device];
  // an entry may be of a machine that has left; the kernel's cache is no state that a dry run must spare
  await host.programs.query(table('flush'));
  const sent = isReachable(address, DISCARD_PORT, TIMEOUT_MS);
  const limits = { timeout: TIMEOUT_MS, interval: INTERVAL_MS };
  const answer = await pollUntil(host.clock, limits, async () => {
    const { stdout } = await host.programs.query(table('show'));
    return / lladdr (\S+)/.exec(stdout)?.[1] ?? null;
  });
  await sent;
  return answer;
}
