// Publishes the records of a waiting key, which every authoritative server must show before the key signs, and removes
// those of a former key.

import { MailctlError } from '../../errors.ts';
import { findAuthorities, readResolvers } from '../../host/dns.ts';
import type { Host } from '../../host/host.ts';
import type { MailDomain } from '../address.ts';
import type { Appliance } from '../appliance.ts';
import { hasValue, readSet } from '../dns/publish/present.ts';
import { publishValues, removeValues } from '../dns/publish/values.ts';
import { keySelectors, readDkimKey } from './key-files.ts';
import { type DkimRecord, dkimRecord, formatZoneRecord, type Selector } from './record.ts';

/** The records of a key and of the Ed25519 key beside it; none when the key's file is missing. */
export async function recordsOf(
  host: Host,
  { paths }: Appliance,
  { domain, selector: named }: { domain: MailDomain; selector: Selector },
): Promise<DkimRecord[]> {
  const records: DkimRecord[] = [];
  for (const selector of await keySelectors(host, paths, { domain, selector: named })) {
    const key = await readDkimKey(host, paths, { domain, selector });
    if (key === null) return [];
    records.push(dkimRecord(domain, selector, key));
  }
  return records;
}

const valuesOf = (records: readonly DkimRecord[]) =>
  records.map(({ name, type, value }) => ({ name, type, value }));

/** Without a provider the operator publishes the records; this only checks them. */
async function requirePublishedByHand(
  host: Host,
  { settings }: Appliance,
  records: readonly DkimRecord[],
): Promise<void> {
  const resolvers = await readResolvers(host, settings.dns.resolver);
  const missing: DkimRecord[] = [];
  for (const record of records) {
    const authorities = await findAuthorities(resolvers, record.name);
    const { set } = await readSet(authorities, { name: record.name, type: 'TXT' });
    if (!hasValue(set, record.value)) missing.push(record);
  }
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name).join(', ');
  const [is, it] = missing.length === 1 ? ['record', 'is'] : ['records', 'are'];
  const lines = missing.map(formatZoneRecord).join('\n');
  throw new MailctlError(
    'DNS_NOT_VISIBLE',
    `the ${is} ${names} ${it} not published; the old key signs until then. Publish:\n${lines}`,
    { hint: 'mailctl dkim step   (after it is published)' },
  );
}

/** Throws what `publishValues` throws; DNS_NOT_VISIBLE with the records that the operator must publish. */
export async function requirePublished(
  host: Host,
  target: Appliance,
  records: readonly DkimRecord[],
): Promise<void> {
  const { settings } = target;
  if (settings.dns.provider === 'none') return requirePublishedByHand(host, target, records);
  await publishValues(host, target, valuesOf(records), { ttl: settings.dns.ttl });
}

export async function removePublished(
  host: Host,
  target: Appliance,
  records: readonly DkimRecord[],
): Promise<void> {
  if (records.length > 0) await removeValues(host, target, valuesOf(records));
}
