// What is remembered between two runs of the ACME client: <data>/acme/state.json, for root alone.

import { join } from 'node:path';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { ensureAcmeFolder } from '../container/data-folders.ts';
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

const stateFile = (paths: Paths): string => join(paths.acme, 'state.json');

/** Throws DATA_INVALID that names the file. */
export async function readAcmeState(host: Host, paths: Paths): Promise<AcmeState> {
  const text = await host.files.read(stateFile(paths));
  if (text === null) return NO_STATE;
  const damaged = (cause?: unknown) =>
    new MailctlError('DATA_INVALID', `${stateFile(paths)} is damaged`, {
      hint: `rm ${stateFile(paths)}   then: mailctl ssl-setup   (what is served stays)`,
      cause,
    });
  let found: Partial<AcmeState> | null;
  try {
    found = JSON.parse(text) as Partial<AcmeState> | null;
  } catch (cause) {
    throw damaged(cause);
  }
  if (typeof found !== 'object' || found === null || !Array.isArray(found.names)) throw damaged();
  return { ...NO_STATE, ...found };
}

export async function writeAcmeState(host: Host, paths: Paths, state: AcmeState): Promise<void> {
  await ensureAcmeFolder(host, paths);
  const text = `${JSON.stringify({ v: 1, ...state }, null, 1)}\n`;
  if ((await host.files.read(stateFile(paths))) === text) return;
  await host.files.replace(stateFile(paths), text, { mode: 0o600 });
}
