// Counts the DNS lookups of a domain's SPF record: with more than ten, receivers treat the record as an error.

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
  /** Why the count is inexact, or the record invalid. */
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
    count.problems.push(`${term.text} depends on the sender, so its lookups cannot be counted`);
    return;
  }
  if (count.seen.has(name)) {
    count.problems.push(`${term.text} is a loop`);
    return;
  }
  count.seen.add(name);
  const [record, second] = await spfOf(resolvers, name);
  if (record === undefined) count.problems.push(`${term.text}: ${name} has no SPF record`);
  else if (second !== undefined) count.problems.push(`${name} has several SPF records`);
  else await countIn(resolvers, record, count);
  count.seen.delete(name);
}

async function countIn(resolvers: readonly DnsServer[], text: string, count: Count): Promise<void> {
  const terms = parseSpf(text);
  const hasAll = terms.some(({ name }) => name === 'all');
  for (const term of terms) {
    // RFC 7208 6.1: a redirect is ignored if there is an all
    if (!COUNTED.includes(term.name) || (term.name === 'redirect' && hasAll)) continue;
    count.lookups += 1;
    // bounds the number of queries that a foreign record can cause
    if (count.lookups > 3 * MAX_LOOKUPS) return;
    await follow(resolvers, term, count);
  }
}

/** null if the domain does not have exactly one SPF record: the record check reports that. */
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
    measured: 'followed the terms of the record through the resolver',
  };
  const sum = `${count.lookups} DNS lookups of ${MAX_LOOKUPS} allowed (RFC 7208 4.6.4)`;
  if (count.lookups > MAX_LOOKUPS) {
    const fix = 'replace include: terms by the ip4: and ip6: networks that they contain';
    return finding(
      {
        ...base,
        verdict: 'wrong',
        message: `${sum}: receivers treat the record as a permanent error`,
      },
      { published: [record], fix },
    );
  }
  const message = [sum, ...count.problems].join('; ');
  const verdict = count.problems.length > 0 ? 'wrong' : 'right';
  return finding({ ...base, verdict, message }, { published: [record] });
}
