// The wanted records of the mail server and its domains, as data. Pure.

import type { RecordType } from '../../host/dns.ts';
import type { MailDomain } from '../address.ts';
import type { DkimRecord } from '../dkim/record.ts';
import type { Settings } from '../settings/settings.ts';
import { webLabels } from '../settings/web-names.ts';
import { mtaStsId } from './mta-sts.ts';
import type { PublicAddresses } from './public-address.ts';

/**
 * How a wanted value relates to foreign values at its name. `shared`: beside any. `sole`: the only one of its kind.
 * `merged`: one record for several parties (SPF). `kept`: a foreign record is kept instead.
 */
export type Rule = 'shared' | 'sole' | 'merged' | 'kept';

export interface WantedRecord {
  readonly name: string;
  readonly type: RecordType;
  /** As src/host/dns/message.ts writes it. */
  readonly value: string;
  readonly rule: Rule;
  /** Short label of the purpose. */
  readonly purpose: string;
  /** Published in signed zones only. */
  readonly needsDnssec?: boolean;
}

export interface RecordFacts {
  readonly settings: Settings;
  readonly domains: readonly MailDomain[];
  readonly addresses: PublicAddresses;
  readonly dkim: readonly DkimRecord[];
  /** SHA-256 of the SubjectPublicKeyInfo of the current and the next certificate. */
  readonly keyDigests: readonly string[];
  /** The CAA identity of the CA in use; null if unknown. */
  readonly caaIdentity: string | null;
}

/** All records of all zones, including TLSA records for unsigned zones. */
export function wantedRecords(facts: RecordFacts): WantedRecord[] {
  return [
    ...hostRecords(facts),
    ...[...facts.domains].sort().flatMap((domain) => domainRecords(facts, domain)),
  ];
}

function hostRecords(facts: RecordFacts): WantedRecord[] {
  const { settings, caaIdentity } = facts;
  const name = settings.main.hostname;
  const of = (type: RecordType, value: string, purpose: string): WantedRecord => ({
    ...{ name, type, value, purpose },
    rule: 'sole',
  });
  const caa = `0 issue "${caaIdentity}"`;
  return [
    ...addressRecords(name, facts.addresses),
    ...(settings.dns.caa && caaIdentity !== null
      ? [{ ...of('CAA', caa, 'CAA'), rule: 'shared' as const }]
      : []),
    ...tlsaRecords(facts),
  ];
}

export function addressRecords(
  name: string,
  { ipv4, ipv6 }: Pick<PublicAddresses, 'ipv4' | 'ipv6'>,
): WantedRecord[] {
  const of = (type: RecordType, value: string): WantedRecord => ({
    ...{ name, type, value, purpose: 'address' },
    rule: 'sole',
  });
  return [...ipv4.map((value) => of('A', value)), ...ipv6.map((value) => of('AAAA', value))];
}

function tlsaRecords({ settings, keyDigests }: RecordFacts): WantedRecord[] {
  const { smtp, submission, smtps } = settings.ports;
  const ports = [smtp, submission, smtps].filter((port) => port !== null);
  return ports.flatMap((port) =>
    keyDigests.map((digest): WantedRecord => {
      const name = `_${port}._tcp.${settings.main.hostname}`;
      // RFC 7672 3.1: DANE-EE, SPKI, SHA-256
      const value = `3 1 1 ${digest}`;
      return {
        ...{ name, type: 'TLSA', value, rule: 'shared', purpose: 'DANE' },
        needsDnssec: true,
      };
    }),
  );
}

function domainRecords(facts: RecordFacts, domain: MailDomain): WantedRecord[] {
  const { settings } = facts;
  const host = `${settings.main.hostname}.`;
  return [
    record(domain, 'MX', `10 ${host}`, { rule: 'shared', purpose: 'MX' }),
    record(domain, 'TXT', spfText(settings, domain), { rule: 'merged', purpose: 'SPF' }),
    ...facts.dkim
      .filter((key) => key.domain === domain)
      .map(({ name, value }) => record(name, 'TXT', value, { rule: 'sole', purpose: 'DKIM' })),
    record(`_dmarc.${domain}`, 'TXT', dmarcText(settings, domain), {
      rule: 'kept',
      purpose: 'DMARC',
    }),
    ...webLabels(settings)
      .map(({ label, purpose }) => ({ name: `${label}.${domain}`, purpose }))
      .filter(({ name }) => name !== settings.main.hostname)
      .map(({ name, purpose }) => record(name, 'CNAME', host, { rule: 'sole', purpose })),
    ...serviceRecords(settings, domain),
    ...transportRecords(settings, domain),
  ];
}

function record(
  name: string,
  type: RecordType,
  value: string,
  { rule, purpose }: Pick<WantedRecord, 'rule' | 'purpose'>,
): WantedRecord {
  return { name, type, value, rule, purpose };
}

/** RFC 6186, RFC 8314; a disabled service has no record. */
function serviceRecords(settings: Settings, domain: MailDomain): WantedRecord[] {
  const { imaps, imap, smtps, submission, pop3s } = settings.ports;
  const isServed = (name: string) => webLabels(settings).some(({ label }) => label === name);
  // RFC 8314 3: implicit TLS has the better priority
  const services: [string, number | null, number][] = [
    ['_imaps', imaps, 0],
    ['_imap', imap, 10],
    ['_submissions', smtps, 0],
    ['_submission', submission, 10],
    ['_pop3s', pop3s, 20],
    // SRV of Microsoft's Autodiscover
    ['_autodiscover', isServed('autodiscover') ? 443 : null, 0],
  ];
  return services.flatMap(([service, port, priority]) => {
    if (port === null) return [];
    const value = `${priority} 1 ${port} ${settings.main.hostname}.`;
    const name = `${service}._tcp.${domain}`;
    return [record(name, 'SRV', value, { rule: 'sole', purpose: 'client setup' })];
  });
}

function transportRecords(settings: Settings, domain: MailDomain): WantedRecord[] {
  const records: WantedRecord[] = [];
  if (settings.dns.mtaSts !== 'none') {
    const sole = { rule: 'sole', purpose: 'MTA-STS' } as const;
    const id = `v=STSv1; id=${mtaStsId(settings)}`;
    records.push(record(`_mta-sts.${domain}`, 'TXT', id, sole));
  }
  if (settings.dns.tlsRpt) {
    const value = `v=TLSRPTv1; rua=mailto:${reportAddress(settings, domain)}`;
    const kept = { rule: 'kept', purpose: 'TLS reports' } as const;
    records.push(record(`_smtp._tls.${domain}`, 'TXT', value, kept));
  }
  return records;
}

function spfText(settings: Settings, domain: string): string {
  const text = settings.dns.spf ?? 'v=spf1 mx a:{hostname} ~all';
  return text.replaceAll('{hostname}', settings.main.hostname).replaceAll('{domain}', domain);
}

function dmarcText(settings: Settings, domain: MailDomain): string {
  const rua = reportAddress(settings, domain);
  return `v=DMARC1; p=${settings.dns.dmarcPolicy}; rua=mailto:${rua}`;
}

/** RFC 3986: escapes characters that would end the address or the tag. */
function reportAddress({ dns }: Settings, domain: MailDomain): string {
  const given = dns.dmarcRua ?? 'postmaster';
  const address = given.includes('@') ? given : `${given}@${domain}`;
  return address.replace(/[!#%&',;?^`{|}]/g, (character) => encodeURIComponent(character));
}
