// Obtains a certificate from the CA and installs it, for `ssl-setup` and `ssl-renew`. After a failure the
// installed certificate is still served.

import type { KeyObject } from 'node:crypto';
import { MailctlError } from '../../errors.ts';
import { AcmeError, type AcmeSession, openAcme } from '../../host/acme.ts';
import type { Host } from '../../host/host.ts';
import { generateEcKey } from '../../host/keys.ts';
import type { Appliance } from '../appliance.ts';
import { openState } from '../container/state-file.ts';
import { DNS_STATE } from '../dns/publish/state.ts';
import { type CertificatePair, isSelfSigned, namesOf, validUntil } from '../tls/certificate.ts';
import {
  ensureWaitingKey,
  fitsType,
  forgetWaitingKey,
  keyDigest,
  servedKeyDigest,
} from '../tls/keys.ts';
import { putIntoService } from '../tls/swap.ts';
import { accountAt } from './account.ts';
import { askAdvice, certificateId } from './advice.ts';
import { removeChallenges } from './challenges.ts';
import type { AcmeMemory } from './memory.ts';
import { provableNames } from './names.ts';
import { forgetOrder, issue } from './order.ts';
import { afterFailure } from './policy.ts';
import type { Outlook } from './renewal.ts';
import { announceKey, finishRoll, rememberRetiring } from './roll.ts';
import type { AcmeState } from './state.ts';

/** The state of the certificate, and the state files of this run. */
export interface Run {
  readonly outlook: Outlook;
  readonly memory: AcmeMemory;
}

export interface Obtained {
  /** `waiting`: the TLSA record of the new key has not been published for two TTLs yet. */
  readonly outcome: 'issued' | 'waiting';
  readonly names: readonly string[];
  /** One sentence for each name that was left out. */
  readonly leftOut: readonly string[];
  readonly readyAt: Date | null;
  readonly running: boolean;
}

async function connectCa(host: Host, target: Appliance, directory: string): Promise<AcmeSession> {
  return openAcme(host.clock, await accountAt(host, target, directory));
}

/** The served key, so that TLSA records stay valid; the waiting key when a new one is needed. */
async function chooseKey(
  host: Host,
  target: Appliance,
  { pair, state }: Outlook,
): Promise<KeyObject> {
  const reusable =
    pair !== null &&
    !isSelfSigned(pair.chain[0]) &&
    fitsType(pair.key, target.settings.ssl.keyType) &&
    !state.newKeyWanted;
  return reusable ? pair.key : ensureWaitingKey(host, target);
}

/** Stores the failure and the time of the next attempt; throws the same error. */
async function rememberFailure(host: Host, { acme }: AcmeMemory, error: unknown): Promise<never> {
  if (error instanceof MailctlError) {
    const retryAfter = error instanceof AcmeError ? error.retryAfter : null;
    const refused = error.code === 'ACME_REFUSED' || error.code === 'CERTIFICATE_INVALID';
    const failure = { now: host.clock.now(), message: error.message, retryAfter, refused };
    await acme.write(afterFailure(acme.current, failure));
  }
  throw error;
}

async function install(
  host: Host,
  target: Appliance,
  work: { session: AcmeSession; run: Run; pair: CertificatePair },
): Promise<{ running: boolean }> {
  const { session, run, pair } = work;
  const { outlook, memory } = run;
  const { paths } = target;
  const before = await servedKeyDigest(host, paths);
  if (before !== null && before !== keyDigest(pair.key)) {
    await rememberRetiring(memory, before);
  }
  const { running } = await putIntoService(host, target, pair);
  const state: AcmeState = {
    ...memory.acme.current,
    ...{ directory: session.directory, names: outlook.names },
    ...{ failures: [], refusals: [], lastError: null, notBefore: null, limitedByCa: false },
    ...{ keyReadyAt: null, newKeyWanted: false },
    caaIdentities: session.resources.meta?.caaIdentities ?? [],
    advice: await askAdvice(host, session, pair.chain[0]),
  };
  await memory.acme.write(state);
  await forgetOrder(host, paths);
  await forgetWaitingKey(host, paths);
  await finishRoll(host, target, memory);
  return { running };
}

const WEEK_MS = 7 * 86_400_000;

/** The names of the served certificate; none in its last week, when losing a name is better than expiry. */
function namesToKeep({ pair }: Outlook, now: Date): string[] {
  if (pair === null) return [];
  const left = validUntil(pair.chain[0]).getTime() - now.getTime();
  return left > WEEK_MS ? namesOf(pair.chain[0]) : [];
}

async function attempt(host: Host, target: Appliance, run: Run): Promise<Obtained> {
  const { outlook, memory } = run;
  const { paths, settings } = target;
  const keep = namesToKeep(outlook, host.clock.now());
  const { names, leftOut } = await provableNames(host, settings, { names: outlook.names, keep });
  for (const sentence of leftOut) host.say(sentence);
  const key = await chooseKey(host, target, outlook);
  const served = await servedKeyDigest(host, paths);
  const digest = keyDigest(key);
  const readyAt = digest === served ? null : await announceKey(host, target, { digest, memory });
  const keyReadyAt = readyAt?.toISOString() ?? null;
  await memory.acme.write({ ...memory.acme.current, keyReadyAt });
  if (readyAt !== null) return { outcome: 'waiting', names, leftOut, readyAt, running: false };
  const session = await connectCa(host, target, settings.ssl.directory);
  const replaces = outlook.pair === null ? null : certificateId(outlook.pair.chain[0]);
  const request = { names, key, replaces };
  const pair = await issue(host, target, { session, request, memory });
  const { running } = await install(host, target, { session, run, pair });
  return { outcome: 'issued', names, leftOut, readyAt: null, running };
}

/**
 * Obtains a certificate and installs it. Throws what the steps throw; stores the failure.
 */
export async function obtain(host: Host, target: Appliance, run: Run): Promise<Obtained> {
  await removeChallenges(host, target, run.memory.dns);
  try {
    return await attempt(host, target, run);
  } catch (error) {
    return rememberFailure(host, run.memory, error);
  }
}

/** A full order at another ACME directory with a temporary key; nothing is stored or served. */
export async function rehearse(
  host: Host,
  target: Appliance,
  { outlook, directory }: { outlook: Outlook; directory: string },
): Promise<{ names: readonly string[]; leftOut: readonly string[] }> {
  const memory = { dns: await openState(host, target.paths, DNS_STATE) };
  await removeChallenges(host, target, memory.dns);
  const { names, leftOut } = await provableNames(host, target.settings, outlook);
  const key = await generateEcKey();
  const session = await connectCa(host, target, directory);
  await issue(host, target, { session, memory, request: { names, key, replaces: null } });
  await forgetOrder(host, target.paths);
  return { names, leftOut };
}

/** Fetches the CA's renewal information when it is due. */
export async function refreshAdvice(
  host: Host,
  target: Appliance,
  { outlook, memory }: Run,
): Promise<void> {
  const { pair, state } = outlook;
  if (pair === null || state.advice === null) return;
  if (Date.parse(state.advice.askAgainAt) > host.clock.now().getTime()) return;
  const session = await connectCa(host, target, target.settings.ssl.directory);
  const advice = await askAdvice(host, session, pair.chain[0]);
  await memory.acme.write({ ...memory.acme.current, advice });
}
