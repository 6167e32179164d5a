// The public address: does its name lead back to it, and is it on a blocklist.

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
  const fix = `ask the provider of ${address} to set its reverse name to ${hostname}`;
  const { rcode, values: published } = await valuesOf(resolvers, reverse, 'PTR');
  if (rcode !== 'NOERROR' && rcode !== 'NXDOMAIN') {
    const message = `could not tell, because the resolver answers ${rcode}`;
    return finding({ ...base, verdict: 'unknown', message }, { wanted });
  }
  if (published.length === 0) {
    const message = `${address} has no reverse name, and many servers refuse mail from such an address`;
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
    const message = `${published.join(' | ')} does not lead back to ${address}`;
    return finding({ ...base, verdict: 'wrong', message }, details);
  }
  if (!confirmed.includes(`${hostname}.`)) {
    const message = `the reverse name is ${confirmed.join(' | ')}; the server calls itself ${hostname}`;
    return finding({ ...base, verdict: 'wrong', message }, details);
  }
  const message = `${hostname} and ${address} lead to each other`;
  return finding({ ...base, verdict: 'right', message }, { published, wanted });
}

/** Answers with which lists say that they do not answer this resolver. */
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
    finding({ ...base, verdict: 'unknown', message: `could not tell, because ${why}` });
  const { rcode, values } = await valuesOf(resolvers, name, 'A');
  if (rcode !== 'NOERROR' && rcode !== 'NXDOMAIN') return unknown(`the resolver answers ${rcode}`);
  if (values.some((value) => REFUSAL.test(value))) {
    return unknown(
      `${list} does not answer this resolver (${values.join(', ')}): it is a public one, or asks too much`,
    );
  }
  const foreign = values.find((value) => !value.startsWith('127.') || value === '127.0.0.1');
  if (foreign !== undefined) {
    return unknown(`${list} answers ${foreign}, which no blocklist says (RFC 5782 2.1)`);
  }
  if (values.length === 0) return judgeSilence(resolvers, { list, base, unknown });
  const { values: reasons } = await valuesOf(resolvers, name, 'TXT');
  const why = reasons.length > 0 ? `: ${reasons.join(' ')}` : '';
  const message = `${address} is listed (${values.join(', ')})${why}`;
  const fix = `find out why at ${list}, stop it, then ask there to be removed`;
  return finding({ ...base, verdict: 'wrong', message }, { published: values, fix });
}

interface Silence {
  readonly list: string;
  readonly base: Pick<DnsFinding, 'id' | 'subject' | 'measured'>;
  readonly unknown: (why: string) => DnsFinding;
}

/** Not listed, if the list is alive: every list has 127.0.0.2 on it (RFC 5782 5). */
async function judgeSilence(
  resolvers: readonly DnsServer[],
  { list, base, unknown }: Silence,
): Promise<DnsFinding> {
  const test = await valuesOf(resolvers, `2.0.0.127.${list}`, 'A');
  if (test.values.some((value) => REFUSAL.test(value))) {
    return unknown(`${list} does not answer this resolver (${test.values.join(', ')})`);
  }
  if (test.values.length === 0) {
    return unknown(`${list} does not list its own test entry either: it is no blocklist, or gone`);
  }
  return finding({ ...base, verdict: 'right', message: 'not listed' });
}
