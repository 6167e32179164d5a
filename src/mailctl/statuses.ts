// What each exit status means, for the help of every word: one text for each way in which a word can end.

import { type ErrorCode, type ExitStatus, STATUS, statusOfCode } from '../errors.ts';

/** Ends that are no errors: the result says what was found. */
const OUTCOME_STATUS = {
  DAMAGED_LINES: STATUS.PARTIAL,
  DEGRADED: STATUS.PARTIAL,
  FAULTS_FOUND: STATUS.PARTIAL,
  LEFT_OUT: STATUS.PARTIAL,
  MESSAGE_REFUSED: STATUS.PARTIAL,
  NOT_SERVED: STATUS.PARTIAL,
  WOULD_CHANGE: STATUS.PARTIAL,
  STOPPED: STATUS.UNAVAILABLE,
  NOT_DELIVERED_YET: STATUS.TRY_AGAIN,
} as const;

export type Ending = ErrorCode | keyof typeof OUTCOME_STATUS;

const MEANING: Readonly<Record<Ending, string>> = {
  DAMAGED_LINES: 'a file of the accounts has broken lines, named on stderr; the rest is shown',
  DEGRADED: 'it runs, but not all of it: degraded',
  FAULTS_FOUND: 'something is wrong or missing; an inconclusive check does not count',
  LEFT_OUT: '--skip-invalid: some records were left out, named on stderr',
  MESSAGE_REFUSED: 'refused or bounced; the reason is shown',
  NOT_SERVED: 'the certificate is installed, but not every port serves it',
  WOULD_CHANGE: '--check: something would change',
  STOPPED: 'stopped, or not installed',
  NOT_DELIVERED_YET: 'not delivered yet: deferred, or nothing known within --timeout',
  USAGE: 'the command line is wrong',
  NO_TERMINAL: 'a password is needed, and there is no terminal',
  NOT_CONFIRMED: 'not confirmed: no --yes and no terminal',
  ADDRESS_INVALID: 'an address or a domain is wrong',
  PASSWORD_INVALID: 'the password or its hash is wrong',
  QUOTA_INVALID: 'the quota is wrong',
  MAILBOX_EXISTS: 'the address has a mailbox already',
  ALIAS_EXISTS: 'the address is an alias already',
  ALIAS_INVALID: 'the alias would lead nowhere or in a circle',
  ALIAS_IN_USE: 'an alias depends on it',
  DOMAIN_EXISTS: 'the domain exists already, as an alias of another',
  DOMAIN_IN_USE: 'the domain is still in use',
  DATA_INVALID: 'what was given, or a file of the state, is damaged',
  DIRECTORY_INVALID: 'a file of the accounts has a broken line',
  IMPORT_INVALID: 'the list has faults; all are named, nothing was changed',
  IMAGE_INVALID: 'the image is damaged or made for another machine',
  CERTIFICATE_INVALID: 'the certificate or its key cannot be used',
  DKIM_KEY_INVALID: 'a DKIM key is missing or damaged',
  DNS_ZONE_UNFIT: 'a zone is not registered, or not in the hands of dnsctl',
  MAILBOX_UNKNOWN: 'no such mailbox',
  ALIAS_UNKNOWN: 'no such alias or target',
  DOMAIN_UNKNOWN: 'no such mail domain',
  MESSAGE_UNKNOWN: 'no such message',
  SELECTOR_UNKNOWN: 'no such key',
  NOT_INSTALLED: 'not installed',
  NOT_RUNNING: 'not running',
  PROGRAM_MISSING: 'a program is missing',
  PROGRAM_FAILED: 'a program failed',
  FILE_FAILED: 'a file cannot be read or written',
  HOST_UNFIT: 'this host lacks something; every lack is listed',
  PORT_TAKEN: 'a port is taken by another program',
  IMAGE_MISSING: 'there is no image, and none can be built here',
  CONNECTION_FAILED: 'no connection to the server',
  ADDRESS_UNKNOWN: 'no public address is known',
  DNS_PROVIDER_UNFIT: 'the DNS cannot be changed from here',
  ACME_REFUSED: 'the CA refuses',
  DNS_DENIED: 'the DNS provider does not accept the credentials',
  DNS_REFUSED: 'the DNS provider refuses a record',
  DNS_BY_HAND: 'something in the DNS must be done by hand; it is printed',
  PROBE_FAILED: 'it does not answer as it should; a last good configuration is back in force',
  CHANGES_PENDING: 'something has not been applied',
  PARTLY_DONE: 'partly done; the result says what',
  DNS_NOT_VISIBLE: 'the records are not visible at every server yet',
  DNS_DISAGREES: 'the DNS servers disagree',
  DNS_UNREACHABLE: 'no DNS server answers',
  ACME_UNREACHABLE: 'the CA cannot be reached',
  ACME_LIMITED: 'the CA limits how often it is asked, or a failed attempt is too recent',
  DKIM_BUSY: 'a rotation is still going on',
  DKIM_OFF: 'features.dkim is 0',
  CERTIFICATE_WAITS: 'a new key waits until its TLSA record is old enough',
  CONFIG_CHANGED: 'main.container was changed: start it again',
  CLOCK_UNSET: 'the clock is not set',
  LOCKED: 'locked by another mailctl',
  TIMED_OUT: 'timed out',
  NOT_ROOT: 'not root',
  CONFIG_INVALID: 'the UCI file is wrong, or there is none; nothing was changed',
  INTERRUPTED: 'interrupted',
};

function statusOf(ending: Ending): ExitStatus {
  return ending in OUTCOME_STATUS
    ? OUTCOME_STATUS[ending as keyof typeof OUTCOME_STATUS]
    : statusOfCode(ending as ErrorCode);
}

/** One line an ending, in the order of the statuses; the status stands on its first line alone. */
export function formatStatuses(endings: readonly Ending[]): string[] {
  const sorted = [...new Set(endings)].sort((a, b) => statusOf(a) - statusOf(b));
  const lines = sorted.map((ending, index) => {
    const before = sorted[index - 1];
    const first = before === undefined || statusOf(before) !== statusOf(ending);
    return `  ${(first ? String(statusOf(ending)) : '').padEnd(4)}${MEANING[ending]}`;
  });
  return ['  0   done, or already so', ...lines];
}
