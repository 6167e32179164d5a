// Checks of the public address: forward-confirmed reverse DNS, and blocklists.

import { type DnsServer, queryResolver, serverLabel } from '../../../host/dns.ts';
import { reverseLabels, reverseName } from '../publish/names.ts';
import { readValues } from '../publish/present.ts';
import { type DnsFinding, finding } from './finding.ts';

async function valuesOf(
  resolvers: readonly DnsServer[],
  name: string,
  type: 'A' | 'AAAA' | 'PTR' | 'TXT',
): Promise<{ rcode: string; values: string[] }> {
  const { rcode, answers } = await queryResolver(resolvers, { name, type });
  return { rcode, values: answers.filter((one) => one.type === type).map(({ value }) => value) };
}

/** Forward-confirmed reverse DNS: many servers refuse mail without it. Throws DNS_UNREACHABLE. */
export async function checkReverse(
  resolvers: readonly DnsServer[],
  { address, hostname }: { address: string; hostname: string },
): Promise<DnsFinding> {
  const reverse = reverseName(address);
  const measured = `resolver ${resolvers.map(serverLabel).join(', ')}: PTR ${reverse}, then back`;
  const base = { id: 'ptr', subject: `${address} PTR`, measured };
  const wanted = [`${hostname}.`];
  const fix = `ask the provider of ${address} to set its PTR record to ${hostname}`;
  const { rcode, values: published } = await valuesOf(resolvers, reverse, 'PTR');
  if (rcode !== 'NOERROR' && rcode !== 'NXDOMAIN') {
    const message = `inconclusive: the resolver answers ${rcode}`;
    return finding({ ...base, verdict: 'unknown', message }, { wanted });
  }
  if (published.length === 0) {
    const message = `${address} has no PTR record: many servers refuse mail from such an address`;
    return finding({ ...base, verdict: 'missing', message }, { wanted, fix });
  }
  const type = address.includes(':') ? 'AAAA' : 'A';
  const confirmed: string[] = [];
  for (const name of published) {
    const forward = name.replace(/\.$/, '');
    const { values } =
      forward === hostname
        ? await readValues(resolvers, { name: forward, type })
        : await valuesOf(resolvers, forward, type);
    if (values.includes(address)) confirmed.push(name);
  }
  const details = { published, wanted, fix };
  if (confirmed.length === 0) {
    const message = `${published.join(' | ')} does not resolve to ${address}`;
    return finding({ ...base, verdict: 'wrong', message }, details);
  }
  if (!confirmed.includes(`${hostname}.`)) {
    const message = `the PTR record is ${confirmed.join(' | ')}, but the hostname is ${hostname}`;
    return finding({ ...base, verdict: 'wrong', message }, details);
  }
  const message = `${hostname} and ${address} resolve to each other`;
  return finding({ ...base, verdict: 'right', message }, { published, wanted });
}

/** Addresses with which a blocklist refuses to answer this resolver. */
const REFUSAL = /^127\.255\.255\./;

/** Throws DNS_UNREACHABLE. */
export async function checkBlocklist(
  resolvers: readonly DnsServer[],
  { address, list }: { address: string; list: string },
): Promise<DnsFinding> {
  const name = `${reverseLabels(address)}.${list}`;
  const measured = `resolver ${resolvers.map(serverLabel).join(', ')}: A ${name}`;
  const base = { id: 'blocklist', subject: `${address} at ${list}`, measured };
  const unknown = (why: string) =>
    finding({ ...base, verdict: 'unknown', message: `inconclusive: ${why}` });
  const { rcode, values } = await valuesOf(resolvers, name, 'A');
  if (rcode !== 'NOERROR' && rcode !== 'NXDOMAIN') return unknown(`the resolver answers ${rcode}`);
  if (values.some((value) => REFUSAL.test(value))) {
    return unknown(
      `${list} refuses this resolver (${values.join(', ')}): a public resolver, or over the query limit`,
    );
  }
  const foreign = values.find((value) => !value.startsWith('127.') || value === '127.0.0.1');
  if (foreign !== undefined) {
    return unknown(`${list} answers ${foreign}, which is not a blocklist answer (RFC 5782 2.1)`);
  }
  if (values.length === 0) return judgeSilence(resolvers, { list, base, unknown });
  const { values: reasons } = await valuesOf(resolvers, name, 'TXT');
  const why = reasons.length > 0 ? `: ${reasons.join(' ')}` : '';
  const message = `${address} is listed (${values.join(', ')})${why}`;
  const fix = `look up the reason at ${list}, remove the cause, then request the removal there`;
  return finding({ ...base, verdict: 'wrong', message }, { published: values, fix });
}

interface Silence {
  readonly list: string;
  readonly base: Pick<DnsFinding, 'id' | 'subject' | 'measured'>;
  readonly unknown: (why: string) => DnsFinding;
}

/** Not listed, if the list works: every list contains the test entry 127.0.0.2 (RFC 5782 5). */
async function judgeSilence(
  resolvers: readonly DnsServer[],
  { list, base, unknown }: Silence,
): Promise<DnsFinding> {
  const test = await valuesOf(resolvers, `2.0.0.127.${list}`, 'A');
  if (test.values.some((value) => REFUSAL.test(value))) {
    return unknown(`${list} refuses this resolver (${test.values.join(', ')})`);
  }
  if (test.values.length === 0) {
    return unknown(`${list} does not list its test entry 127.0.0.2: not a blocklist, or shut down`);
  }
  return finding({ ...base, verdict: 'right', message: 'not listed' });
}
