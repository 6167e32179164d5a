// The zones themselves: are they there, are they signed, and names that send no mail but could say so.

import type { Authorities, DnsServer } from '../../../host/dns.ts';
import { readValues } from '../publish/present.ts';
import { isSpf } from '../spf.ts';
import type { Security } from '../zones.ts';
import { type DnsFinding, finding } from './finding.ts';

const MESSAGES: Readonly<Record<Security, Pick<DnsFinding, 'verdict' | 'message' | 'fix'>>> = {
  signed: { verdict: 'right', message: 'signed, with a DS record in the parent zone', fix: null },
  unsigned: {
    verdict: 'advice',
    message: 'not signed (DNSSEC): forged answers are not noticed, and DANE is not possible',
    fix: 'switch DNSSEC on where the zone is managed',
  },
  unlinked: {
    verdict: 'advice',
    message: 'signed, but the parent zone has no DS record, so nobody can check the signatures',
    fix: 'hand the DS record to the registrar of the domain',
  },
  broken: {
    verdict: 'wrong',
    message: 'its signatures do not fit the DS record above: validating resolvers refuse the zone',
    fix: 'correct or remove the DS record at the registrar',
  },
};

export function describeSecurity({ zone, servers }: Authorities, security: Security): DnsFinding {
  const { verdict, message, fix } = MESSAGES[security];
  const names = servers.map(({ name }) => name).join(', ');
  const measured = `DS and validation by the resolver, DNSKEY at ${names}`;
  return finding({ id: 'dnssec', subject: zone, verdict, message, measured }, { fix });
}

async function adviseSilentName(
  resolvers: readonly DnsServer[],
  name: string,
): Promise<DnsFinding | null> {
  const [a, mx, txt] = await Promise.all([
    readValues(resolvers, { name, type: 'A' }),
    readValues(resolvers, { name, type: 'MX' }),
    readValues(resolvers, { name, type: 'TXT' }),
  ]);
  // an alias can hold no records of its own
  if (a.values.length === 0 || mx.values.length > 0 || txt.values.some(isSpf)) return null;
  const message = 'sends no mail, as it seems: saying so keeps others from sending in its name';
  const fix = `publish: ${name}. IN MX 0 .   and: ${name}. IN TXT "v=spf1 -all"   (RFC 7505)`;
  const base = { id: 'silent-name', subject: name, measured: MEASURED };
  return finding({ ...base, verdict: 'advice', message }, { fix });
}

const MEASURED = 'A, MX and TXT at the authoritative servers';

/** Names that send nothing, or bounces alone, and do not say so: others may send in their name. */
export async function adviseSilentNames(
  resolvers: readonly DnsServer[],
  { hostname, domains }: { hostname: string; domains: readonly string[] },
): Promise<DnsFinding[]> {
  const names = domains.map((domain) => `www.${domain}`).filter((name) => name !== hostname);
  const found = await Promise.all(names.map((name) => adviseSilentName(resolvers, name)));
  const advice = found.filter((one) => one !== null);
  if (domains.includes(hostname)) return advice;
  const { values } = await readValues(resolvers, { name: hostname, type: 'TXT' });
  if (values.some(isSpf)) return advice;
  const message = 'bounces are sent in its name: an SPF record of its own lets others check them';
  const fix = `publish: ${hostname}. IN TXT "v=spf1 a -all"   (RFC 7208 2.3)`;
  const base = { id: 'silent-name', subject: hostname, measured: MEASURED };
  return [...advice, finding({ ...base, verdict: 'advice', message }, { fix })];
}
