// What the records are made of: domains, addresses, keys. Collected from this host, never from the DNS.

import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { digestBytes } from '../../host/digest.ts';
import type { Host } from '../../host/host.ts';
import type { MailDomain } from '../address.ts';
import { readDirectory } from '../directory.ts';
import { readDkimRecords } from '../dkim.ts';
import type { Paths } from '../paths.ts';
import type { Settings } from '../settings.ts';
import { readPublicAddresses } from './public-address.ts';
import type { RecordFacts } from './records.ts';

export interface DnsTarget {
  readonly settings: Settings;
  readonly paths: Paths;
}

/** What the CAs that speak ACME call themselves in CAA records, by the host of their directory. */
const CAA_IDENTITIES: readonly (readonly [string, string])[] = [
  ['api.letsencrypt.org', 'letsencrypt.org'],
  ['api.buypass.com', 'buypass.com'],
  ['acme.zerossl.com', 'sectigo.com'],
  ['acme.sectigo.com', 'sectigo.com'],
  ['acme.ssl.com', 'ssl.com'],
  ['pki.goog', 'pki.goog'],
];

const DEFAULT_DIRECTORY = 'https://acme-v02.api.letsencrypt.org/directory';

/** null for a CA whose name nobody told us: no CAA record is better than a wrong one. */
export function caaIdentity(directory: string): string | null {
  const host = /^https:\/\/([^/:]+)/.exec(directory)?.[1]?.toLowerCase() ?? '';
  const found = CAA_IDENTITIES.find(
    ([name]) => host === name || host.endsWith(`.${name}`) || host.endsWith(`-${name}`),
  );
  return found?.[1] ?? null;
}

function caOf(settings: Settings): string | null {
  if (settings.ssl.type !== 'letsencrypt') return null;
  const { directory } = settings.ssl as { readonly directory?: string };
  return caaIdentity(directory ?? DEFAULT_DIRECTORY);
}

async function servedKeyDigests(host: Host, paths: Paths): Promise<string[]> {
  const text = await host.files.read(join(paths.ssl, 'fullchain.pem'));
  if (text === null) return [];
  try {
    const { publicKey } = new X509Certificate(text);
    return [digestBytes(publicKey.export({ type: 'spki', format: 'der' }))];
  } catch {
    // ssl-status and doctor tell of a damaged certificate; its key cannot be published
    return [];
  }
}

export async function mailDomains(host: Host, target: DnsTarget): Promise<readonly MailDomain[]> {
  const { directory } = await readDirectory(host, target);
  const own = target.settings.main.domain as MailDomain;
  return [...new Set([own, ...directory.domains])].sort();
}

/** There may be no public address: see `requirePublic`. Throws DKIM_KEY_INVALID. */
export async function readRecordFacts(
  host: Host,
  target: DnsTarget,
  domains: readonly MailDomain[],
): Promise<RecordFacts> {
  const { settings, paths } = target;
  const addresses = await readPublicAddresses(host, settings);
  const dkim = settings.features.dkim ? await readDkimRecords(host, paths, domains) : [];
  const keyDigests = await servedKeyDigests(host, paths);
  return { settings, domains, addresses, dkim, keyDigests, caaIdentity: caOf(settings) };
}
