// The options of the section `dns`: which records are published and how, and the resolvers that check them.

import { dnsName, hostLabel, serverAddress, spfRecord, tsigSecret } from './dns-kinds.ts';
import { boolean, duration, oneOf, optional, port } from './kinds.ts';
import { domain, interfaceName, recipient } from './names.ts';
import { ipAddress } from './networks.ts';
import { list, option, section } from './option.ts';

export const dns = section('dns', 'Published DNS records', {
  provider: option(
    oneOf('auto', 'dnsctl', 'ovh', 'gandi', 'cloudflare', 'rfc2136', 'none'),
    'auto',
    "how records are published; auto: by dnsctl, and by the provider's API where dnsctl cannot; dnsctl: by dnsctl alone; ovh, gandi, cloudflare: by that API alone; rfc2136: by dynamic updates to your own DNS server; none: by hand",
  ),
  server: option(
    optional(serverAddress()),
    '',
    'for rfc2136: address of the DNS server that accepts the updates',
  ),
  server_port: option(port(), '53', 'for rfc2136: port of the DNS server'),
  tsig_name: option(optional(dnsName()), '', 'for rfc2136: name of the TSIG key'),
  tsig_algorithm: option(
    oneOf('hmac-sha256', 'hmac-sha384', 'hmac-sha512', 'hmac-sha224', 'hmac-sha1', 'hmac-md5'),
    'hmac-sha256',
    'for rfc2136: algorithm of the TSIG key',
  ),
  tsig_secret: option(optional(tsigSecret()), '', 'for rfc2136: the TSIG key, in Base64'),
  resolver: list(
    serverAddress(),
    '',
    'resolvers that check the published records; empty: those of this host (/etc/resolv.conf)',
  ),
  public_address: list(
    ipAddress(),
    '',
    'public addresses of this server; empty: those of the WAN interface',
  ),
  wan_interface: option(interfaceName(), 'wan', 'OpenWrt interface that has the public addresses'),
  wan6_interface: option(
    interfaceName(),
    'wan6',
    'OpenWrt interface that has the public IPv6 addresses, if different',
  ),
  spf: option(
    optional(spfRecord()),
    '',
    "SPF record of the mail domains; empty: 'v=spf1 mx a:HOSTNAME ~all'",
  ),
  dmarc_policy: option(
    oneOf('none', 'quarantine', 'reject'),
    'none',
    'DMARC policy: what receivers do with mail from your domains that fails DMARC',
  ),
  dmarc_rua: option(
    optional(recipient()),
    '',
    "recipient of DMARC and TLS reports; empty: each domain's postmaster",
  ),
  dkim_selector: option(hostLabel(), 'mail', 'DKIM selector of a new mail domain'),
  dkim_bits: option(
    oneOf('2048', '3072', '4096'),
    '2048',
    'size of new RSA keys for DKIM; present keys change with mailctl dkim rotate',
  ),
  dkim_ed25519: option(
    boolean(),
    '0',
    'a second DKIM signature with Ed25519 (RFC 8463) beside RSA; takes effect for new domains, for others with mailctl dkim rotate',
  ),
  dkim_grace: option(duration('1h', '90d'), '7d', 'how long a replaced DKIM key stays published'),
  mta_sts: option(
    oneOf('none', 'testing', 'enforce'),
    'none',
    'MTA-STS policy: senders verify the TLS certificate (RFC 8461)',
  ),
  tls_rpt: option(boolean(), '1', 'request TLS reports from senders (RFC 8460)'),
  caa: option(
    boolean(),
    '1',
    'CAA record: only the CA in use may issue for the hostname (RFC 8659)',
  ),
  ttl: option(duration('1m', '7d'), '3600', 'TTL of the records'),
  blocklists: list(domain(), '', 'DNS blocklists in which dns-check looks for the public address'),
});
