// The placeholders of Postfix's templates, and its files.

import {
  FORWARD_PORT,
  SIEVE_SIGNING_PORT,
  SIEVE_SUBMISSION_PORT,
} from '../settings/inner-ports.ts';
import { textsOf } from '../settings/senders.ts';
import type { Settings } from '../settings/settings.ts';
import type { Facts } from './facts.ts';
import { cidrTable, inlineTable } from './inline-table.ts';
import type { ManagedFile } from './managed-file.ts';
import { signsWithEd25519 } from './opendkim.ts';
import { hasCredentials, relayCredentials, relayValues } from './relay.ts';
import { smtpSessions } from './sessions.ts';

/** The address of the probe message of `mailctl apply`; only the host can log in to it. */
export const PROBE_ADDRESS = 'probe@probe.invalid';

const RSPAMD = 'unix:/run/rspamd/milter.sock';
const OPENDKIM = 'unix:/run/opendkim/milter.sock';
const DENIED_SENDER = '550 5.7.1 Mail from this sender is not accepted here';
const DENIED_NETWORK = '550 5.7.1 Mail from this network is not accepted here';
const OPENDKIM_ED25519 = 'unix:/run/opendkim/ed25519.sock';
const DAY = 86_400;
/** Postfix's default: the maximum number of recipients of one message. */
const MOST_RECIPIENTS = 1000;

/** Filters for mail from other servers. Rspamd verifies DKIM signatures. */
function smtpMilters({ features, spam }: Settings): string {
  const { spamFilter, virusScan, spf, dkim, dmarc } = features;
  const denies = spam.deny.length > 0;
  return spamFilter || virusScan || spf || dkim || dmarc || denies ? RSPAMD : '';
}

/** Always with Rspamd, which compares header From with the login; OpenDKIM signs last. */
function submissionMilters(settings: Settings): string {
  return [RSPAMD, ...signingMilters(settings)].join(', ');
}

function signingMilters(settings: Settings): string[] {
  if (!settings.features.dkim) return [];
  return signsWithEd25519(settings) ? [OPENDKIM, OPENDKIM_ED25519] : [OPENDKIM];
}

/**
 * The first fields of the listeners in master.cf. A disabled listener has the service `<name>-off`, which
 * master_service_disable lists.
 */
function listeners({ ports }: Settings): Record<string, string> {
  const wanted = { smtp: ports.smtp, submission: ports.submission, submissions: ports.smtps };
  const values: Record<string, string> = {};
  const disabled: string[] = [];
  for (const [name, port] of Object.entries(wanted)) {
    const off = `${name}-off`;
    values[`${name}_service`] = port === null ? off : String(port);
    if (port === null) disabled.push(`${off}/inet`);
  }
  return { ...values, disabled_services: disabled.join(' ') };
}

/** The text as a PCRE that matches only this text. */
function literalPattern(text: string): string {
  return text.replace(/[^A-Za-z0-9]/g, '\\$&');
}

/** Empty without SRS: forwarded mail then takes no other way than mail of our users. */
function forwardValues({ main, features }: Settings): Record<string, string> {
  const { srs } = features;
  return {
    srs_domain_pattern: literalPattern(main.domain),
    srs_alias_maps: srs ? '$srs_recipient_maps' : '',
    srs_check: srs ? 'check_recipient_access pcre:/etc/postfix/maps/srs_access.pcre,' : '',
    forward_transport_maps: srs ? '$directory/forward.cf' : '',
    forward_port: String(FORWARD_PORT),
    forward_milters: RSPAMD,
  };
}

/** The host's addresses in the form of Postfix's mynetworks. */
function hostAddresses({ gateway, gateway6 }: Facts): string {
  return [gateway, ...(gateway6 === null ? [] : [`[${gateway6}]`])].join(', ');
}

/** A restriction of Postfix, or nothing without a table. */
const restriction = (check: string, table: string): string[] =>
  table === '' ? [] : [`${check} ${table}`];

function unwantedValues({ spam }: Settings, { gateway, gateway6 }: Facts): Record<string, string> {
  const client = (table: string) => restriction('check_client_access', table);
  const clients = [
    ...client(cidrTable(textsOf(spam.deny, 'network'), DENIED_NETWORK)),
    ...(spam.missingRdns === 'accept'
      ? []
      : [
          ...client(cidrTable(textsOf(spam.allow, 'network'), 'OK')),
          'reject_unknown_reverse_client_hostname',
        ]),
  ];
  const own = [gateway, ...(gateway6 === null ? [] : [gateway6]), '127.0.0.1'];
  const host = client(inlineTable(own.map((address) => [address, 'OK'])));
  const denied = textsOf(spam.deny, 'address', 'domain');
  const senders = inlineTable(denied.map((sender) => [sender, DENIED_SENDER]));
  return {
    mx_client_restrictions: clients.length === 0 ? '' : [...host, ...clients].join(', '),
    mx_sender_restrictions: restriction('check_sender_access', senders).join(''),
    mx_peername_lookup: spam.missingRdns === 'accept' ? 'no' : 'yes',
  };
}

function sessionValues({ main }: Settings): Record<string, string> {
  const sessions = smtpSessions(main.memory);
  return {
    smtp_processes: String(sessions.processes),
    submission_processes: String(sessions.submissionProcesses),
    sessions_per_address: String(sessions.perAddress),
    submissions_per_address: String(sessions.perSubmittingAddress),
  };
}

export function postfixValues(settings: Settings, facts: Facts): Record<string, string> {
  const { main, smtp, features } = settings;
  return {
    hostname: main.hostname,
    hostname_pattern: literalPattern(main.hostname),
    postmaster: main.postmaster,
    gateway: facts.gateway,
    event_limit_exceptions: hostAddresses(facts),
    inet_protocols: facts.hasIpv6 ? 'all' : 'ipv4',
    probe_address: PROBE_ADDRESS,
    probe_domain: PROBE_ADDRESS.slice(PROBE_ADDRESS.indexOf('@') + 1),
    ...listeners(settings),
    ...sessionValues(settings),
    smtp_milters: smtpMilters(settings),
    submission_milters: submissionMilters(settings),
    sieve_milters: RSPAMD,
    sieve_submission_port: String(SIEVE_SUBMISSION_PORT),
    sieve_signing_port: String(SIEVE_SIGNING_PORT),
    operator_milters: signingMilters(settings).join(', '),
    // without Dovecot, RCPT is accepted: the delivery over LMTP checks the quota again
    quota_check: features.quota
      ? 'check_policy_service { unix:/run/dovecot/quota-status, timeout=10s, default_action=DUNNO }'
      : 'permit',
    recipient_limit: String(Math.min(smtp.rateLimit ?? MOST_RECIPIENTS, MOST_RECIPIENTS)),
    message_size_limit: String(smtp.messageSizeLimit),
    delay_warning: String(smtp.delayWarning ?? 0),
    queue_lifetime: String(smtp.queueLifetime),
    notice_lifetime: String(Math.min(smtp.queueLifetime, DAY)),
    ...relayValues(settings),
    ...unwantedValues(settings, facts),
    ...forwardValues(settings),
  };
}

const reload = { reload: 'postfix' } as const;

function map(name: string): ManagedFile {
  return { path: `/etc/postfix/maps/${name}`, owner: 'root', mode: 0o644, on_change: reload };
}

export const postfixFiles: readonly ManagedFile[] = [
  {
    path: '/etc/postfix/main.cf',
    owner: 'root',
    mode: 0o644,
    on_change: reload,
    append: 'postfix-main.cf',
  },
  { path: '/etc/postfix/master.cf', owner: 'root', mode: 0o644, on_change: reload },
  map('alias.cf'),
  map('backscatter.cf'),
  map('domain.cf'),
  map('forward.cf'),
  map('forward_headers.pcre'),
  map('hostname.cf'),
  map('mailbox.cf'),
  map('mx_headers.pcre'),
  map('receive_only.cf'),
  map('send_only.cf'),
  map('sender.cf'),
  map('sieve_replies.pcre'),
  map('srs_access.pcre'),
  map('srs_address.pcre'),
  map('submission_headers.pcre'),
  {
    path: '/etc/postfix/sasl_passwd',
    owner: 'root',
    mode: 0o600,
    on_change: reload,
    when: hasCredentials,
    rows: relayCredentials,
    secret: true,
  },
  {
    path: '/etc/s6/services/postfix/run',
    owner: 'root',
    mode: 0o755,
    on_change: { restart: 'postfix' },
  },
];
