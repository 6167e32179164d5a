// The domains of documentation, one of which is the default of main.domain.

import { MailctlError } from '../../errors.ts';
import type { Settings } from './settings.ts';

// RFC 2606 section 3: IANA holds them, so their records cannot be changed. The reserved top-level domains stay
// usable: a server of tests or of a closed network may have a DNS of its own
const RESERVED = /(?:^|\.)example\.(?:com|net|org)$/;

/** Why main.domain cannot receive mail; null for any other domain. */
export function describeReserved({ main }: Settings): string | null {
  if (!RESERVED.test(main.domain)) return null;
  return `main.domain is '${main.domain}', which is reserved for documentation (RFC 2606): no mail can reach it`;
}

/** Throws CONFIG_INVALID for a domain that is reserved for examples. */
export function requireOwnDomain(settings: Settings): void {
  const reason = describeReserved(settings);
  if (reason === null) return;
  throw new MailctlError('CONFIG_INVALID', reason, { hint: SET_DOMAIN });
}

export const SET_DOMAIN = 'mailctl set main.domain <your domain>; mailctl install';
