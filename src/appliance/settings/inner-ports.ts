// Ports on the container's loopback that no option of the section `ports` may use.

/** Dovecot submits mail that Sieve sends here. */
export const SIEVE_SUBMISSION_PORT = 10025;
/** Postfix passes vacation replies to itself here, so that they are signed. */
export const SIEVE_SIGNING_PORT = 10026;

export const INNER_PORTS: readonly (number | null)[] = [SIEVE_SUBMISSION_PORT, SIEVE_SIGNING_PORT];
