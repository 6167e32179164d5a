// The meaning of each exit status, for the help of every command: one text for each ending.

import { type ErrorCode, type ExitStatus, STATUS, statusOfCode } from '../errors.ts';

/** Endings without an error: the result has the details. */
const OUTCOME_STATUS = {
  DAMAGED_LINES: STATUS.PARTIAL,
  DEGRADED: STATUS.PARTIAL,
  FAULTS_FOUND: STATUS.PARTIAL,
  LEFT_OUT: STATUS.PARTIAL,
  LEFT_OUT_FILES: STATUS.PARTIAL,
  MESSAGE_REFUSED: STATUS.PARTIAL,
  NOT_SERVED: STATUS.PARTIAL,
  PORTS_ELSEWHERE: STATUS.PARTIAL,
  WOULD_CHANGE: STATUS.PARTIAL,
  STOPPED: STATUS.UNAVAILABLE,
  NOT_DELIVERED_YET: STATUS.TRY_AGAIN,
} as const;

export type Ending = ErrorCode | keyof typeof OUTCOME_STATUS;

const MEANING: Readonly<Record<Ending, string>> = {
  DAMAGED_LINES: 'a file of the accounts has invalid lines, named on stderr; the rest is shown',
  DEGRADED: 'degraded: running with faults',
  FAULTS_FOUND: 'something is wrong or missing; an inconclusive check does not count',
  LEFT_OUT: '--skip-invalid: some records were left out, named on stderr',
  LEFT_OUT_FILES: 'some files or peers were left out; the result names them',
  MESSAGE_REFUSED: 'refused or bounced; the reason is shown',
  NOT_SERVED: 'the certificate is installed, but not every port serves it',
  PORTS_ELSEWHERE: 'the firewall forwards a port to another host; the redirect is named',
  WOULD_CHANGE: '--check: something would change',
  STOPPED: 'stopped, or not installed',
  NOT_DELIVERED_YET: 'not delivered yet: deferred, or nothing known within --timeout',
  USAGE: 'the command line is wrong',
  NO_TERMINAL: 'a password or value is needed, and there is no terminal to ask for it',
  NOT_CONFIRMED: 'not confirmed: no --yes and no terminal',
  ADDRESS_INVALID: 'an address or a domain is wrong',
  PASSWORD_INVALID: 'the password or its hash is wrong',
  QUOTA_INVALID: 'the quota is wrong',
  NAME_INVALID: 'the display name is wrong',
  DIRECTION_INVALID: 'the direction is wrong, or the postmaster would receive no mail',
  LIMIT_INVALID: 'the limit is wrong',
  APP_PASSWORD_INVALID: 'the name or use of the app password is wrong, or there are too many',
  MAILBOX_EXISTS: 'the address has a mailbox already',
  ALIAS_EXISTS: 'the address is an alias already',
  ALIAS_INVALID: 'the alias would have no target or form a loop',
  ALIAS_IN_USE: 'an alias depends on it',
  DOMAIN_EXISTS: 'the domain exists already, as an alias of another',
  DOMAIN_IN_USE: 'the domain is still in use',
  DOMAIN_LIMIT: 'a limit of the domain is reached',
  DATA_INVALID: 'what was given, or a file of the state, is damaged',
  DIRECTORY_INVALID: 'a file of the accounts has an invalid line',
  IMPORT_INVALID: 'the list has errors; all are named, nothing was changed',
  IMAGE_INVALID: 'the image is damaged or made for another machine',
  ARCHIVE_INVALID: 'an archive or manifest is damaged, or not the one that was stored',
  RECOVERY_KEY_WRONG: 'the recovery key does not open the archive, or is no recovery key',
  CERTIFICATE_INVALID: 'the certificate or its key cannot be used',
  DKIM_KEY_INVALID: 'a DKIM key is missing or damaged',
  DNS_ZONE_UNFIT: 'a zone is not registered, or not in the account at the DNS provider',
  MAILBOX_UNKNOWN: 'no such mailbox',
  ALIAS_UNKNOWN: 'no such alias or target',
  DOMAIN_UNKNOWN: 'no such mail domain',
  MESSAGE_UNKNOWN: 'no such message',
  PEER_UNKNOWN: 'no such peer',
  BACKUP_UNKNOWN: 'no such backup',
  APP_PASSWORD_UNKNOWN: 'no such app password',
  SELECTOR_UNKNOWN: 'no such key',
  RECOVERY_KEY_MISSING: 'there is no recovery key: mailctl mesh enable makes it',
  NOT_INSTALLED: 'not installed',
  NOT_RUNNING: 'not running',
  PROGRAM_MISSING: 'a program is missing',
  PROGRAM_FAILED: 'a program failed',
  FILE_FAILED: 'a file cannot be read or written',
  HOST_UNFIT: 'this host misses a requirement; all are listed',
  PORT_TAKEN: 'a port is taken by another program',
  PLACE_CHANGED: 'the server has another data folder, id range or container; nothing was changed',
  IMAGE_MISSING: 'no image, and none can be built on this host',
  SIGNATURES_MISSING: 'features.virus_scan is 1, and there are no virus signatures yet',
  PEER_REFUSED: 'a peer refuses, or gives an answer that cannot be right',
  PEER_CHANGED: 'a peer has another key than the one that was added',
  CONNECTION_FAILED: 'no connection to the server',
  ADDRESS_UNKNOWN: 'no public address is known',
  DNS_PROVIDER_UNFIT: 'dns.provider cannot publish the records',
  ACME_REFUSED: 'the CA refuses',
  DNS_DENIED: 'the DNS provider does not accept the credentials',
  DNS_REFUSED: 'the DNS provider refuses a record',
  DNS_BY_HAND: 'records must be entered by hand; they are printed',
  PROBE_FAILED: 'a probe failed; the last good configuration, if any, is in use again',
  CHANGES_PENDING: 'a change has not been applied yet',
  PARTLY_DONE: 'partly done; the result says what',
  PEER_AWAY: 'a peer cannot be reached now',
  DNS_NOT_VISIBLE: 'the records are not visible at every server yet',
  DNS_DISAGREES: 'the DNS servers disagree',
  DNS_UNREACHABLE: 'no DNS server answers',
  ACME_UNREACHABLE: 'the CA cannot be reached',
  ACME_LIMITED: 'rate limit of the CA, or pause after a failed attempt',
  DKIM_BUSY: 'a rotation is still running',
  DKIM_OFF: 'features.dkim is 0',
  CERTIFICATE_WAITS: 'a new key waits until its TLSA record has been visible for two TTLs',
  CONFIG_CHANGED: 'main.container has changed: restart mailctl serve',
  CLOCK_UNSET: 'the clock is not set',
  LOCKED: 'locked by another mailctl',
  TIMED_OUT: 'timed out',
  NOT_ROOT: 'root is required',
  CONFIG_INVALID: 'the UCI file is invalid or missing; nothing was changed',
  INTERRUPTED: 'interrupted',
};

function statusOf(ending: Ending): ExitStatus {
  return ending in OUTCOME_STATUS
    ? OUTCOME_STATUS[ending as keyof typeof OUTCOME_STATUS]
    : statusOfCode(ending as ErrorCode);
}

/** What a status means for any command. */
const GENERAL: Readonly<Record<ExitStatus, string>> = {
  [STATUS.OK]: 'done, or no change',
  [STATUS.PARTIAL]: 'partly done, or something was found; the result says what',
  [STATUS.USAGE]: 'the command line is wrong',
  [STATUS.DATA]: 'the data given is wrong',
  [STATUS.NO_SUCH]: 'no such mailbox, alias, domain, message or key',
  [STATUS.UNAVAILABLE]: 'not installed, not running, or a program or service is missing',
  [STATUS.BUG]: 'internal error: repeat with --debug and report it',
  [STATUS.TRY_AGAIN]: 'try again later',
  [STATUS.NOT_ROOT]: 'root is required',
  [STATUS.CONFIG]: 'the UCI file is invalid or missing; nothing was changed',
  [STATUS.INTERRUPTED]: 'interrupted',
};

/** One line for each status. */
export function allStatuses(): string[] {
  return Object.entries(GENERAL).map(([status, meaning]) => `  ${status.padEnd(4)}${meaning}`);
}

/** One line for each ending, ordered by status; only the first line of a status shows it. */
export function formatStatuses(endings: readonly Ending[]): string[] {
  const sorted = [...new Set(endings)].sort((a, b) => statusOf(a) - statusOf(b));
  const lines = sorted.map((ending, index) => {
    const before = sorted[index - 1];
    const first = before === undefined || statusOf(before) !== statusOf(ending);
    return `  ${(first ? String(statusOf(ending)) : '').padEnd(4)}${MEANING[ending]}`;
  });
  return [`  0   ${GENERAL[STATUS.OK]}`, ...lines];
}
