// DNS queries: to a resolver, and to every authoritative server of a zone, which caches nothing.

import { MailctlError } from '../errors.ts';
import { type DnsServer, queryServer, serverLabel } from './dns/exchange.ts';
import type { DnsAnswer, QueryFlags, Question } from './dns/message.ts';
import type { Host } from './host.ts';

export { type DnsServer, serverLabel } from './dns/exchange.ts';
export {
  type DnsAnswer,
  type DnsRecord,
  negativeTtl,
  type Question,
  RECORD_TYPES,
  type RecordType,
} from './dns/message.ts';

/** A server that a zone's NS records name. */
export interface Authority {
  readonly name: string;
  /** Empty when its name has no address. */
  readonly addresses: readonly string[];
}

export interface Authorities {
  readonly zone: string;
  readonly servers: readonly Authority[];
}

/** The answer of one authoritative server, or the `problem` with it. */
export type AuthorityAnswer =
  | { readonly server: string; readonly answer: DnsAnswer; readonly problem: null }
  | { readonly server: string; readonly answer: null; readonly problem: string };

/** @param configured addresses to use instead of those in /etc/resolv.conf */
export async function readResolvers(
  host: Host,
  configured: readonly string[],
): Promise<readonly DnsServer[]> {
  const listed = configured.length > 0 ? configured : await systemResolvers(host);
  return listed.map((address) => ({ name: address, address }));
}

async function systemResolvers(host: Host): Promise<string[]> {
  const lines = ((await host.files.read('/etc/resolv.conf')) ?? '').split('\n');
  const found = lines.flatMap((line) => /^\s*nameserver\s+([0-9a-fA-F.:]+)/.exec(line)?.[1] ?? []);
  return found.length > 0 ? found : ['127.0.0.1'];
}

/**
 * Asks the resolvers in turn until one has an answer; without one, returns the last refusal or SERVFAIL.
 * Throws DNS_UNREACHABLE when no resolver replies.
 */
export async function queryResolver(
  resolvers: readonly DnsServer[],
  question: Question,
  flags: QueryFlags = {},
): Promise<DnsAnswer> {
  let refusal: DnsAnswer | null = null;
  const silent: string[] = [];
  for (const server of resolvers) {
    try {
      const answer = await queryServer(server, question, { recursion: true, ...flags });
      if (['NOERROR', 'NXDOMAIN'].includes(answer.rcode)) return answer;
      refusal = answer;
    } catch (error) {
      if (!(error instanceof MailctlError)) throw error;
      silent.push(serverLabel(server));
    }
  }
  if (refusal !== null) return refusal;
  throw new MailctlError('DNS_UNREACHABLE', `no resolver answers (${silent.join(', ')})`, {
    hint: 'check /etc/resolv.conf, or set mailserver.dns.resolver',
  });
}

/** The zone of a name, as a resolver finds it. */
async function cachedZone(resolvers: readonly DnsServer[], name: string): Promise<string> {
  const { rcode, answers, authorities } = await queryResolver(resolvers, { name, type: 'SOA' });
  if (rcode !== 'NOERROR' && rcode !== 'NXDOMAIN') {
    throw new MailctlError('DNS_UNREACHABLE', `the resolver cannot look up ${name}: ${rcode}`, {
      hint: `dig SOA ${name}   (SERVFAIL: its servers are silent, or its DNSSEC is broken)`,
    });
  }
  const isAbove = (owner: string) => owner === '.' || name === owner || name.endsWith(`.${owner}`);
  const soa = [...answers, ...authorities].find(
    (record) => record.type === 'SOA' && isAbove(record.name),
  );
  return soa?.name ?? '.';
}

/**
 * The zone below `known` that contains `name`, from the servers of `known`; null when it is `known`.
 * A resolver is not asked, since it would cache that the name does not exist.
 */
async function deeperZone(known: Authorities, name: string): Promise<string | null> {
  for (const { name: server, addresses } of known.servers) {
    for (const address of addresses) {
      try {
        const answer = await queryServer({ name: server, address }, { name, type: 'SOA' });
        const cut = [...answer.answers, ...answer.authorities].find(
          ({ type, name: owner }) =>
            (type === 'SOA' || (type === 'NS' && !answer.authoritative)) &&
            (name === owner || name.endsWith(`.${owner}`)) &&
            owner.endsWith(`.${known.zone}`),
        );
        return cut?.name ?? null;
      } catch (error) {
        if (!(error instanceof MailctlError)) throw error;
      }
    }
  }
  return null;
}

async function addressesOf(resolvers: readonly DnsServer[], name: string): Promise<string[]> {
  const families = (['A', 'AAAA'] as const).map((type) =>
    queryResolver(resolvers, { name, type }).then(({ answers }) =>
      answers.filter((record) => record.type === type).map(({ value }) => value),
    ),
  );
  return (await Promise.all(families)).flat();
}

async function readServers(resolvers: readonly DnsServer[], zone: string): Promise<Authorities> {
  const { answers } = await queryResolver(resolvers, { name: zone, type: 'NS' });
  const names = answers
    .filter((record) => record.type === 'NS' && record.name === zone)
    .map(({ value }) => value.replace(/\.$/, ''))
    .sort();
  const servers = await Promise.all(
    names.map(async (server) => ({
      name: server,
      addresses: await addressesOf(resolvers, server),
    })),
  );
  if (servers.length > 0) return { zone, servers };
  throw new MailctlError('DNS_UNREACHABLE', `the resolver knows no servers of the zone ${zone}`);
}

/** The zone that contains `name`, and the servers of its NS records. Throws DNS_UNREACHABLE. */
export async function findAuthorities(
  resolvers: readonly DnsServer[],
  name: string,
): Promise<Authorities> {
  const top = name.split('.').slice(-2).join('.');
  let found = await readServers(resolvers, await cachedZone(resolvers, top));
  for (;;) {
    const deeper = found.zone === name ? null : await deeperZone(found, name);
    if (deeper === null) return found;
    found = await readServers(resolvers, deeper);
  }
}

function problemOf({ rcode, authoritative }: DnsAnswer): string | null {
  if (rcode !== 'NOERROR' && rcode !== 'NXDOMAIN') return `answers ${rcode}`;
  return authoritative ? null : 'does not serve this zone';
}

async function queryAuthority(authority: Authority, question: Question): Promise<AuthorityAnswer> {
  const { name, addresses } = authority;
  if (addresses.length === 0) {
    return { server: name, answer: null, problem: `${name} has no address` };
  }
  let problem = '';
  for (const address of addresses) {
    try {
      const answer = await queryServer({ name, address }, question);
      const what = problemOf(answer);
      if (what === null) return { server: name, answer, problem: null };
      problem ||= `${serverLabel({ name, address })} ${what}`;
    } catch (error) {
      if (!(error instanceof MailctlError)) throw error;
      problem ||= error.message;
    }
  }
  return { server: name, answer: null, problem };
}

/** Asks every authoritative server; one answer is enough for a server with several addresses. */
export function queryAuthorities(
  { servers }: Authorities,
  question: Question,
): Promise<AuthorityAnswer[]> {
  return Promise.all(servers.map((server) => queryAuthority(server, question)));
}
