// The wanted records as a fragment of a BIND zone file, for those who publish by hand. Needs no DNS. Pure.

import { formatRecord } from './publish/change.ts';
import { type RecordFacts, type WantedRecord, wantedRecords } from './records.ts';

const ADVICE: Readonly<Record<string, string>> = {
  SPF: 'one SPF record only: where there is one already, put these mechanisms before its "all"',
  DANE: 'only in a zone that is signed (DNSSEC)',
};

function heading(record: WantedRecord): string {
  const advice = ADVICE[record.purpose];
  return `; ${record.purpose}${advice === undefined ? '' : `: ${advice}`}`;
}

/** Absolute names and no $ORIGIN: it may be put anywhere in the zone's file. */
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
    // a TLSA record in an unsigned zone helps nobody, and harms nobody either (RFC 7672 2.2.1)
    lines.push(record.needsDnssec ? `;${line}` : line);
  }
  return lines;
}
