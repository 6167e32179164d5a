// Which IPv4 addresses other machines of a network have, by ARP.

import type { Host } from './host.ts';
import { isReachable } from './reach.ts';

const DISCARD_PORT = 9;
/** In milliseconds; on a LAN an answer to ARP takes a few. */
const ANSWER_TIMEOUT_MS = 700;
/** ATF_COM of linux/if_arp.h: the hardware address is known. */
const COMPLETE = 0x2;

/** True when a machine answers for the address on the interface; it need not answer to TCP. */
export async function answersArp(host: Host, address: string, device: string): Promise<boolean> {
  // makes the kernel ask
  if (await isReachable(address, DISCARD_PORT, ANSWER_TIMEOUT_MS)) return true;
  const table = (await host.files.read('/proc/net/arp')) ?? '';
  // IP address, HW type, flags, HW address, mask, device
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .some(
      ([at, , flags, , , on]) =>
        at === address && on === device && (Number(flags) & COMPLETE) !== 0,
    );
}
