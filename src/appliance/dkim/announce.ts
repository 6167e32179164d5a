// Publishes the record of a waiting key: every authoritative server must show it before the key signs.

import { MailctlError } from '../../errors.ts';
import { findAuthorities, readResolvers } from '../../host/dns.ts';
import type { Host } from '../../host/host.ts';
import type { MailDomain } from '../address.ts';
import type { Appliance } from '../appliance.ts';
import { hasValue, readSet } from '../dns/publish/present.ts';
import { publishValues } from '../dns/publish/values.ts';
import { readDkimKey } from './dkim.ts';
import { type DkimRecord, dkimRecord, formatZoneRecord, type Selector } from './record.ts';

/** Null when the key's file is missing. */
export async function recordOf(
  host: Host,
  { paths }: Appliance,
  { domain, selector }: { domain: MailDomain; selector: Selector },
): Promise<DkimRecord | null> {
  const key = await readDkimKey(host, paths, { domain, selector });
  return key === null ? null : dkimRecord(domain, selector, key);
}

/** Without a provider the operator publishes the record; this only checks it. */
async function requirePublishedByHand(
  host: Host,
  { settings }: Appliance,
  record: DkimRecord,
): Promise<void> {
  const resolvers = await readResolvers(host, settings.dns.resolver);
  const authorities = await findAuthorities(resolvers, record.name);
  const { set } = await readSet(authorities, { name: record.name, type: 'TXT' });
  if (hasValue(set, record.value)) return;
  throw new MailctlError(
    'DNS_NOT_VISIBLE',
    `the record ${record.name} is not published; the old key signs until it is. Publish:\n${formatZoneRecord(record)}`,
    { hint: 'mailctl dkim step   (after it is published)' },
  );
}

/** Throws what `publishValues` throws; DNS_NOT_VISIBLE with the record that the operator must publish. */
export async function requirePublished(
  host: Host,
  target: Appliance,
  record: DkimRecord,
): Promise<void> {
  const { settings } = target;
  if (settings.dns.provider === 'none') return requirePublishedByHand(host, target, record);
  const value = { name: record.name, type: 'TXT' as const, value: record.value };
  await publishValues(host, target, [value], { ttl: settings.dns.ttl });
}
