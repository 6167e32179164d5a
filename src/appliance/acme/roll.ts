// A new key takes over without a gap for senders that check TLSA (RFC 7671 8.1): its record is published
// beside the old one, stays there for two TTLs, and only then the key serves; then the old record goes.

import { MailctlError } from '../../errors.ts';
import { findAuthorities, readResolvers } from '../../host/dns.ts';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import { hasValue, type PresentSet, readSet } from '../dns/publish/present.ts';
import { publishValues, removeValues } from '../dns/publish/values.ts';
import type { Paths } from '../paths.ts';
import type { Settings } from '../settings/settings.ts';
import { noteKeysPublished, readyAt, servedKeyDigest, withdrawnNames } from '../tls/keys.ts';
import { readAcmeState, writeAcmeState } from './state.ts';

const tlsaValue = (digest: string): string => `3 1 1 ${digest}`;

/** The TLSA sets that there are; a zone that is not signed has none. */
async function presentSets(host: Host, settings: Settings): Promise<PresentSet[]> {
  const { hostname } = settings.main;
  const { smtp, submission, smtps } = settings.ports;
  const resolvers = await readResolvers(host, settings.dns.resolver);
  const authorities = await findAuthorities(resolvers, hostname);
  const sets: PresentSet[] = [];
  for (const port of [smtp, submission, smtps]) {
    if (port === null) continue;
    const name = `_${port}._tcp.${hostname}`;
    const { set } = await readSet(authorities, { name, type: 'TLSA' });
    if (set.values.length > 0) sets.push(set);
  }
  return sets;
}

/**
 * Where the provider cannot hold two values, the change goes through a time without TLSA: senders then use
 * TLS without checking it, and none fails.
 */
async function withdraw(
  host: Host,
  target: Appliance,
  { sets, digest }: { sets: readonly PresentSet[]; digest: string },
): Promise<void> {
  host.say('the provider cannot hold two TLSA records at a name: taking them away for the change');
  const values = sets.flatMap(({ name, type, values: all }) =>
    all.map(({ value }) => ({ name, type, value })),
  );
  await removeValues(host, target, values);
  const withdrawn = sets.map(({ name }) => name);
  await noteKeysPublished(host, target.paths, { digests: [digest], first: false, withdrawn });
}

async function announce(
  host: Host,
  target: Appliance,
  { sets, digest }: { sets: readonly PresentSet[]; digest: string },
): Promise<void> {
  const value = tlsaValue(digest);
  const lacking = sets.filter((set) => !hasValue(set, value));
  if (lacking.length === 0) return;
  host.say("publishing the new key's TLSA records beside those of the served one");
  const values = lacking.map(({ name, type }) => ({ name, type, value }));
  try {
    await publishValues(host, target, values, { ttl: target.settings.dns.ttl });
    await noteKeysPublished(host, target.paths, { digests: [digest], first: false });
  } catch (error) {
    if (!(error instanceof MailctlError) || error.code !== 'DNS_BY_HAND') throw error;
    await withdraw(host, target, { sets: lacking, digest });
  }
}

/**
 * The moment from which this key may serve, after its record was published where one is needed; null
 * when it may serve at once. Throws as `publishValues` does.
 */
export async function announceKey(
  host: Host,
  target: Appliance,
  digest: string,
): Promise<Date | null> {
  const { settings, paths } = target;
  const sets = await presentSets(host, settings);
  await announce(host, target, { sets, digest });
  const seen = sets.flatMap((set) => set.values.map((one) => one.ttl));
  const ttl = Math.max(settings.dns.ttl, ...seen);
  let ready = await readyAt(host, paths, { digest, ttl });
  if (ready === null && sets.length > 0) {
    await noteKeysPublished(host, paths, { digests: [digest], first: false });
    ready = await readyAt(host, paths, { digest, ttl });
  }
  return ready !== null && ready > host.clock.now() ? ready : null;
}

/** A key that serves gets the records back that were taken away for the change. */
async function restoreTlsa(host: Host, target: Appliance, digest: string): Promise<void> {
  const names = await withdrawnNames(host, target.paths, digest);
  if (names.length === 0) return;
  const value = tlsaValue(digest);
  const values = names.map((name) => ({ name, type: 'TLSA' as const, value }));
  try {
    await publishValues(host, target, values, { ttl: target.settings.dns.ttl });
    await noteKeysPublished(host, target.paths, { digests: [digest], first: true });
  } catch (error) {
    if (!(error instanceof MailctlError)) throw error;
    host.say(`the TLSA records of the new key are not published: ${error.message}`);
    host.say('to publish them later: mailctl dns-setup');
  }
}

/** True when no record of this key is left. What fails is said: the records harm nobody. */
async function retireKey(host: Host, target: Appliance, digest: string): Promise<boolean> {
  const value = tlsaValue(digest);
  try {
    const sets = await presentSets(host, target.settings);
    const left = sets.filter((set) => hasValue(set, value));
    await removeValues(
      host,
      target,
      left.map(({ name, type }) => ({ name, type, value })),
    );
    return true;
  } catch (error) {
    if (!(error instanceof MailctlError)) throw error;
    host.say(`the TLSA records of the old key are still published: ${error.message}`);
    host.say('they harm nobody; the next ssl-renew tries again');
    return false;
  }
}

/** To be called before another key serves: its records are then taken away, also after an interruption. */
export async function rememberRetiring(host: Host, paths: Paths, digest: string): Promise<void> {
  const state = await readAcmeState(host, paths);
  const retiring = [...new Set([...state.retiring, digest])];
  await writeAcmeState(host, paths, { ...state, retiring });
}

/** Brings TLSA to the key that serves, where a change of keys has not come to its end yet. */
export async function finishRoll(host: Host, target: Appliance): Promise<void> {
  const { paths } = target;
  const served = await servedKeyDigest(host, paths);
  if (served === null) return;
  const gone: string[] = [];
  for (const digest of (await readAcmeState(host, paths)).retiring) {
    if (digest === served || (await retireKey(host, target, digest))) gone.push(digest);
  }
  if (gone.length > 0) {
    const state = await readAcmeState(host, paths);
    const retiring = state.retiring.filter((digest) => !gone.includes(digest));
    await writeAcmeState(host, paths, { ...state, retiring });
  }
  await restoreTlsa(host, target, served);
}
