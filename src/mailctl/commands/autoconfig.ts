// mailctl autoconfig-setup, autoconfig-status: mail programs find their settings by themselves.

import type { Command } from 'commander';
import { type AutoconfigCheck, checkAutoconfig } from '../../appliance/self-service/autoconfig.ts';
import { requirePages } from '../../appliance/self-service/invite.ts';
import { type ExitStatus, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';
import { run as runDnsSetup, SETUP_ENDS } from './dns-setup.ts';

export async function runSetup(app: App, names: readonly string[]): Promise<ExitStatus> {
  requirePages(await app.appliance());
  const status = await runDnsSetup(app, names, { wait: '300' });
  app.output.note(
    'the certificate has to name autoconfig and autodiscover: mailctl ssl-renew --now',
  );
  return status;
}

export function registerAutoconfigSetup(command: Command, line: CommandLine): void {
  command.argument('[domain...]');
  defineWord(command, line, {
    kind: 'changes',
    run: runSetup,
    ends: ['NOT_RUNNING', ...SETUP_ENDS],
    examples: ['mailctl autoconfig-setup --dry-run', 'mailctl autoconfig-setup example.com --yes'],
    more: 'Publishes what dns-setup does; with web.enabled that includes the names autoconfig and autodiscover.',
  });
}

function describe({ domain, program, url, problem }: AutoconfigCheck): string {
  const where = new URL(url).hostname;
  return `${domain}  ${program.padEnd(11)}  ${problem === null ? `found at ${where}` : problem}`;
}

export async function runStatus(app: App): Promise<ExitStatus> {
  const target = await app.appliance();
  requirePages(target);
  const checks = await checkAutoconfig(app.host, target);
  const data = checks.map(({ domain, program, url, problem }) => ({
    ...{ domain, program, url, problem },
    found: problem === null,
  }));
  app.output.result(checks.map(describe), { checks: data });
  return checks.every(({ problem }) => problem === null) ? STATUS.OK : STATUS.PARTIAL;
}

export function registerAutoconfigStatus(command: Command, line: CommandLine): void {
  defineWord(command, line, {
    kind: 'reads',
    run: runStatus,
    ends: ['NOT_RUNNING', 'FAULTS_FOUND'],
    examples: ['mailctl autoconfig-status', 'mailctl autoconfig-status --json'],
  });
}
