// The options of the container's network.

import { integer, optional } from './kinds.ts';
import { interfaceName } from './names.ts';
import { destination, hostAddresses, hostCidr, ipAddress } from './networks.ts';
import { list, option, section } from './option.ts';

export const network = section('network', 'Network of the container', {
  bridge: option(
    interfaceName(),
    'br-lan',
    'bridge that the container is attached to; created if missing',
  ),
  vlan: option(
    optional(integer(1, 4094)),
    '',
    'VLAN of the container on a bridge that filters VLANs; empty: the default VLAN of the bridge',
  ),
  address: option(
    optional(hostCidr(4)),
    '',
    'IPv4 address of the container; empty: 10.82.25.2/24 on a bridge of its own',
  ),
  gateway: option(
    optional(ipAddress(4)),
    '',
    "IPv4 gateway of the container; empty: the bridge's address",
  ),
  address6: option(
    optional(hostCidr(6)),
    '',
    "IPv6 address of the container; a suffix such as ::25/64 follows the bridge's prefix; empty: none",
  ),
  gateway6: option(
    optional(ipAddress(6)),
    '',
    "IPv6 gateway of the container; empty: the bridge's address",
  ),
  publish: hostAddresses(
    '*',
    "addresses of this host that forward the ports; '*': all, 'none': no address",
  ),
  dns_forward: list(
    ipAddress(),
    '',
    "upstream resolvers; empty: the container's Unbound resolves recursively, as DNS blocklists require",
  ),
  egress: list(
    destination(),
    '',
    'more destinations that the container may connect to, besides DNS, port 25, the relayhost, dns_forward and, for virus_scan, port 443; * is every public address',
  ),
});
