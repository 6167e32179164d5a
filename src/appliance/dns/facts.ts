// What the records are made of: domains, addresses, keys. Collected from this host, never from the DNS.

import type { Host } from '../../host/host.ts';
import { readAcmeState } from '../acme/state.ts';
import type { MailDomain } from '../address.ts';
import type { Appliance } from '../appliance.ts';
import { readDkimRecords } from '../dkim/dkim.ts';
import { publishedKeyDigests } from '../tls/keys.ts';
import { readPublicAddresses } from './public-address.ts';
import { holdsSeveralValues } from './publish/provider.ts';
import type { RecordFacts } from './records.ts';

/** What the CAs that speak ACME call themselves in CAA records, by the host of their directory. */
const CAA_IDENTITIES: readonly (readonly [string, string])[] = [
  ['api.letsencrypt.org', 'letsencrypt.org'],
  ['api.buypass.com', 'buypass.com'],
  ['acme.zerossl.com', 'sectigo.com'],
  ['acme.sectigo.com', 'sectigo.com'],
  ['acme.ssl.com', 'ssl.com'],
  ['pki.goog', 'pki.goog'],
];

/** null for a CA whose name nobody told us: no CAA record is better than a wrong one. */
export function caaIdentity(directory: string): string | null {
  const host = /^https:\/\/([^/:]+)/.exec(directory)?.[1]?.toLowerCase() ?? '';
  const found = CAA_IDENTITIES.find(
    ([name]) => host === name || host.endsWith(`.${name}`) || host.endsWith(`-${name}`),
  );
  return found?.[1] ?? null;
}

/** What the CA says of itself goes before what is known of it. */
async function caOf(host: Host, { settings, paths }: Appliance): Promise<string | null> {
  const { type, directory } = settings.ssl;
  if (type !== 'letsencrypt') return null;
  const state = await readAcmeState(host, paths);
  const told = state.directory === directory ? state.caaIdentities[0] : undefined;
  const known = caaIdentity(directory);
  // of several names of one CA, the known one is as good as the first
  if (known !== null && state.caaIdentities.includes(known)) return known;
  return told ?? known;
}

/** There may be no public address: see `requirePublic`. Throws DKIM_KEY_INVALID. */
export async function readRecordFacts(
  host: Host,
  target: Appliance,
  domains: readonly MailDomain[],
): Promise<RecordFacts> {
  const { settings, paths } = target;
  const addresses = await readPublicAddresses(host, settings);
  const dkim = settings.features.dkim ? await readDkimRecords(host, target, domains) : [];
  const digests = await publishedKeyDigests(host, paths);
  // the first of them serves
  const keyDigests = (await holdsSeveralValues(host, settings)) ? digests : digests.slice(0, 1);
  const ca = await caOf(host, target);
  return { settings, domains, addresses, dkim, keyDigests, caaIdentity: ca };
}
