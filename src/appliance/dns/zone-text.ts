// The wanted records as a fragment of a BIND zone file, for publication by hand. Needs no DNS. Pure.

import { formatRecord } from './publish/change.ts';
import { type RecordFacts, type WantedRecord, wantedRecords } from './records.ts';

const ADVICE: Readonly<Record<string, string>> = {
  SPF: 'one SPF record only: if there is one already, insert these mechanisms before its "all"',
  DANE: 'only in a signed zone (DNSSEC)',
};

function heading(record: WantedRecord): string {
  const advice = ADVICE[record.purpose];
  return `; ${record.purpose}${advice === undefined ? '' : `: ${advice}`}`;
}

/** Absolute names and no $ORIGIN: valid at any place in the zone's file. */
export function formatZone(facts: RecordFacts): string[] {
  const { settings, domains } = facts;
  const lines = [
    `; records for the mail server ${settings.main.hostname}, for ${domains.join(', ')}`,
  ];
  let last = '';
  for (const record of wantedRecords(facts)) {
    const head = heading(record);
    if (head !== last) lines.push(head);
    last = head;
    const line = formatRecord(record, record.value, settings.dns.ttl);
    // commented out: a TLSA record has no effect in an unsigned zone (RFC 7672 2.2.1)
    lines.push(record.needsDnssec ? `;${line}` : line);
  }
  return lines;
}
