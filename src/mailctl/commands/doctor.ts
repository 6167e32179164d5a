// mailctl doctor: runs the checks and names the command that fixes each fault.

import type { Command } from 'commander';
import {
  applyFixes,
  CHECKS,
  CONFIG_CHECK,
  checkConfig,
  examine as examineServer,
  fixable,
  isWanted,
} from '../../appliance/doctor/doctor.ts';
import {
  countText,
  type Finding,
  isProblem,
  type Severity,
} from '../../appliance/doctor/finding.ts';
import { type ExitStatus, MailctlError, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';
import { requireRootToLook } from '../root.ts';

interface DoctorOptions {
  readonly only?: string[];
  readonly fix?: boolean;
  readonly list?: boolean;
}

function signOf(app: App, severity: Severity): string {
  const { paint } = app.output;
  const word = severity.padEnd(7);
  if (severity === 'error') return paint.red(word);
  if (severity === 'warning' || severity === 'unknown') return paint.yellow(word);
  return severity === 'ok' ? paint.green(word) : paint.cyan(word);
}

function describeFinding(app: App, finding: Finding): string[] {
  const { id, severity, message, measured, fix } = finding;
  if (severity === 'ok') return [`${signOf(app, severity)} ${id}: ${message}`];
  const [first = '', ...more] = message.split('\n');
  return [
    `${signOf(app, severity)} ${id}: ${first}`,
    ...more.map((line) => `        ${line}`),
    `        measured: ${measured}`,
    ...(fix === null ? [] : [`        fix:      ${fix}`]),
  ];
}

function reportOf(app: App, findings: readonly Finding[]) {
  const ok = !findings.some(isProblem);
  const lines = [...findings.flatMap((one) => describeFinding(app, one)), countText(findings)];
  const status: ExitStatus = ok ? STATUS.OK : STATUS.PARTIAL;
  return { lines, status, data: { ok, checks: findings } };
}

function list(app: App): ExitStatus {
  const checks = [CONFIG_CHECK, ...CHECKS].map(({ id, about }) => ({ id, about }));
  app.output.result(
    checks.map(({ id, about }) => `${id.padEnd(20)} ${about}`),
    { checks },
  );
  return STATUS.OK;
}

function requireKnown(only: readonly string[]): void {
  const ids = [CONFIG_CHECK.id, ...CHECKS.map(({ id }) => id)];
  const stranger = only.find(
    (name) =>
      !ids.some((id) => id === name || id.startsWith(`${name}.`) || name.startsWith(`${id}.`)),
  );
  if (stranger === undefined) return;
  throw new MailctlError('USAGE', `no such check: ${JSON.stringify(stranger)}`, {
    hint: 'mailctl doctor --list',
  });
}

async function examine(app: App, only: readonly string[]): Promise<Finding[]> {
  const config = await checkConfig(app.host, app.options.config);
  const shown = isWanted(config.id, only) || config.severity !== 'ok' ? [config] : [];
  if (config.severity !== 'ok') return shown;
  return [...(await examineServer(app.host, await app.appliance(), only)), ...shown];
}

/** Fixes under the lock what can be fixed, then repeats the checks. */
async function fixFound(
  app: App,
  only: readonly string[],
  before: readonly Finding[],
): Promise<ExitStatus> {
  const ids = fixable(before);
  await app.confirm(`Fix ${ids.join(', ')}?`);
  return app.change({
    word: 'doctor --fix',
    plan: async () => {
      const { lines, status, data } = reportOf(app, before);
      return { would: ids.map((id) => `fix ${id}`), details: lines, data, status };
    },
    apply: (target) => applyFixes(app.host, target, before),
    report: async (fixed) => {
      for (const sentence of fixed) app.output.note(sentence);
      const { lines, status, data } = reportOf(app, await examine(app, only));
      app.output.result(lines, { ...data, fixed });
      return status;
    },
  });
}

export async function run(app: App, options: DoctorOptions): Promise<ExitStatus> {
  const { only = [], fix, list: names } = options;
  if (names) return list(app);
  requireKnown(only);
  requireRootToLook(app);
  const found = await examine(app, only);
  if (fix && fixable(found).length > 0) return fixFound(app, only, found);
  const { lines, status, data } = reportOf(app, found);
  if (fix) app.output.unchanged(lines, { ...data, fixed: [] });
  else app.output.result(lines, data);
  return status;
}

export function registerDoctor(command: Command, line: CommandLine): void {
  command
    .option('--only <id...>', 'only checks with these ids or prefixes (tls, dns.ptr)')
    .option('--fix', 'fix what can be fixed without loss, then check again')
    .option('--list', 'list the checks');
  defineWord(command, line, {
    kind: 'changes',
    run,
    ends: ['FAULTS_FOUND', 'USAGE', 'NOT_CONFIRMED'],
    examples: ['mailctl doctor', 'mailctl doctor --only tls dns.ptr --json'],
  });
}
