// dns-check: looks up everything that the DNS shows about this server and judges it. A check that cannot be
// completed is inconclusive, with the reason. Nothing is changed.

import { MailctlError } from '../../../errors.ts';
import { type DnsServer, findAuthorities, readResolvers } from '../../../host/dns.ts';
import type { Host } from '../../../host/host.ts';
import type { MailDomain } from '../../address.ts';
import type { Appliance } from '../../appliance.ts';
import { readRecordFacts } from '../facts.ts';
import { ADDRESS_HINT } from '../public-address.ts';
import { readDnsState } from '../publish/state.ts';
import { type RecordFacts, wantedRecords } from '../records.ts';
import { chooseDomains, knowledgeOf } from '../setup.ts';
import { readSecurity, type Security, zoneOfName } from '../zones.ts';
import { checkBlocklist, checkReverse } from './address.ts';
import { type DnsFinding, finding } from './finding.ts';
import { checkPort25 } from './port.ts';
import { type CheckedZone, checkRecords } from './records.ts';
import { checkSpfLookups } from './spf.ts';
import { adviseSilentNames, describeSecurity } from './zone.ts';

/** A failed check becomes an inconclusive finding: the other checks still report. */
async function orUnknown(
  base: Pick<DnsFinding, 'id' | 'subject' | 'measured'>,
  check: () => Promise<readonly DnsFinding[] | DnsFinding | null>,
): Promise<readonly DnsFinding[]> {
  try {
    return [(await check()) ?? []].flat();
  } catch (error) {
    if (!(error instanceof MailctlError)) throw error;
    const message = `inconclusive: ${error.message}`;
    return [finding({ ...base, verdict: 'unknown', message }, { fix: error.hint ?? null })];
  }
}

interface FoundZone extends CheckedZone {
  readonly zone: string;
  readonly security: Security;
}

async function findZone(
  resolvers: readonly DnsServer[],
  name: string,
): Promise<{ found: FoundZone | null; problem: readonly DnsFinding[] }> {
  const base = { id: 'zone', subject: name, measured: 'SOA and NS by the resolver' };
  let found: FoundZone | null = null;
  const problem = await orUnknown(base, async () => {
    const authorities = await findAuthorities(resolvers, name);
    const { zone } = authorities;
    if (!zone.includes('.')) {
      const message = `not delegated: no such name in the zone .${zone}`;
      return finding({ ...base, verdict: 'missing', message }, { fix: 'register the domain' });
    }
    found = { zone, authorities, security: await readSecurity(resolvers, authorities), wanted: [] };
    return null;
  });
  return { found, problem };
}

async function checkZones(
  host: Host,
  target: Appliance,
  { facts, resolvers }: { facts: RecordFacts; resolvers: readonly DnsServer[] },
): Promise<readonly DnsFinding[]> {
  const names = [...facts.domains, target.settings.main.hostname];
  const zones = new Map<string, FoundZone>();
  const findings: DnsFinding[] = [];
  for (const name of names) {
    const { found, problem } = await findZone(resolvers, name);
    findings.push(...problem);
    if (found !== null) zones.set(found.zone, found);
  }
  const all = [...zones.values()];
  const wanted = wantedRecords(facts);
  const filled = all.map((zone) => ({
    ...zone,
    wanted: wanted.filter(
      (record) =>
        zoneOfName(all, record.name)?.zone === zone.zone &&
        (record.needsDnssec !== true || zone.security === 'signed'),
    ),
  }));
  const state = await readDnsState(host, target.paths);
  const known = knowledgeOf(state, target.settings.dns.ttl);
  findings.push(...(await checkRecords(resolvers, filled, known)));
  findings.push(...all.map(({ authorities, security }) => describeSecurity(authorities, security)));
  return findings;
}

async function checkAddresses({
  facts,
  resolvers,
}: {
  facts: RecordFacts;
  resolvers: readonly DnsServer[];
}): Promise<readonly DnsFinding[]> {
  const { settings, addresses: found } = facts;
  const addresses = [...found.ipv4, ...found.ipv6];
  const { hostname } = settings.main;
  const base = { id: 'address', subject: 'public address', measured: found.source };
  const fix = ADDRESS_HINT;
  const wrong = found.unfit.map((message) =>
    finding({ ...base, verdict: addresses.length > 0 ? 'advice' : 'wrong', message }, { fix }),
  );
  const checks = addresses.flatMap((address) => [
    orUnknown({ id: 'ptr', subject: `${address} PTR`, measured: 'resolver' }, () =>
      checkReverse(resolvers, { address, hostname }),
    ),
    ...settings.dns.blocklists.map((list) =>
      orUnknown({ id: 'blocklist', subject: `${address} at ${list}`, measured: 'resolver' }, () =>
        checkBlocklist(resolvers, { address, list }),
      ),
    ),
  ]);
  return [...wrong, ...(await Promise.all(checks)).flat()];
}

/** Throws DOMAIN_UNKNOWN, DKIM_KEY_INVALID: without them the wanted records are unknown. */
export async function checkDns(
  host: Host,
  target: Appliance,
  named: readonly MailDomain[] = [],
): Promise<readonly DnsFinding[]> {
  const domains = await chooseDomains(host, target, named);
  const facts = await readRecordFacts(host, target, domains);
  const resolvers = await readResolvers(host, target.settings.dns.resolver);
  const { hostname } = target.settings.main;
  const spf = domains.map((domain) => {
    const base = { id: 'spf.lookups', subject: `${domain} SPF`, measured: 'resolver' };
    return orUnknown(base, () => checkSpfLookups(resolvers, domain));
  });
  const silent = { id: 'silent-name', subject: hostname, measured: 'resolver' };
  const parts = await Promise.all([
    checkZones(host, target, { facts, resolvers }),
    ...spf,
    checkAddresses({ facts, resolvers }),
    checkPort25(host, target),
    orUnknown(silent, () => adviseSilentNames(resolvers, { hostname, domains })),
  ]);
  return parts.flat();
}
