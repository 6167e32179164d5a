// The options of the section `firewall`: what the router's own firewall and its LAN resolver do for the server.

import { boolean, oneOf } from './kinds.ts';
import { list, option, section } from './option.ts';

export const firewall = section(
  'firewall',
  "The router's own firewall and names (mailctl firewall-setup)",
  {
    services: list(
      oneOf(
        ...(['smtp', 'smtps', 'submission', 'imaps', 'imap', 'pop3', 'pop3s', 'sieve'] as const),
        ...(['https', 'http'] as const),
      ),
      'smtp smtps submission imaps https http',
      'services that are reachable from the WAN: those of section ports, and https and http of section web',
    ),
    split_horizon: option(
      boolean(),
      '1',
      "the LAN's dnsmasq answers the hostname with the container's address, so that LAN clients connect directly",
    ),
  },
);
