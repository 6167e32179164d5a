// mailctl dns-check: a verdict on each DNS record of this server, and how it was measured.

import type { Command } from 'commander';
import { parseDomain } from '../../appliance/address.ts';
import { checkDns } from '../../appliance/dns/check/check.ts';
import { type DnsFinding, isFault, type Verdict } from '../../appliance/dns/check/finding.ts';
import { type ExitStatus, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';

function signOf(app: App, verdict: Verdict): string {
  const { paint } = app.output;
  const word = verdict.padEnd(7);
  if (verdict === 'right') return paint.green(word);
  if (verdict === 'wrong' || verdict === 'missing') return paint.red(word);
  return verdict === 'unknown' ? paint.yellow(word) : paint.cyan(word);
}

function describeFinding(app: App, finding: DnsFinding): string[] {
  const { subject, verdict, message, measured, published, wanted, fix } = finding;
  const lines = [`${signOf(app, verdict)} ${subject}: ${message}`];
  if (verdict === 'right') return lines;
  const details: [string, readonly string[]][] = [
    ['published', published],
    ['wanted', wanted],
    ['measured', [measured]],
    ['fix', fix === null ? [] : [fix]],
  ];
  for (const [word, values] of details) {
    lines.push(...values.map((value) => `        ${`${word}:`.padEnd(11)}${value}`));
  }
  return lines;
}

function countText(findings: readonly DnsFinding[]): string {
  const verdicts: Verdict[] = ['right', 'wrong', 'missing', 'unknown', 'advice'];
  const counts = verdicts.flatMap((verdict) => {
    const count = findings.filter((one) => one.verdict === verdict).length;
    return count === 0 ? [] : [`${count} ${verdict}`];
  });
  return counts.join(', ');
}

export async function run(app: App, names: string[]): Promise<ExitStatus> {
  const target = await app.appliance();
  const findings = await checkDns(app.host, target, names.map(parseDomain));
  const ok = !findings.some(isFault);
  const lines = findings.flatMap((finding) => describeFinding(app, finding));
  app.output.result([...lines, countText(findings)], { ok, findings });
  return ok ? STATUS.OK : STATUS.PARTIAL;
}

export function registerDnsCheck(command: Command, line: CommandLine): void {
  command.argument('[domain...]');
  defineWord(command, line, {
    kind: 'reads',
    run,
    ends: [
      ...(['FAULTS_FOUND', 'ADDRESS_INVALID', 'DOMAIN_UNKNOWN'] as const),
      ...(['ADDRESS_UNKNOWN', 'DNS_UNREACHABLE'] as const),
    ],
    examples: ['mailctl dns-check', 'mailctl dns-check example.com --json'],
  });
}
