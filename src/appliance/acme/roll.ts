// A new key takes over without a gap for senders that check TLSA (RFC 7671 8.1): its record is published
// beside the old one, stays there for two TTLs, and only then the key serves; then the old record goes.

import { MailctlError } from '../../errors.ts';
import { findAuthorities, readResolvers } from '../../host/dns.ts';
import type { Host } from '../../host/host.ts';
import { hasValue, type PresentSet, readSet } from '../dns/present.ts';
import { publishValues, removeValues } from '../dns/values.ts';
import type { Paths } from '../paths.ts';
import type { Settings } from '../settings.ts';
import { noteKeysPublished, readyAt, withdrawnNames } from '../tls-keys.ts';

interface Target {
  readonly settings: Settings;
  readonly paths: Paths;
}

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
  target: Target,
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
  target: Target,
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
  target: Target,
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
export async function restoreTlsa(host: Host, target: Target, digest: string): Promise<void> {
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

/** Takes the records of a key that serves no longer away. What fails is said: the records harm nobody. */
export async function retireKey(host: Host, target: Target, digest: string): Promise<void> {
  const value = tlsaValue(digest);
  try {
    const sets = await presentSets(host, target.settings);
    const left = sets.filter((set) => hasValue(set, value));
    await removeValues(
      host,
      target,
      left.map(({ name, type }) => ({ name, type, value })),
    );
  } catch (error) {
    if (!(error instanceof MailctlError)) throw error;
    host.say(`the TLSA records of the old key are still published: ${error.message}`);
    host.say('they harm nobody; to remove them later: mailctl dns-setup');
  }
}
