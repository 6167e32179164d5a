// Every option, in the order of the shipped file. Settings, defaults, checks, the shipped file and
// docs/options.md are derived from this table; `npx bun scripts/generate-config.ts` writes the last two.

import { dns } from './dns-section.ts';
import { firewall } from './firewall-section.ts';
import {
  boolean,
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
import { mesh } from './mesh-section.ts';
import {
  containerName,
  domain,
  fileOrUrl,
  hostname,
  loginName,
  nexthop,
  ownFolder,
  path,
  recipient,
} from './names.ts';
import { network } from './network-section.ts';
import { ipNetwork } from './networks.ts';
import { list, option, required, section } from './option.ts';
import { spam } from './spam-section.ts';
import { ssl } from './ssl-section.ts';
import { MAX_IDMAP_BASE, web } from './web-section.ts';

const main = section('mailserver', 'The mail server as a whole', {
  enabled: option(boolean(), '0', 'start the mail server when this host starts'),
  hostname: option(
    hostname(),
    'mail',
    'name in EHLO, MX and certificate; a name without a dot is completed with domain',
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
    'image to install; empty: the installed image, or one built on this host',
  ),
  image_sha256: option(
    optional(sha256()),
    '',
    'SHA-256 of main.image; required for an http:// address',
  ),
  lxc_path: option(
    optional(path()),
    '',
    'folder of the LXC containers; empty: as lxc-config reports',
  ),
  memory: option(size('128M', '1T'), '640M', 'memory limit of the container'),
  processes: option(integer(64, 32768), '256', 'process limit of the container'),
  idmap_base: option(
    integer(65536, MAX_IDMAP_BASE),
    '100000',
    "first of the 65536 user ids of the container on this host; the container's root has this id",
  ),
});

const ports = section('ports', 'TCP ports; 0 disables a service', {
  smtp: option(orOff(port()), '25', 'mail from other servers (RFC 5321)'),
  submission: option(
    orOff(port()),
    '587',
    'submission by accounts of this server, STARTTLS required (RFC 6409)',
  ),
  smtps: option(
    orOff(port()),
    '465',
    'submission by accounts of this server, implicit TLS (RFC 8314)',
  ),
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
  dmarc: option(
    boolean(),
    '1',
    "apply the sender domain's DMARC policy (RFC 7489); requires spf and dkim",
  ),
  fail2ban: option(boolean(), '1', 'ban addresses after failed logins'),
  quota: option(boolean(), '0', 'limit the size of mailboxes'),
  quota_default: option(size('1M', '1024T'), '1G', 'limit of a mailbox without its own limit'),
  greylist: option(boolean(), '1', 'defer suspicious mail from unknown servers'),
  srs: option(
    boolean(),
    '1',
    'rewrite the envelope sender of forwarded mail (SRS), so that it passes SPF and its bounces return',
  ),
});

const smtp = section('smtp', 'Outbound mail and limits', {
  relayhost: option(
    optional(nexthop()),
    '',
    'relayhost for all outbound mail, as [host]:port; empty: deliver directly',
  ),
  relay_user: option(optional(loginName()), '', 'login name at the relayhost'),
  relay_password: option(optional(secret()), '', 'password at the relayhost'),
  relay_tls: option(
    optional(oneOf('verify', 'encrypt')),
    '',
    "verify: check the relayhost's certificate; encrypt: require TLS, accept any certificate; empty: verify if relay_user is set",
  ),
  message_size_limit: option(
    size('64K', '1G'),
    '25M',
    'largest message, measured as transmitted (encoded)',
  ),
  rate_limit: option(
    orOff(integer(1, 1_000_000)),
    '200',
    'messages per hour that one login may send; at most half of them by its Sieve script',
  ),
  delay_warning: option(
    orOff(duration('1m', '30d')),
    '4h',
    'notify the sending account of mail that is deferred for this long',
  ),
  queue_lifetime: option(
    duration('1h', '60d'),
    '5d',
    'bounce mail that is still deferred after this time',
  ),
});

const fail2ban = section('fail2ban', 'Bans after failed logins', {
  max_retry: option(integer(1, 1000), '5', 'number of failures before a ban'),
  find_time: option(duration('1m', '7d'), '10m', 'period in which failures are counted'),
  ban_time: option(duration('1m', '52w'), '1h', 'duration of a ban'),
  ignore: list(
    ipNetwork(),
    '',
    "addresses and networks that are never banned, in addition to the bridge's networks",
  ),
});

const webmail = section('webmail', 'Webmail', {
  enabled: option(boolean(), '1', 'offer webmail where the web container runs'),
  container: option(
    containerName(),
    'secubox-webmail',
    'name of the web container, or of an existing LXC or Docker container with Roundcube',
  ),
  port: option(port(), '8026', 'second HTTPS port of the web container'),
});

const report = section('report', 'The daily report', {
  enabled: option(boolean(), '1', 'send the report if something has changed since the last one'),
  to: option(optional(recipient()), '', 'recipient; empty: the postmaster'),
  time: option(timeOfDay(), '06:30', 'time of day of the report, in the time zone of this host'),
});

export const OPTIONS = {
  main: required(main),
  network,
  ports,
  features,
  smtp,
  spam,
  fail2ban,
  firewall,
  dns,
  ssl,
  web,
  webmail,
  report,
  mesh,
};
