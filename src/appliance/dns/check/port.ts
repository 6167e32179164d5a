// Is port 25 open, outwards and inwards? Only mail traffic proves it, so the mail log is read. Without a log
// line for a direction the check is inconclusive.

import type { Host } from '../../../host/host.ts';
import type { Appliance } from '../../appliance.ts';
import { readLog } from '../../mail/logs.ts';
import { privateReason } from '../publish/names.ts';
import { type DnsFinding, finding } from './finding.ts';

const LOG_LINES = 20_000;
const SENT = /relay=\S+\[([0-9a-f.:]+)\]:25, .*status=sent/i;
const BLOCKED =
  /connect to \S+\[([0-9a-f.:]+)\]:25: (?:Connection timed out|Network is unreachable|No route to host)/i;
const CAME =
  /smtpd\[\d+\]: (?:\w+: )?client=\S*\[([0-9a-f.:]+)\]|smtpd\[\d+\]: connect from \S*\[([0-9a-f.:]+)\]/i;

interface Evidence {
  readonly sent: string | null;
  readonly blocked: string | null;
  readonly came: string | null;
}

/** The last log line of each kind that names a public address. */
export function readEvidence(lines: readonly string[]): Evidence {
  const last = (pattern: RegExp) => {
    for (let at = lines.length - 1; at >= 0; at -= 1) {
      const match = pattern.exec(lines[at] ?? '');
      const address = match?.[1] ?? match?.[2];
      if (address !== undefined && privateReason(address) === null) return address;
    }
    return null;
  };
  return { sent: last(SENT), blocked: last(BLOCKED), came: last(CAME) };
}

const MEASURED = `the last ${LOG_LINES} lines of the mail log`;

function checkOutwards(target: Appliance, { sent, blocked }: Evidence): DnsFinding {
  const base = { id: 'port25.out', subject: 'port 25 outwards', measured: MEASURED };
  const { relayhost } = target.settings.smtp;
  if (relayhost !== null) {
    const message = `not needed: all mail is sent through ${relayhost}`;
    return finding({ ...base, verdict: 'right', message });
  }
  if (sent !== null) {
    return finding({ ...base, verdict: 'right', message: `open: ${sent} accepted a message` });
  }
  if (blocked !== null) {
    const message = `no server was reachable on port 25 (last: ${blocked}): the provider seems to block it`;
    const fix = 'ask the provider to open port 25, or set mailserver.smtp.relayhost';
    return finding({ ...base, verdict: 'wrong', message }, { fix });
  }
  const message = 'inconclusive: the log shows no recent message to another server';
  const fix = 'mailctl test <an address elsewhere>, then mailctl dns-check';
  return finding({ ...base, verdict: 'unknown', message }, { fix });
}

function checkInwards(target: Appliance, { came }: Evidence): DnsFinding {
  const base = { id: 'port25.in', subject: 'port 25 inwards', measured: MEASURED };
  if (target.settings.ports.smtp === null) {
    const message = 'mailserver.ports.smtp is 0: no mail is received from other servers';
    return finding({ ...base, verdict: 'advice', message });
  }
  if (came !== null) {
    return finding({ ...base, verdict: 'right', message: `open: ${came} has connected` });
  }
  const message =
    'inconclusive: the log shows no recent connection from outside, and it cannot be tested from here';
  const fix =
    'send a message from another provider to one of your mailboxes, then mailctl dns-check';
  return finding({ ...base, verdict: 'unknown', message }, { fix });
}

export async function checkPort25(host: Host, target: Appliance): Promise<DnsFinding[]> {
  const { lines } = await readLog(host, target.paths, { count: LOG_LINES, daemon: 'postfix' });
  const evidence = readEvidence(lines.map(({ text }) => text));
  return [checkOutwards(target, evidence), checkInwards(target, evidence)];
}
