// Every option there is, in the order of the shipped file. Settings, defaults, checks, the shipped file
// and docs/options.md all come from this table: `npx bun scripts/generate-config.ts` writes the latter two.

import { dns } from './dns-section.ts';
import {
  boolean,
  decimal,
  duration,
  integer,
  oneOf,
  optional,
  orOff,
  port,
  secret,
  sha256,
  size,
  timeOfDay,
} from './kinds.ts';
import {
  containerName,
  domain,
  fileOrUrl,
  hostname,
  interfaceName,
  loginName,
  nexthop,
  ownFolder,
  path,
  peerId,
  recipient,
} from './names.ts';
import { hostAddresses, hostCidr, ipAddress, ipNetwork } from './networks.ts';
import { list, option, required, section } from './option.ts';
import { ssl } from './ssl-section.ts';

/** 2³² − 2·65536: the container's 65536 ids must fit above it, and -1 is no id. */
const MAX_IDMAP_BASE = 4_294_836_224;

const main = section('mailserver', 'The mail server as a whole', {
  enabled: option(boolean(), '0', 'start the mail server when this host starts'),
  hostname: option(
    hostname(),
    'mail',
    'name in EHLO, MX and certificate; without a dot, domain is added',
  ),
  domain: option(domain(), 'example.com', 'first mail domain'),
  postmaster: option(
    recipient(),
    'postmaster',
    'recipient of mail for postmaster and abuse of every domain',
  ),
  data_path: option(
    ownFolder(),
    '/srv/mailserver',
    'folder for all persistent data: mail, accounts, keys',
  ),
  container: option(containerName(), 'mailserver', 'name of the LXC container'),
  image: option(
    optional(fileOrUrl()),
    '',
    'image to install; empty: the installed one, or one built here',
  ),
  image_sha256: option(
    optional(sha256()),
    '',
    'SHA-256 that main.image must have; needed when that is an http:// address',
  ),
  lxc_path: option(
    optional(path()),
    '',
    "folder of LXC's containers; empty: the one of lxc-config",
  ),
  memory: option(size('128M', '1T'), '512M', 'most memory that the container may use'),
  processes: option(integer(64, 32768), '256', 'most processes that the container may have'),
  idmap_base: option(
    integer(65536, MAX_IDMAP_BASE),
    '100000',
    "user id on this host of the container's root; 65536 ids are used",
  ),
});

const network = section('network', 'Network of the container', {
  bridge: option(
    interfaceName(),
    'br-lan',
    'bridge that the container is attached to; made if there is none',
  ),
  address: option(
    optional(hostCidr(4)),
    '',
    'its IPv4 address; empty: 10.82.25.2/24 on a bridge made for it',
  ),
  gateway: option(optional(ipAddress(4)), '', "its IPv4 gateway; empty: the bridge's own address"),
  address6: option(optional(hostCidr(6)), '', 'its IPv6 address; empty: none'),
  gateway6: option(optional(ipAddress(6)), '', "its IPv6 gateway; empty: the bridge's own address"),
  publish: hostAddresses(
    '*',
    "addresses of this host that forward the ports; '*': all, 'none': no address",
  ),
  dns_forward: list(
    ipAddress(),
    '',
    'resolvers to ask; empty: the container resolves by itself, as blocklists require',
  ),
});

const ports = section('ports', 'TCP ports; 0 disables a service', {
  smtp: option(orOff(port()), '25', 'mail from other servers (RFC 5321)'),
  submission: option(orOff(port()), '587', 'mail from own users, STARTTLS required (RFC 6409)'),
  smtps: option(orOff(port()), '465', 'mail from own users, implicit TLS (RFC 8314)'),
  imap: option(orOff(port()), '143', 'IMAP, STARTTLS required before login'),
  imaps: option(orOff(port()), '993', 'IMAP, implicit TLS'),
  pop3: option(orOff(port()), '110', 'POP3, STARTTLS required before login'),
  pop3s: option(orOff(port()), '995', 'POP3, implicit TLS'),
  sieve: option(orOff(port()), '4190', 'ManageSieve, STARTTLS required before login (RFC 5804)'),
});

const features = section('features', 'Parts of the mail server', {
  spam_filter: option(boolean(), '1', 'score mail with Rspamd and file spam under Junk'),
  virus_scan: option(
    boolean(),
    '0',
    'scan mail with ClamAV; needs its own image and 1.5 GB of memory',
  ),
  dkim: option(boolean(), '1', 'sign outgoing mail (RFC 6376)'),
  spf: option(boolean(), '1', 'check the SPF record of the sender domain (RFC 7208)'),
  dmarc: option(boolean(), '1', "follow the sender domain's policy (RFC 7489)"),
  fail2ban: option(boolean(), '1', 'ban addresses after failed logins'),
  quota: option(boolean(), '0', 'limit the size of mailboxes'),
  quota_default: option(size('1M', '1024T'), '1G', 'limit of a mailbox that has none of its own'),
  greylist: option(boolean(), '1', 'defer suspicious mail from unknown servers'),
});

const smtp = section('smtp', 'How mail is sent', {
  relayhost: option(
    optional(nexthop()),
    '',
    'server that takes all mail to the outside, as [host]:port; empty: send directly',
  ),
  relay_user: option(optional(loginName()), '', 'login at the relayhost'),
  relay_password: option(optional(secret()), '', 'password at the relayhost'),
  relay_tls: option(
    optional(oneOf('verify', 'encrypt')),
    '',
    'the relayhost must prove its name (verify), or any certificate will do (encrypt); empty: verify where a password is sent',
  ),
  message_size_limit: option(size('64K', '1G'), '25M', 'largest message, encoded'),
  rate_limit: option(
    orOff(integer(1, 1_000_000)),
    '200',
    'messages that one login may send in an hour, at most half of them by its Sieve script',
  ),
  delay_warning: option(
    orOff(duration('1m', '30d')),
    '4h',
    'notify own users of mail that is deferred for this long',
  ),
  queue_lifetime: option(duration('1h', '60d'), '5d', 'give up and return mail after this time'),
});

const spam = section('spam', 'Scores of the spam filter', {
  junk_score: option(decimal(0, 1000), '6', 'score from which a message is filed under Junk'),
  greylist_score: option(
    decimal(0, 1000),
    '4',
    'score from which a message from an unknown server is deferred',
  ),
  reject_score: option(decimal(0, 1000), '15', 'score from which a message is refused'),
  own_domain_forgery: option(
    oneOf('junk', 'reject', 'accept'),
    'junk',
    'mail from strangers that claims a mail domain of this server without SPF or DKIM to prove it; needs features.spf and features.dkim',
  ),
});

const fail2ban = section('fail2ban', 'Bans after failed logins', {
  max_retry: option(integer(1, 1000), '5', 'number of failures before a ban'),
  find_time: option(duration('1m', '7d'), '10m', 'time within which failures are counted'),
  ban_time: option(duration('1m', '52w'), '1h', 'how long a ban lasts'),
  ignore: list(
    ipNetwork(),
    '',
    "addresses and networks that are never banned; the bridge's own never are",
  ),
});

const webmail = section('webmail', 'The webmail container', {
  enabled: option(boolean(), '1', 'let webmail use this server'),
  container: option(containerName(), 'secubox-webmail', 'its name'),
  port: option(port(), '8026', 'port of its web server on this host'),
});

const report = section('report', 'The daily report', {
  enabled: option(boolean(), '1', 'send the report if something has changed since the last one'),
  to: option(optional(recipient()), '', 'recipient; empty: the postmaster'),
  time: option(timeOfDay(), '06:30', 'when it is made, in the time of this host'),
});

const mesh = section('mesh', 'Backups on other routers', {
  enabled: option(boolean(), '0', 'send backups to the peers automatically'),
  backup_peers: list(peerId(), '', 'peers that keep a backup'),
  sync_interval: option(duration('1m', '30d'), '3600', 'time between two backups'),
});

export const OPTIONS = {
  main: required(main),
  network,
  ports,
  features,
  smtp,
  spam,
  fail2ban,
  dns,
  ssl,
  webmail,
  report,
  mesh,
};
