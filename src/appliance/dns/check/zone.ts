// Checks of the zones: DNSSEC, and names without an SPF record that send no mail or only bounces.

import type { Authorities, DnsServer } from '../../../host/dns.ts';
import { readValues } from '../publish/present.ts';
import { isSpf } from '../spf.ts';
import type { Security } from '../zones.ts';
import { type DnsFinding, finding } from './finding.ts';

const MESSAGES: Readonly<Record<Security, Pick<DnsFinding, 'verdict' | 'message' | 'fix'>>> = {
  signed: { verdict: 'right', message: 'signed, with a DS record in the parent zone', fix: null },
  unsigned: {
    verdict: 'advice',
    message: 'not signed (DNSSEC): forged answers are not detected, and DANE is not possible',
    fix: 'enable DNSSEC at the DNS provider of the zone',
  },
  unlinked: {
    verdict: 'advice',
    message: 'signed, but without a DS record in the parent zone: resolvers cannot validate it',
    fix: 'add the DS record at the registrar of the domain',
  },
  broken: {
    verdict: 'wrong',
    message: 'the DNSKEY does not match the DS record: validating resolvers refuse the zone',
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
  // a CNAME cannot have other records beside it
  if (a.values.length === 0 || mx.values.length > 0 || txt.values.some(isSpf)) return null;
  const message =
    'seems to send no mail: a null MX and an SPF record protect it against forged senders';
  const fix = `publish: ${name}. IN MX 0 .   and: ${name}. IN TXT "v=spf1 -all"   (RFC 7505)`;
  const base = { id: 'silent-name', subject: name, measured: MEASURED };
  return finding({ ...base, verdict: 'advice', message }, { fix });
}

const MEASURED = 'A, MX and TXT at the authoritative servers';

/** Names that send no mail, or bounces only, and have no SPF record against forged senders. */
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
  const message =
    'bounces are sent from this name: with its own SPF record, receivers can check them';
  const fix = `publish: ${hostname}. IN TXT "v=spf1 a -all"   (RFC 7208 2.3)`;
  const base = { id: 'silent-name', subject: hostname, measured: MEASURED };
  return [...advice, finding({ ...base, verdict: 'advice', message }, { fix })];
}
