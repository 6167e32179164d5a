// The state of the ACME client between two runs: <data>/acme/state.json, readable by root only.

import { join } from 'node:path';
import { array, boolean, nullable, object, optional, string } from 'valibot';
import type { Host } from '../../host/host.ts';
import { moment, readState, type StateFile } from '../container/state-file.ts';
import type { Paths } from '../paths.ts';

/** All times are RFC 3339. */
export interface AcmeState {
  /** Directory URL of the CA that issued the served certificate; null before the first one. */
  readonly directory: string | null;
  /** The wanted names when it was issued, including those that were left out. */
  readonly names: readonly string[];
  /** An operator has run `ssl-setup`, and with that agreed to the CA's terms. */
  readonly agreed: boolean;
  /** Failed attempts of the last day, oldest first. */
  readonly failures: readonly string[];
  /** The failures that count as refusals by the CA. */
  readonly refusals: readonly string[];
  readonly lastError: string | null;
  /** No attempt before this time; `limitedByCa` when it comes from the CA's Retry-After. */
  readonly notBefore: string | null;
  readonly limitedByCa: boolean;
  /** The CA's renewal information (RFC 9773) on the certificate with this identifier. */
  readonly advice: RenewalAdvice | null;
  /** The CA's names in CAA records. */
  readonly caaIdentities: readonly string[];
  /** The new key may be served from this time on: its TLSA has been visible for two TTLs. */
  readonly keyReadyAt: string | null;
  /** A new key was requested and is not served yet. */
  readonly newKeyWanted: boolean;
  /** Digests of former keys whose TLSA records may still be published. */
  readonly retiring: readonly string[];
}

export interface RenewalAdvice {
  readonly certificate: string;
  readonly start: string;
  readonly end: string;
  /** The time of the next request for renewal information. */
  readonly askAgainAt: string;
}

export const NO_STATE: AcmeState = {
  directory: null,
  names: [],
  agreed: false,
  failures: [],
  refusals: [],
  lastError: null,
  notBefore: null,
  limitedByCa: false,
  advice: null,
  caaIdentities: [],
  keyReadyAt: null,
  newKeyWanted: false,
  retiring: [],
};

const texts = array(string());
const moments = array(moment);

// a field that an older version did not write gets its initial value
const schema = object({
  directory: optional(nullable(string()), null),
  names: texts,
  agreed: optional(boolean(), false),
  failures: optional(moments, []),
  refusals: optional(moments, []),
  lastError: optional(nullable(string()), null),
  notBefore: optional(nullable(moment), null),
  limitedByCa: optional(boolean(), false),
  advice: optional(
    nullable(object({ certificate: string(), start: moment, end: moment, askAgainAt: moment })),
    null,
  ),
  caaIdentities: optional(texts, []),
  keyReadyAt: optional(nullable(moment), null),
  newKeyWanted: optional(boolean(), false),
  retiring: optional(texts, []),
});

export const ACME_STATE: StateFile<AcmeState> = {
  path: (paths) => join(paths.acme, 'state.json'),
  schema,
  empty: NO_STATE,
  ownFolder: true,
  whenDamaged: {
    // the file exists only after an operator has agreed to the CA's terms
    goOnWith: async () => ({ ...NO_STATE, agreed: true }),
    lost: 'the next ssl-renew obtains a new certificate; TLSA records of former keys stay published',
  },
};

export function readAcmeState(host: Host, paths: Paths): Promise<AcmeState> {
  return readState(host, paths, ACME_STATE);
}
