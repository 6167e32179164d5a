// Collects the input for the records from this host, never from the DNS: domains, addresses, keys.

import type { Host } from '../../host/host.ts';
import { readAcmeState } from '../acme/state.ts';
import type { MailDomain } from '../address.ts';
import type { Appliance } from '../appliance.ts';
import { readDkimRecords } from '../dkim/dkim.ts';
import { publishedKeyDigests } from '../tls/keys.ts';
import { readPublicAddresses } from './public-address.ts';
import { holdsSeveralValues } from './publish/provider.ts';
import type { RecordFacts } from './records.ts';

/** The CAA identity of each known ACME CA, by the host of its directory. */
const CAA_IDENTITIES: readonly (readonly [string, string])[] = [
  ['api.letsencrypt.org', 'letsencrypt.org'],
  ['api.buypass.com', 'buypass.com'],
  ['acme.zerossl.com', 'sectigo.com'],
  ['acme.sectigo.com', 'sectigo.com'],
  ['acme.ssl.com', 'ssl.com'],
  ['pki.goog', 'pki.goog'],
];

/** null for an unknown CA: no CAA record is better than a wrong one. */
export function caaIdentity(directory: string): string | null {
  const host = /^https:\/\/([^/:]+)/.exec(directory)?.[1]?.toLowerCase() ?? '';
  const found = CAA_IDENTITIES.find(
    ([name]) => host === name || host.endsWith(`.${name}`) || host.endsWith(`-${name}`),
  );
  return found?.[1] ?? null;
}

/** The identity that the CA announces takes precedence over the table. */
async function caOf(host: Host, { settings, paths }: Appliance): Promise<string | null> {
  const { type, directory } = settings.ssl;
  if (type !== 'letsencrypt') return null;
  const state = await readAcmeState(host, paths);
  const told = state.directory === directory ? state.caaIdentities[0] : undefined;
  const known = caaIdentity(directory);
  // a CA may announce several identities: the one in the table is valid if it is among them
  if (known !== null && state.caaIdentities.includes(known)) return known;
  return told ?? known;
}

/** The list of public addresses may be empty: see `requirePublic`. Throws DKIM_KEY_INVALID. */
export async function readRecordFacts(
  host: Host,
  target: Appliance,
  domains: readonly MailDomain[],
): Promise<RecordFacts> {
  const { settings, paths } = target;
  const addresses = await readPublicAddresses(host, target);
  const dkim = settings.features.dkim ? await readDkimRecords(host, target, domains) : [];
  const digests = await publishedKeyDigests(host, paths);
  // the first digest is that of the certificate in use
  const keyDigests = (await holdsSeveralValues(host, settings)) ? digests : digests.slice(0, 1);
  const ca = await caOf(host, target);
  return { settings, domains, addresses, dkim, keyDigests, caaIdentity: ca };
}
