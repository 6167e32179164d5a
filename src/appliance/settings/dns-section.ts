// The rows of the section `dns`: which records are published, how, and the resolvers that check them.

import { dnsName, hostLabel, serverAddress, spfRecord, tsigSecret } from './dns-kinds.ts';
import { boolean, duration, oneOf, optional, port } from './kinds.ts';
import { domain, interfaceName, recipient } from './names.ts';
import { ipAddress } from './networks.ts';
import { list, option, section } from './option.ts';

export const dns = section('dns', 'Published DNS records', {
  provider: option(
    oneOf('auto', 'dnsctl', 'ovh', 'gandi', 'cloudflare', 'rfc2136', 'none'),
    'auto',
    "how records are published: by dnsctl and, for what it cannot, by the provider's API (auto); by dnsctl alone; by the API of ovh, gandi or cloudflare alone; by updates of an own server (rfc2136); by hand (none)",
  ),
  server: option(
    optional(serverAddress()),
    '',
    'for rfc2136: address of the server that takes the updates',
  ),
  server_port: option(port(), '53', 'for rfc2136: its port'),
  tsig_name: option(optional(dnsName()), '', 'for rfc2136: name of the key that signs the updates'),
  tsig_algorithm: option(
    oneOf('hmac-sha256', 'hmac-sha384', 'hmac-sha512', 'hmac-sha224', 'hmac-sha1', 'hmac-md5'),
    'hmac-sha256',
    'for rfc2136: its algorithm',
  ),
  tsig_secret: option(optional(tsigSecret()), '', 'for rfc2136: the key, in Base64'),
  resolver: list(
    serverAddress(),
    '',
    "resolvers for checks of the published records; empty: this host's own (/etc/resolv.conf)",
  ),
  public_address: list(
    ipAddress(),
    '',
    'public addresses of this server; empty: those of the WAN interface',
  ),
  wan_interface: option(
    interfaceName(),
    'wan',
    'OpenWrt interface whose addresses are the public ones',
  ),
  wan6_interface: option(
    interfaceName(),
    'wan6',
    'OpenWrt interface that has the public IPv6 addresses, where it is another one',
  ),
  spf: option(
    optional(spfRecord()),
    '',
    "who may send for the domains; empty: 'v=spf1 mx a:HOSTNAME ~all'",
  ),
  dmarc_policy: option(
    oneOf('none', 'quarantine', 'reject'),
    'none',
    'what others should do with mail that fails DMARC',
  ),
  dmarc_rua: option(
    optional(recipient()),
    '',
    "recipient of DMARC and TLS reports; empty: each domain's postmaster",
  ),
  dkim_selector: option(hostLabel(), 'mail', "name of a new domain's DKIM key"),
  dkim_grace: option(
    duration('1h', '90d'),
    '7d',
    'how long a DKIM key stays published after another one has taken over',
  ),
  mta_sts: option(
    oneOf('none', 'testing', 'enforce'),
    'none',
    'ask senders for TLS with a certificate that is checked (RFC 8461)',
  ),
  tls_rpt: option(boolean(), '1', 'ask senders for reports on TLS (RFC 8460)'),
  caa: option(boolean(), '1', "let the CA in use alone issue for the server's name (RFC 8659)"),
  ttl: option(duration('1m', '7d'), '3600', 'TTL of the records'),
  blocklists: list(domain(), '', 'DNS blocklists in which dns-check looks for the public address'),
});
