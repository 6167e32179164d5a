// Key rollover for senders that check TLSA (RFC 7671 8.1): the new key's record is published beside the old
// one; after two TTLs the new key is served, and then the old record is removed.

import { MailctlError } from '../../errors.ts';
import { findAuthorities, readResolvers } from '../../host/dns.ts';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import { hasValue, type PresentSet, readSet } from '../dns/publish/present.ts';
import { publishValues, removeValues } from '../dns/publish/values.ts';
import type { Settings } from '../settings/settings.ts';
import { servedKeyDigest } from '../tls/keys.ts';
import { readyAt, withdrawnNames, withPublished } from '../tls/notices.ts';
import type { AcmeMemory } from './memory.ts';

/** Call it when every authoritative server shows the change. */
async function notePublished(
  host: Host,
  { notices }: AcmeMemory,
  published: Parameters<typeof withPublished>[1],
): Promise<void> {
  await notices.write(withPublished(notices.current, published, host.clock.now()));
}

const tlsaValue = (digest: string): string => `3 1 1 ${digest}`;

/** The published TLSA record sets; an unsigned zone has none. */
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
 * For a provider that cannot store two values: removes the TLSA records during the change. Senders then use
 * TLS without verification, and delivery does not fail.
 */
async function withdraw(
  host: Host,
  target: Appliance,
  { sets, digest, memory }: { sets: readonly PresentSet[]; digest: string; memory: AcmeMemory },
): Promise<void> {
  host.say(
    'the provider cannot store two TLSA records at one name: removing them during the change',
  );
  const values = sets.flatMap(({ name, type, values: all }) =>
    all.map(({ value }) => ({ name, type, value })),
  );
  await removeValues(host, target, values, { dns: memory.dns });
  const withdrawn = sets.map(({ name }) => name);
  await notePublished(host, memory, { digests: [digest], first: false, withdrawn });
}

async function announce(
  host: Host,
  target: Appliance,
  { sets, digest, memory }: { sets: readonly PresentSet[]; digest: string; memory: AcmeMemory },
): Promise<void> {
  const value = tlsaValue(digest);
  const lacking = sets.filter((set) => !hasValue(set, value));
  if (lacking.length === 0) return;
  host.say("publishing the new key's TLSA records beside those of the served key");
  const values = lacking.map(({ name, type }) => ({ name, type, value }));
  try {
    await publishValues(host, target, values, { ttl: target.settings.dns.ttl, dns: memory.dns });
    await notePublished(host, memory, { digests: [digest], first: false });
  } catch (error) {
    if (!(error instanceof MailctlError) || error.code !== 'DNS_BY_HAND') throw error;
    await withdraw(host, target, { sets: lacking, digest, memory });
  }
}

/**
 * Publishes the key's TLSA record where TLSA is in use. Returns the time from which the key may be served;
 * null for now. Throws as `publishValues` does.
 */
export async function announceKey(
  host: Host,
  target: Appliance,
  { digest, memory }: { digest: string; memory: AcmeMemory },
): Promise<Date | null> {
  const { settings } = target;
  const sets = await presentSets(host, settings);
  await announce(host, target, { sets, digest, memory });
  const seen = sets.flatMap((set) => set.values.map((one) => one.ttl));
  const ttl = Math.max(settings.dns.ttl, ...seen);
  let ready = readyAt(memory.notices.current, { digest, ttl });
  if (ready === null && sets.length > 0) {
    await notePublished(host, memory, { digests: [digest], first: false });
    ready = readyAt(memory.notices.current, { digest, ttl });
  }
  return ready !== null && ready > host.clock.now() ? ready : null;
}

/** Publishes the TLSA records of the served key that `withdraw` has removed. */
async function restoreTlsa(
  host: Host,
  target: Appliance,
  { digest, memory }: { digest: string; memory: AcmeMemory },
): Promise<void> {
  const names = withdrawnNames(memory.notices.current, digest);
  if (names.length === 0) return;
  const value = tlsaValue(digest);
  const values = names.map((name) => ({ name, type: 'TLSA' as const, value }));
  try {
    await publishValues(host, target, values, { ttl: target.settings.dns.ttl, dns: memory.dns });
    await notePublished(host, memory, { digests: [digest], first: true });
  } catch (error) {
    if (!(error instanceof MailctlError)) throw error;
    host.say(`the TLSA records of the new key are not published: ${error.message}`);
    host.say('to publish them later: mailctl dns-setup');
  }
}

/** True when no record of this key is left. A failure is reported only: a stale TLSA record is harmless. */
async function retireKey(
  host: Host,
  target: Appliance,
  { digest, memory }: { digest: string; memory: AcmeMemory },
): Promise<boolean> {
  const value = tlsaValue(digest);
  try {
    const sets = await presentSets(host, target.settings);
    const left = sets.filter((set) => hasValue(set, value));
    await removeValues(
      host,
      target,
      left.map(({ name, type }) => ({ name, type, value })),
      { dns: memory.dns },
    );
    return true;
  } catch (error) {
    if (!(error instanceof MailctlError)) throw error;
    host.say(`the TLSA records of the old key are still published: ${error.message}`);
    host.say('stale TLSA records are harmless; the next ssl-renew retries');
    return false;
  }
}

/** Call it before another key is served: `finishRoll` then removes the old records, also after an interruption. */
export async function rememberRetiring({ acme }: AcmeMemory, digest: string): Promise<void> {
  const retiring = [...new Set([...acme.current.retiring, digest])];
  await acme.write({ ...acme.current, retiring });
}

/** Finishes an interrupted rollover: removes TLSA records of old keys, publishes those of the served key. */
export async function finishRoll(host: Host, target: Appliance, memory: AcmeMemory): Promise<void> {
  const { acme } = memory;
  const served = await servedKeyDigest(host, target.paths);
  if (served === null) return;
  const gone: string[] = [];
  for (const digest of acme.current.retiring) {
    if (digest === served || (await retireKey(host, target, { digest, memory }))) gone.push(digest);
  }
  if (gone.length > 0) {
    const retiring = acme.current.retiring.filter((digest) => !gone.includes(digest));
    await acme.write({ ...acme.current, retiring });
  }
  await restoreTlsa(host, target, { digest: served, memory });
}
