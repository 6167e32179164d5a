// Errors that an operator can act on: a code for scripts, a sentence, and a command as hint. One table maps
// codes to exit statuses (sysexits.h). Any other thrown value is a bug.

export const STATUS = {
  OK: 0,
  PARTIAL: 1,
  USAGE: 64,
  DATA: 65,
  NO_SUCH: 67,
  UNAVAILABLE: 69,
  BUG: 70,
  TRY_AGAIN: 75,
  NOT_ROOT: 77,
  CONFIG: 78,
  INTERRUPTED: 130,
} as const;

const STATUS_OF = {
  USAGE: STATUS.USAGE,
  NO_TERMINAL: STATUS.USAGE,
  NOT_CONFIRMED: STATUS.USAGE,
  ADDRESS_INVALID: STATUS.USAGE,
  PASSWORD_INVALID: STATUS.USAGE,
  QUOTA_INVALID: STATUS.USAGE,
  NAME_INVALID: STATUS.USAGE,
  DIRECTION_INVALID: STATUS.USAGE,
  LIMIT_INVALID: STATUS.USAGE,
  APP_PASSWORD_INVALID: STATUS.USAGE,
  MAILBOX_EXISTS: STATUS.USAGE,
  ALIAS_EXISTS: STATUS.USAGE,
  ALIAS_INVALID: STATUS.USAGE,
  ALIAS_IN_USE: STATUS.USAGE,
  DOMAIN_EXISTS: STATUS.USAGE,
  DOMAIN_IN_USE: STATUS.USAGE,
  DOMAIN_LIMIT: STATUS.USAGE,
  DATA_INVALID: STATUS.DATA,
  DIRECTORY_INVALID: STATUS.DATA,
  IMPORT_INVALID: STATUS.DATA,
  IMAGE_INVALID: STATUS.DATA,
  ARCHIVE_INVALID: STATUS.DATA,
  RECOVERY_KEY_WRONG: STATUS.DATA,
  CERTIFICATE_INVALID: STATUS.DATA,
  DKIM_KEY_INVALID: STATUS.DATA,
  MAILBOX_UNKNOWN: STATUS.NO_SUCH,
  ALIAS_UNKNOWN: STATUS.NO_SUCH,
  DOMAIN_UNKNOWN: STATUS.NO_SUCH,
  MESSAGE_UNKNOWN: STATUS.NO_SUCH,
  PEER_UNKNOWN: STATUS.NO_SUCH,
  BACKUP_UNKNOWN: STATUS.NO_SUCH,
  RECOVERY_KEY_MISSING: STATUS.UNAVAILABLE,
  APP_PASSWORD_UNKNOWN: STATUS.NO_SUCH,
  NOT_INSTALLED: STATUS.UNAVAILABLE,
  NOT_RUNNING: STATUS.UNAVAILABLE,
  PROGRAM_MISSING: STATUS.UNAVAILABLE,
  PROGRAM_FAILED: STATUS.UNAVAILABLE,
  FILE_FAILED: STATUS.UNAVAILABLE,
  HOST_UNFIT: STATUS.UNAVAILABLE,
  PORT_TAKEN: STATUS.UNAVAILABLE,
  PLACE_CHANGED: STATUS.UNAVAILABLE,
  IMAGE_MISSING: STATUS.UNAVAILABLE,
  SIGNATURES_MISSING: STATUS.UNAVAILABLE,
  PEER_REFUSED: STATUS.UNAVAILABLE,
  PEER_CHANGED: STATUS.UNAVAILABLE,
  CONNECTION_FAILED: STATUS.UNAVAILABLE,
  ADDRESS_UNKNOWN: STATUS.UNAVAILABLE,
  DNS_PROVIDER_UNFIT: STATUS.UNAVAILABLE,
  DNS_ZONE_UNFIT: STATUS.DATA,
  DNS_DENIED: STATUS.UNAVAILABLE,
  DNS_REFUSED: STATUS.UNAVAILABLE,
  DNS_BY_HAND: STATUS.PARTIAL,
  PEER_AWAY: STATUS.TRY_AGAIN,
  DNS_NOT_VISIBLE: STATUS.TRY_AGAIN,
  DNS_DISAGREES: STATUS.TRY_AGAIN,
  DNS_UNREACHABLE: STATUS.TRY_AGAIN,
  ACME_UNREACHABLE: STATUS.TRY_AGAIN,
  ACME_LIMITED: STATUS.TRY_AGAIN,
  ACME_REFUSED: STATUS.UNAVAILABLE,
  DKIM_BUSY: STATUS.TRY_AGAIN,
  DKIM_OFF: STATUS.USAGE,
  SELECTOR_UNKNOWN: STATUS.NO_SUCH,
  CERTIFICATE_WAITS: STATUS.TRY_AGAIN,
  PROBE_FAILED: STATUS.PARTIAL,
  CHANGES_PENDING: STATUS.PARTIAL,
  CONFIG_CHANGED: STATUS.TRY_AGAIN,
  CLOCK_UNSET: STATUS.TRY_AGAIN,
  PARTLY_DONE: STATUS.PARTIAL,
  LOCKED: STATUS.TRY_AGAIN,
  TIMED_OUT: STATUS.TRY_AGAIN,
  NOT_ROOT: STATUS.NOT_ROOT,
  CONFIG_INVALID: STATUS.CONFIG,
  INTERRUPTED: STATUS.INTERRUPTED,
} as const;

export type ErrorCode = keyof typeof STATUS_OF;
export type ExitStatus = (typeof STATUS)[keyof typeof STATUS];

/** The process that holds a lock. */
export interface LockHolder {
  /** Such as `mailctl apply`. */
  readonly command: string;
  readonly pid: number;
}

interface ErrorDetails {
  /** One command that fixes or examines the problem. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** Exit status of the program that failed. */
  readonly status?: number;
  /** The signal that ended the program that failed, such as SIGKILL. */
  readonly signal?: string;
  /** The earliest time at which a retry may succeed, where the server has named one. */
  readonly retryAt?: Date;
  /** Absent until the holder has written its name. */
  readonly holder?: LockHolder;
}

export class MailctlError extends Error {
  readonly hint: string | undefined;
  readonly status: number | undefined;
  readonly signal: string | undefined;
  readonly retryAt: Date | undefined;
  readonly holder: LockHolder | undefined;

  constructor(
    readonly code: ErrorCode,
    message: string,
    details: ErrorDetails = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'MailctlError';
    this.hint = details.hint;
    this.status = details.status;
    this.signal = details.signal;
    this.retryAt = details.retryAt;
    this.holder = details.holder;
  }
}

export function statusOfCode(code: ErrorCode): ExitStatus {
  return STATUS_OF[code];
}

/** The exit status of an error: 70 for everything that is not a MailctlError. */
export function exitStatus(error: unknown): ExitStatus {
  return error instanceof MailctlError ? STATUS_OF[error.code] : STATUS.BUG;
}
