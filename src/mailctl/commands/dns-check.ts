// mailctl dns-check: what the world finds in the DNS about this server, and how that was measured.

import type { Command } from 'commander';
import type { DnsFinding, Verdict } from '../../appliance/dns/check/finding.ts';
import type { App } from '../app.ts';
import { type AppSource, describeWord } from '../command.ts';

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

export function registerDnsCheck(program: Command, app: AppSource): void {
  const command = program
    .command('dns-check [domain...]')
    .description('ask the authoritative servers what is published, and say what is wrong')
    .action(async (names: string[]) => {
      const { parseDomain } = await import('../../appliance/address.ts');
      const { checkDns } = await import('../../appliance/dns/check/check.ts');
      const { isFault } = await import('../../appliance/dns/check/finding.ts');
      const { host, output } = app();
      const target = await app().appliance();
      const findings = await checkDns(host, target, names.map(parseDomain));
      const ok = !findings.some(isFault);
      const lines = findings.flatMap((finding) => describeFinding(app(), finding));
      output.result([...lines, countText(findings)], { ok, findings });
      if (!ok) process.exitCode = 1;
    });
  describeWord(command, {
    examples: ['mailctl dns-check', 'mailctl dns-check example.com --json'],
    statuses: [
      '1   something is wrong or missing; what could not be told does not count',
      '67  no such mail domain',
      '69  no public address is known',
      '75  no resolver answers',
      '78  the UCI file is wrong',
    ],
  });
}
