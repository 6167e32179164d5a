// Ports on the container's own loopback, which no listener of the UCI file may take.

/** Where Dovecot hands over what Sieve sends. */
export const SIEVE_SUBMISSION_PORT = 10025;
/** Where Postfix hands vacation replies to itself, to be signed. */
export const SIEVE_SIGNING_PORT = 10026;

export const INNER_PORTS: readonly (number | null)[] = [SIEVE_SUBMISSION_PORT, SIEVE_SIGNING_PORT];
