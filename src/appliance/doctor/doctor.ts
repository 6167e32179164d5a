// doctor: everything that can be wrong, looked at in one go.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { queryInitPid } from '../../host/lxc.ts';
import type { Appliance } from '../appliance.ts';
import { containerRef } from '../container/container.ts';
import { formatProblems } from '../settings/check-settings.ts';
import { checkUciFile } from '../settings/uci-file.ts';
import { CONFINEMENT_CHECKS } from './checks-confinement.ts';
import { HOST_CHECKS } from './checks-host.ts';
import { SERVER_CHECKS } from './checks-server.ts';
import { STATE_CHECKS } from './checks-state.ts';
import { TRUST_CHECKS } from './checks-trust.ts';
import { type Check, type Context, runCheck } from './context.ts';
import { bySeverity, type Finding, isProblem } from './finding.ts';

export const CONFIG_CHECK = {
  id: 'config.valid',
  about: 'the UCI file is understood',
  measured: 'mailctl config check',
} as const;

export const CHECKS: readonly Check[] = [
  ...SERVER_CHECKS,
  ...HOST_CHECKS,
  ...CONFINEMENT_CHECKS,
  ...STATE_CHECKS,
  ...TRUST_CHECKS,
];

/** All of its problems; when there is one, nothing else can be looked at. */
export async function checkConfig(host: Host, file: string): Promise<Finding> {
  const { id, measured } = CONFIG_CHECK;
  const { problems } = await checkUciFile(host, file);
  if (problems.length === 0) {
    return { id, severity: 'ok', message: `${file} is understood`, measured, fix: null };
  }
  const message = formatProblems(problems);
  return { id, severity: 'error', message, measured, fix: 'mailctl config check' };
}

/** A name stands for all that begins with it: `dns` for `dns.ptr`. */
export function isWanted(id: string, only: readonly string[]): boolean {
  return only.length === 0 || only.some((name) => id === name || id.startsWith(`${name}.`));
}

function chosen(only: readonly string[]): Check[] {
  return CHECKS.filter(
    ({ id }) => isWanted(id, only) || only.some((name) => name.startsWith(`${id}.`)),
  );
}

async function contextOf(host: Host, target: Appliance): Promise<Context> {
  const lxc = host.programs.exists('lxc-info');
  return { host, target, pid: lxc ? await queryInitPid(host, containerRef(target)) : null };
}

/** @param only IDs, or what they begin with; empty for all */
export async function examine(
  host: Host,
  target: Appliance,
  only: readonly string[] = [],
): Promise<Finding[]> {
  const context = await contextOf(host, target);
  const found = await Promise.all(chosen(only).map((check) => runCheck(context, check)));
  return found
    .flat()
    .filter(({ id }) => isWanted(id, only))
    .sort(bySeverity);
}

/** Mends what can be mended without harm; a sentence for each thing that was done, or could not be. */
export async function mend(
  host: Host,
  target: Appliance,
  findings: readonly Finding[],
): Promise<string[]> {
  const done: string[] = [];
  const broken = new Set(findings.filter(isProblem).map(({ id }) => id));
  for (const check of CHECKS) {
    if (check.mend === undefined || !broken.has(check.id)) continue;
    try {
      // what was mended before may have started the container
      done.push(await check.mend(await contextOf(host, target)));
    } catch (error) {
      if (!(error instanceof MailctlError)) throw error;
      done.push(`${check.id} could not be mended: ${error.message}`);
    }
  }
  return done;
}

export function mendable(findings: readonly Finding[]): string[] {
  const ids = CHECKS.filter(({ mend: act }) => act !== undefined).map(({ id }) => id);
  return ids.filter((id) => findings.some((one) => one.id === id && isProblem(one)));
}
