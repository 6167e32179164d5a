// mailctl doctor: everything that can be wrong, and the command that mends it.

import type { Command } from 'commander';
import type { Finding, Severity } from '../../appliance/doctor/finding.ts';
import { MailctlError } from '../../errors.ts';
import type { App } from '../app.ts';
import { type AppSource, describeWord } from '../command.ts';

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

async function print(app: App, findings: readonly Finding[], fixed: readonly string[] | null) {
  const { countText, isProblem } = await import('../../appliance/doctor/finding.ts');
  const ok = !findings.some(isProblem);
  const lines = findings.flatMap((finding) => describeFinding(app, finding));
  const mended = fixed === null ? {} : { fixed };
  app.output.result([...lines, countText(findings)], { ok, checks: findings, ...mended });
  if (!ok) process.exitCode = 1;
}

async function list(app: App): Promise<void> {
  const { CHECKS, CONFIG_CHECK } = await import('../../appliance/doctor/doctor.ts');
  const checks = [CONFIG_CHECK, ...CHECKS].map(({ id, about }) => ({ id, about }));
  app.output.result(
    checks.map(({ id, about }) => `${id.padEnd(20)} ${about}`),
    { checks },
  );
}

async function requireKnown(only: readonly string[]): Promise<void> {
  const { CHECKS, CONFIG_CHECK } = await import('../../appliance/doctor/doctor.ts');
  const ids = [CONFIG_CHECK.id, ...CHECKS.map(({ id }) => id)];
  const stranger = only.find(
    (name) =>
      !ids.some((id) => id === name || id.startsWith(`${name}.`) || name.startsWith(`${id}.`)),
  );
  if (stranger === undefined) return;
  throw new MailctlError('USAGE', `there is no check ${JSON.stringify(stranger)}`, {
    hint: 'mailctl doctor --list',
  });
}

async function examine(app: App, only: readonly string[]): Promise<Finding[]> {
  const { checkConfig, examine: look, isWanted } = await import('../../appliance/doctor/doctor.ts');
  const config = await checkConfig(app.host, app.options.config);
  const shown = isWanted(config.id, only) || config.severity !== 'ok' ? [config] : [];
  if (config.severity !== 'ok') return shown;
  return [...(await look(app.host, await app.appliance(), only)), ...shown];
}

async function mend(app: App, findings: readonly Finding[]): Promise<string[]> {
  const { mendable, mend: act } = await import('../../appliance/doctor/doctor.ts');
  const ids = mendable(findings);
  if (ids.length === 0) return [];
  if (app.options.dryRun) return ids.map((id) => `would mend ${id}`);
  await app.confirm(`Mend ${ids.join(', ')}?`);
  return app.changing('doctor --fix', (target) => act(app.host, target, findings));
}

export function registerDoctor(program: Command, app: AppSource): void {
  const command = program
    .command('doctor')
    .description('look at everything, say what is wrong and how to mend it')
    .option('--only <id...>', 'only these checks, or all that begin so (tls, dns.ptr)')
    .option('--fix', 'mend what can be mended without harm, then look again')
    .option('--list', 'name the checks')
    .action(async ({ only = [], fix, list: names }: DoctorOptions) => {
      if (names) return list(app());
      await requireKnown(only);
      const { requireRootToLook } = await import('../root.ts');
      requireRootToLook();
      const before = await examine(app(), only);
      if (!fix) return print(app(), before, null);
      const done = await mend(app(), before);
      for (const sentence of done) app().output.note(sentence);
      const changed = done.length > 0 && !app().options.dryRun;
      await print(app(), changed ? await examine(app(), only) : before, done);
    });
  describeWord(command, {
    examples: ['mailctl doctor', 'mailctl doctor --only tls dns.ptr --json'],
    statuses: [
      '1   something is wrong; notes, and what could not be told, do not count',
      '64  no such check, or not confirmed',
      '75  another mailctl is at work (--fix)',
      '77  not root',
    ],
  });
}
