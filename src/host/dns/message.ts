// DNS messages as plain data: names in lower case without the final dot, record data as zone file text in one
// canonical form, so equal data are equal texts. Pure.

import type { Buffer } from 'node:buffer';
import * as packet from 'dns-packet';
import { canonicalIpv6 } from '../ip.ts';

export const RECORD_TYPES = [
  'A',
  'AAAA',
  'CAA',
  'CNAME',
  'DNSKEY',
  'DS',
  'MX',
  'NS',
  'PTR',
  'SOA',
  'SRV',
  'TLSA',
  'TXT',
] as const;

export type RecordType = (typeof RECORD_TYPES)[number];

export interface Question {
  readonly name: string;
  readonly type: RecordType;
}

export interface DnsRecord {
  readonly name: string;
  readonly type: string;
  readonly ttl: number;
  /** As in a zone file, host names with the final dot; a TXT record is its strings joined, unquoted. */
  readonly value: string;
}

export interface DnsAnswer {
  /** NOERROR, NXDOMAIN, SERVFAIL, REFUSED, … */
  readonly rcode: string;
  /** AA: the server is authoritative for the name. */
  readonly authoritative: boolean;
  /** AD: the resolver validated the answer (DNSSEC). */
  readonly authenticated: boolean;
  readonly truncated: boolean;
  readonly answers: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
}

export interface QueryFlags {
  /** RD: ask for recursion. */
  readonly recursion?: boolean;
  /** DO: ask for DNSSEC; without it a resolver does not report validation. */
  readonly dnssec?: boolean;
  /** CD: ask a validating resolver not to validate. */
  readonly checkingDisabled?: boolean;
}

/** RFC 9715: passes any path without fragmentation. */
const UDP_SIZE = 1232;

export function encodeQuery(id: number, question: Question, flags: QueryFlags): Buffer {
  const bits =
    (flags.recursion ? packet.RECURSION_DESIRED : 0) |
    (flags.checkingDisabled ? packet.CHECKING_DISABLED : 0);
  return packet.encode({
    type: 'query',
    id,
    flags: bits,
    questions: [{ type: question.type, name: question.name, class: 'IN' }],
    additionals: [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: UDP_SIZE,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: flags.dnssec ? packet.DNSSEC_OK : 0,
        flag_do: flags.dnssec ?? false,
        options: [],
      },
    ],
  });
}

/** null when the bytes do not answer this question. */
export function decodeAnswer(bytes: Buffer, id: number, question: Question): DnsAnswer | null {
  let message: packet.DecodedPacket & { rcode?: string };
  try {
    message = packet.decode(bytes);
  } catch {
    // the sender is not a DNS server, or an attacker who guesses ids
    return null;
  }
  const [asked] = message.questions ?? [];
  const fits = asked !== undefined && lowerName(asked.name) === lowerName(question.name);
  if (!message.flag_qr || message.id !== id || !fits || asked.type !== question.type) return null;
  return {
    rcode: message.rcode ?? 'NOERROR',
    authoritative: message.flag_aa,
    authenticated: message.flag_ad,
    truncated: message.flag_tc,
    answers: recordsOf(message.answers),
    authorities: recordsOf(message.authorities),
  };
}

function lowerName(name: string): string {
  const lower = name.toLowerCase();
  return lower.length > 1 && lower.endsWith('.') ? lower.slice(0, -1) : lower;
}

function recordsOf(answers: readonly packet.Answer[] | undefined): DnsRecord[] {
  return (answers ?? []).flatMap((answer) => {
    if (answer.type === 'OPT') return [];
    const { name, type, ttl = 0 } = answer;
    return [{ name: lowerName(name), type, ttl, value: formatData(answer) }];
  });
}

function dotted(name: string): string {
  const lower = lowerName(name);
  return lower === '.' ? lower : `${lower}.`;
}

function bytesText(data: string | Buffer): string {
  return typeof data === 'string' ? data : data.toString('latin1');
}

function formatData(answer: Exclude<packet.Answer, packet.OptAnswer>): string {
  switch (answer.type) {
    case 'A':
      return answer.data;
    case 'AAAA':
      return canonicalIpv6(answer.data);
    case 'CNAME':
    case 'DNAME':
    case 'NS':
    case 'PTR':
      return dotted(answer.data);
    case 'MX':
      return `${answer.data.preference ?? 0} ${dotted(answer.data.exchange)}`;
    case 'SRV': {
      const { priority = 0, weight = 0, port, target } = answer.data;
      return `${priority} ${weight} ${port} ${dotted(target)}`;
    }
    case 'TXT':
      return [answer.data].flat().map(bytesText).join('');
    case 'CAA':
      return `${answer.data.flags ?? 0} ${answer.data.tag} "${answer.data.value}"`;
    case 'TLSA': {
      const { usage, selector, matchingType, certificate } = answer.data;
      return `${usage} ${selector} ${matchingType} ${certificate.toString('hex')}`;
    }
    case 'SOA':
      return formatSoa(answer.data);
    default:
      return formatOther(answer);
  }
}

function formatSoa(data: packet.SoaData): string {
  const { mname, rname, serial, refresh, retry, expire, minimum } = data;
  return [dotted(mname), dotted(rname), serial, refresh, retry, expire, minimum].join(' ');
}

function formatOther(answer: { readonly type: string; readonly data: unknown }): string {
  if (answer.type === 'DS') {
    const { keyTag, algorithm, digestType, digest } = answer.data as packet.DsData;
    return `${keyTag} ${algorithm} ${digestType} ${digest.toString('hex')}`;
  }
  if (answer.type === 'DNSKEY') {
    const { flags, algorithm, key } = answer.data as packet.DnskeyData;
    return `${flags} 3 ${algorithm} ${key.toString('base64')}`;
  }
  return JSON.stringify(answer.data);
}

/** Seconds for which a resolver may cache that a name does not exist (RFC 2308 §5). */
export function negativeTtl(soa: DnsRecord): number {
  return Math.min(soa.ttl, Number(soa.value.split(' ').at(-1) ?? 0));
}
