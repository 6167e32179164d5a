// The zones of the server's names: their authoritative servers, DNSSEC, and the published records.

import {
  type Authorities,
  type DnsServer,
  findAuthorities,
  queryAuthorities,
  queryResolver,
} from '../../host/dns.ts';
import { isAtOrBelow } from './publish/names.ts';
import { type PresentSet, readSets, type SetName, setKey } from './publish/present.ts';
import type { WantedRecord } from './records.ts';

/**
 * `signed`: with a chain of trust from the parent. `unlinked`: signed, but the parent has no DS record.
 * `broken`: a validating resolver refuses it.
 */
export type Security = 'signed' | 'unsigned' | 'unlinked' | 'broken';

export interface ZoneView {
  readonly authorities: Authorities;
  readonly security: Security;
  readonly wanted: readonly WantedRecord[];
  readonly present: ReadonlyMap<string, PresentSet>;
  /** Servers that did not answer; the others agree. */
  readonly problems: readonly string[];
}

export async function readSecurity(
  resolvers: readonly DnsServer[],
  authorities: Authorities,
): Promise<Security> {
  const { zone } = authorities;
  const soa = { name: zone, type: 'SOA' } as const;
  const { rcode } = await queryResolver(resolvers, soa, { dnssec: true });
  if (rcode === 'SERVFAIL') {
    const unchecked = await queryResolver(resolvers, soa, { checkingDisabled: true });
    return unchecked.rcode === 'NOERROR' ? 'broken' : 'unsigned';
  }
  const ds = await queryResolver(resolvers, { name: zone, type: 'DS' });
  const hasDs = ds.answers.some(({ type }) => type === 'DS');
  const keys = await queryAuthorities(authorities, { name: zone, type: 'DNSKEY' });
  const hasKeys = keys.some(({ answer }) => answer?.answers.some(({ type }) => type === 'DNSKEY'));
  if (hasDs) return hasKeys ? 'signed' : 'broken';
  return hasKeys ? 'unlinked' : 'unsigned';
}

/** The zones of the names, each once. */
export async function findZones(
  resolvers: readonly DnsServer[],
  names: readonly string[],
): Promise<Authorities[]> {
  const zones: Authorities[] = [];
  for (const name of names) {
    const found = await findAuthorities(resolvers, name);
    if (!zones.some(({ zone }) => zone === found.zone)) zones.push(found);
  }
  return zones;
}

/** The zone nearest above the name. */
export function zoneOfName<Z extends { readonly zone: string }>(
  zones: readonly Z[],
  name: string,
): Z | undefined {
  return zones
    .filter(({ zone }) => isAtOrBelow(name, zone))
    .sort((a, b) => b.zone.length - a.zone.length)[0];
}

/** The record sets to query before these records can be planned. */
function questionsFor(wanted: readonly WantedRecord[], more: readonly SetName[]): SetName[] {
  const beside = wanted
    .filter(({ type }) => type === 'CNAME')
    .flatMap(({ name }) => (['A', 'AAAA'] as const).map((type) => ({ name, type })));
  const all = [...wanted, ...beside, ...more].map(({ name, type }) => ({ name, type }));
  return [...new Map(all.map((set) => [setKey(set), set])).values()];
}

/** @param more record sets to query beside those of `wanted` */
export async function readZones(
  resolvers: readonly DnsServer[],
  zones: readonly Authorities[],
  { wanted, more }: { wanted: readonly WantedRecord[]; more: readonly SetName[] },
): Promise<ZoneView[]> {
  return Promise.all(
    zones.map(async (authorities): Promise<ZoneView> => {
      const isHere = ({ name }: SetName) => zoneOfName(zones, name)?.zone === authorities.zone;
      const security = await readSecurity(resolvers, authorities);
      const here = wanted.filter(
        (record) => isHere(record) && (record.needsDnssec !== true || security === 'signed'),
      );
      const { sets, problems } = await readSets(
        authorities,
        questionsFor(here, more.filter(isHere)),
      );
      return { authorities, security, wanted: here, present: sets, problems };
    }),
  );
}
