// Ports on the container's loopback that no option of the section `ports` may use.

/** Dovecot submits mail that Sieve sends here. */
export const SIEVE_SUBMISSION_PORT = 10025;
/** Postfix passes vacation replies to itself here, so that they are signed. */
export const SIEVE_SIGNING_PORT = 10026;
/** Postfix passes forwarded mail to itself here, where its envelope sender is rewritten. */
export const FORWARD_PORT = 10027;
/** postsrsd: envelope sender → SRS address. */
export const SRS_FORWARD_PORT = 10028;
/** postsrsd: SRS address → envelope sender. */
export const SRS_REVERSE_PORT = 10029;

export const INNER_PORTS: readonly (number | null)[] = [
  SIEVE_SUBMISSION_PORT,
  SIEVE_SIGNING_PORT,
  FORWARD_PORT,
  SRS_FORWARD_PORT,
  SRS_REVERSE_PORT,
];
