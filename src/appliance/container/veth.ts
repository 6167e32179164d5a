// The container's veth: the interface name of the host's end and the hardware address of the container's
// end. Both are the same at every start. Pure.

import { digestText } from '../../host/digest.ts';

export interface Veth {
  /** Interface name on the host; at most 15 characters, unique for each container. */
  readonly name: string;
  /** Hardware address of the container's end. */
  readonly mac: string;
}

/**
 * Constant for one container; differs between containers of a host and between hosts of a network.
 * @param machine a constant value of this machine
 */
export function planVeth(container: string, machine: string): Veth {
  const id = digestText(`mailserver\n${machine}\n${container}`).slice(0, 10);
  // 02: locally administered, one station (IEEE 802-2014 8.4)
  const mac = ['02', ...(id.match(/../g) ?? [])].join(':');
  return { name: `veth-${digestText(container).slice(0, 10)}`, mac };
}

/** The link-local address that the container's kernel configures (RFC 4291 appendix A). */
export function linkLocal(mac: string): string {
  const [first = 0, ...rest] = mac.split(':').map((byte) => Number.parseInt(byte, 16));
  const id = [first ^ 0x02, rest[0], rest[1], 0xff, 0xfe, rest[2], rest[3], rest[4]] as number[];
  const groups = [0, 2, 4, 6].map((at) => ((id[at] ?? 0) * 256 + (id[at + 1] ?? 0)).toString(16));
  return `fe80::${groups.join(':')}`;
}
