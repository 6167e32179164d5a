// The zones themselves: are they there, are they signed, and names that send no mail but could say so.

import { type Authorities, type DnsServer, queryResolver } from '../../host/dns.ts';
import { type DnsFinding, finding } from './finding.ts';
import { isSpf } from './spf.ts';
import type { Security } from './zones.ts';

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

/** Names that exist, send nothing, and do not say so: others may send in their name. */
export async function adviseSilentNames(
  resolvers: readonly DnsServer[],
  { hostname, domains }: { hostname: string; domains: readonly string[] },
): Promise<DnsFinding[]> {
  const candidates = domains.map((domain) => `www.${domain}`).filter((name) => name !== hostname);
  const advice = await Promise.all(
    candidates.map(async (name): Promise<DnsFinding[]> => {
      const [a, mx, txt] = await Promise.all(
        (['A', 'MX', 'TXT'] as const).map((type) => queryResolver(resolvers, { name, type })),
      );
      const has = (answer: typeof a, type: string) =>
        answer?.answers.some((one) => one.type === type);
      // an alias can hold no records of its own
      if (!has(a, 'A') || has(a, 'CNAME') || has(mx, 'MX')) return [];
      if (txt?.answers.some(({ value }) => isSpf(value))) return [];
      const message = 'sends no mail, as it seems: saying so keeps others from sending in its name';
      const fix = `publish: ${name}. IN MX 0 .   and: ${name}. IN TXT "v=spf1 -all"   (RFC 7505)`;
      const measured = 'A, MX and TXT by the resolver';
      return [
        finding(
          { id: 'silent-name', subject: name, verdict: 'advice', message, measured },
          { fix },
        ),
      ];
    }),
  );
  if (domains.includes(hostname)) return advice.flat();
  const { answers } = await queryResolver(resolvers, { name: hostname, type: 'TXT' });
  if (answers.some(({ value }) => isSpf(value))) return advice.flat();
  const helo = finding(
    {
      ...{ id: 'silent-name', subject: hostname, verdict: 'advice' },
      message: 'bounces are sent in its name: an SPF record of its own lets others check them',
      measured: 'TXT by the resolver',
    },
    { fix: `publish: ${hostname}. IN TXT "v=spf1 a -all"   (RFC 7208 2.3)` },
  );
  return [...advice.flat(), helo];
}
