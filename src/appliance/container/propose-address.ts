// A free IPv4 address for the container: on an existing bridge one that no machine there answers for, outside the
// DHCP ranges; for a bridge of mailctl one of a private network that this host does not use.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { bareAddress, contains, ipv4Hosts, type Network, parseNetwork } from '../../host/ip.ts';
import { queryNeighbour } from '../../host/neighbour.ts';
import { getOption } from '../../uci/document.ts';
import { parseUci } from '../../uci/parse.ts';
import type { Settings } from '../settings/settings.ts';
import { queryBridge } from './network-apply.ts';
import { portVlan } from './vlan.ts';

// RFC 1918; the first is the default of network.address
const PRIVATE = ['10.82', '172.29', '192.168'];
const THIRD_OCTETS = Array.from({ length: 64 }, (_, index) => 25 + index);

/** Networks of the host's addresses and routes, without the default route. */
async function networksInUse(host: Host): Promise<Network[]> {
  const addresses = await host.programs.query(['ip', '-o', '-4', 'addr', 'show']);
  const routes = await host.programs.query(['ip', '-4', 'route', 'show']);
  const texts = [
    ...[...addresses.stdout.matchAll(/ inet (\S+)/g)].map((match) => match[1] ?? ''),
    ...[...routes.stdout.matchAll(/^(?:\w+ )?(\d[\d.]+(?:\/\d+)?)/gm)].map(
      (match) => match[1] ?? '',
    ),
  ];
  return texts.flatMap((text) => parseNetwork(text.includes('/') ? text : `${text}/32`) ?? []);
}

const overlap = (one: Network, other: Network) => contains(one, other) || contains(other, one);

/** The container's address in a private network of its own. Throws HOST_UNFIT. */
async function addressOfNewNetwork(host: Host): Promise<string> {
  const used = await networksInUse(host);
  for (const start of PRIVATE) {
    for (const octet of THIRD_OCTETS) {
      const cidr = `${start}.${octet}.2/24`;
      const network = parseNetwork(cidr);
      if (network && !used.some((other) => overlap(network, other))) return cidr;
    }
  }
  throw noneFree('this host uses every private network that was tried');
}

function noneFree(why: string): MailctlError {
  return new MailctlError('HOST_UNFIT', `no free address was found for the container: ${why}`, {
    hint: 'mailctl init --address <free address>/<prefix>',
  });
}

/** First and last host number of each DHCP range of this router; dnsmasq counts from the network address. */
async function dhcpRanges(host: Host): Promise<readonly { first: number; last: number }[]> {
  const { document } = parseUci((await host.files.read('/etc/config/dhcp')) ?? '');
  return document.sections
    .filter(({ type, name }) => type === 'dhcp' && name !== null)
    .flatMap(({ name }) => {
      const number = (option: string, otherwise: string) =>
        Number(getOption(document, name ?? '', option) ?? otherwise);
      const [first, limit] = [number('start', '100'), number('limit', '150')];
      return Number.isInteger(first + limit) ? [{ first, last: first + limit - 1 }] : [];
    });
}

// people give the first addresses to their own machines, and 25 is the port of SMTP
const PREFERRED_START = 25;
const MOST_TRIED = 200;

/** Throws HOST_UNFIT when every address is in use. */
async function addressOnBridge(host: Host, bridge: string, cidrs: readonly string[]) {
  const [own] = cidrs;
  if (own === undefined) throw noneFree(`the bridge ${bridge} has no IPv4 address`);
  const ranges = await dhcpRanges(host);
  const taken = new Set(cidrs.map(bareAddress));
  const numbers = ipv4Hosts(own).filter(
    ({ number, address }) =>
      !taken.has(address) && !ranges.some(({ first, last }) => number >= first && number <= last),
  );
  const inOrder = [
    ...numbers.filter(({ number }) => number >= PREFERRED_START),
    ...numbers.filter(({ number }) => number < PREFERRED_START),
  ];
  for (const { address } of inOrder.slice(0, MOST_TRIED)) {
    if ((await queryNeighbour(host, address, bridge)) !== null) continue;
    return `${address}/${own.split('/')[1]}`;
  }
  throw noneFree(`every address of ${own} that is outside the DHCP ranges is in use`);
}

/** A free address with its prefix length. Throws HOST_UNFIT. */
export async function findFreeAddress(
  host: Host,
  { bridge, vlan }: Settings['network'],
): Promise<string> {
  const present = await queryBridge(host, bridge, vlan);
  const device = portVlan({ bridge, vlan }, present.vlans)?.device ?? bridge;
  return present.exists
    ? addressOnBridge(host, device, present.addresses)
    : addressOfNewNetwork(host);
}
