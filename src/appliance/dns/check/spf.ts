// How many look-ups a domain's SPF record costs its readers: more than ten, and none of it counts.

import { type DnsServer, queryResolver } from '../../../host/dns.ts';
import { readValues } from '../publish/present.ts';
import { isSpf, parseSpf, type SpfTerm } from '../spf.ts';
import { type DnsFinding, finding } from './finding.ts';

/** RFC 7208 4.6.4 */
const MAX_LOOKUPS = 10;
const COUNTED = ['include', 'a', 'mx', 'ptr', 'exists', 'redirect'];

interface Count {
  lookups: number;
  readonly seen: Set<string>;
  /** What keeps the count from being exact, or makes the record void. */
  readonly problems: string[];
}

/** Throws DNS_UNREACHABLE. */
async function spfOf(resolvers: readonly DnsServer[], name: string): Promise<string[]> {
  const { answers } = await queryResolver(resolvers, { name, type: 'TXT' });
  return answers.flatMap(({ type, value }) => (type === 'TXT' && isSpf(value) ? [value] : []));
}

async function follow(resolvers: readonly DnsServer[], term: SpfTerm, count: Count): Promise<void> {
  if (!['include', 'redirect'].includes(term.name)) return;
  const name = term.value.toLowerCase().replace(/\.$/, '');
  if (name.includes('%')) {
    count.problems.push(`${term.text} depends on the sender, so what it costs is not known`);
    return;
  }
  if (count.seen.has(name)) {
    count.problems.push(`${term.text} leads back to itself`);
    return;
  }
  count.seen.add(name);
  const [record, second] = await spfOf(resolvers, name);
  if (record === undefined) count.problems.push(`${term.text} leads to no SPF record`);
  else if (second !== undefined) count.problems.push(`${name} has several SPF records`);
  else await countIn(resolvers, record, count);
  count.seen.delete(name);
}

async function countIn(resolvers: readonly DnsServer[], text: string, count: Count): Promise<void> {
  const terms = parseSpf(text);
  const hasAll = terms.some(({ name }) => name === 'all');
  for (const term of terms) {
    // RFC 7208 6.1: redirect is not looked at where there is an all
    if (!COUNTED.includes(term.name) || (term.name === 'redirect' && hasAll)) continue;
    count.lookups += 1;
    // an attacker, or an accident: enough is known
    if (count.lookups > 3 * MAX_LOOKUPS) return;
    await follow(resolvers, term, count);
  }
}

/** null when the domain has no SPF record, which another check tells. */
export async function checkSpfLookups(
  resolvers: readonly DnsServer[],
  domain: string,
): Promise<DnsFinding | null> {
  const { values } = await readValues(resolvers, { name: domain, type: 'TXT' });
  const records = values.filter(isSpf);
  const [record] = records;
  if (record === undefined || records.length > 1) return null;
  const count: Count = { lookups: 0, seen: new Set([domain]), problems: [] };
  await countIn(resolvers, record, count);
  const base = {
    id: 'spf.lookups',
    subject: `${domain} SPF`,
    measured: 'followed its terms through the resolver',
  };
  const sum = `it costs ${count.lookups} look-ups of ${MAX_LOOKUPS} allowed (RFC 7208 4.6.4)`;
  if (count.lookups > MAX_LOOKUPS) {
    const fix = 'replace include: terms by the ip4: and ip6: networks they lead to';
    return finding(
      { ...base, verdict: 'wrong', message: `${sum}, so nobody may use it` },
      { published: [record], fix },
    );
  }
  const message = [sum, ...count.problems].join('; ');
  const verdict = count.problems.length > 0 ? 'wrong' : 'right';
  return finding({ ...base, verdict, message }, { published: [record] });
}
