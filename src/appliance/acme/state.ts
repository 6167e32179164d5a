// What is remembered between two runs of the ACME client: <data>/acme/state.json, for root alone.

import { join } from 'node:path';
import { array, boolean, nullable, object, optional, string } from 'valibot';
import type { Host } from '../../host/host.ts';
import { moment, readState, type StateFile } from '../container/state-file.ts';
import type { Paths } from '../paths.ts';

/** All times are RFC 3339. */
export interface AcmeState {
  /** The directory that issued what is served; null before the first certificate. */
  readonly directory: string | null;
  /** The names that were wanted when it was issued, also those that had to be left out. */
  readonly names: readonly string[];
  /** An operator has asked for certificates, and with that agreed to the CA's terms. */
  readonly agreed: boolean;
  /** Failed attempts of the last day, oldest first. */
  readonly failures: readonly string[];
  /** Those of them in which the CA looked and refused. */
  readonly refusals: readonly string[];
  readonly lastError: string | null;
  /** No attempt before this moment, and whether it was the CA that said so. */
  readonly notBefore: string | null;
  readonly limitedByCa: boolean;
  /** The CA's renewal information (RFC 9773) on the certificate with this identifier. */
  readonly advice: RenewalAdvice | null;
  /** What the CA calls itself in CAA records. */
  readonly caaIdentities: readonly string[];
  /** A new key takes over at this moment, when its TLSA has been visible long enough. */
  readonly keyReadyAt: string | null;
  /** A new key was asked for and does not serve yet. */
  readonly newKeyWanted: boolean;
  /** Digests of keys that serve no longer and whose TLSA records may still be there. */
  readonly retiring: readonly string[];
}

export interface RenewalAdvice {
  readonly certificate: string;
  readonly start: string;
  readonly end: string;
  /** When the CA wants to be asked again. */
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

// a field that an older program did not write has the value of the beginning
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
    // nothing is written here before an operator has agreed to the CA's terms
    goOnWith: async () => ({ ...NO_STATE, agreed: true }),
    lost: 'the next ssl-renew gets a new certificate; TLSA records of former keys stay published',
  },
};

export function readAcmeState(host: Host, paths: Paths): Promise<AcmeState> {
  return readState(host, paths, ACME_STATE);
}
