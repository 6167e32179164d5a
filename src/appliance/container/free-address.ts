// The container takes no address that another machine has.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { bareAddress } from '../../host/ip.ts';
import { isRunning } from '../../host/lxc.ts';
import { queryNeighbour } from '../../host/neighbour.ts';
import type { Appliance } from '../appliance.ts';
import { containerRef } from './container.ts';
import { type DesiredNetwork, hostDevice } from './network.ts';
import { queryBridge } from './network-apply.ts';
import { queryVeth } from './veth-apply.ts';

type Option = 'address' | 'address6';

/** The addresses that the container has not yet on this bridge. */
async function newAddresses(host: Host, target: Appliance, network: DesiredNetwork) {
  const wanted: [Option, string | null][] = [
    ['address', network.address],
    ['address6', network.address6],
  ];
  const config = (await host.files.read(target.paths.lxcConfig)) ?? '';
  const { master } = await queryVeth(host, network.veth.name);
  const attached = master === network.bridge && (await isRunning(host, containerRef(target)));
  const has = (cidr: string) => attached && config.includes(`.address = ${cidr}\n`);
  return wanted.flatMap(([option, cidr]) =>
    cidr === null || has(cidr) ? [] : [{ option, cidr, address: bareAddress(cidr) }],
  );
}

function taken(option: Option, cidr: string, holder: string): MailctlError {
  const address = bareAddress(cidr);
  const free = `<free address>/${cidr.split('/')[1]}`;
  return new MailctlError('HOST_UNFIT', `network.${option} ${address} is taken by ${holder}`, {
    hint: `mailctl set network.${option} ${free}`,
  });
}

/** Throws HOST_UNFIT for an address of this host or of another machine on the bridge. */
export async function requireFreeAddresses(
  host: Host,
  target: Appliance,
  network: DesiredNetwork,
): Promise<void> {
  const { bridge, veth } = network;
  const ports = await host.files.list(`/sys/class/net/${bridge}/brif`);
  // on a bridge without other ports there is no other machine
  if (ports.every((port) => port === veth.name)) return;
  const wanted = await newAddresses(host, target, network);
  if (wanted.length === 0) return;
  const { addresses, addresses6 } = await queryBridge(host, bridge, network.vlan?.id);
  const own = [...addresses, ...addresses6].map(bareAddress);
  for (const { option, cidr, address } of wanted) {
    if (own.includes(address)) throw taken(option, cidr, `this host on ${bridge}`);
    const mac = await queryNeighbour(host, address, hostDevice(network));
    if (mac !== null && mac !== veth.mac) {
      throw taken(option, cidr, `another machine on ${bridge}, with the hardware address ${mac}`);
    }
  }
}
