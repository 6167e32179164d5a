// doctor: runs every check, and fixes what can be fixed safely.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { queryInitPid } from '../../host/lxc.ts';
import type { Appliance } from '../appliance.ts';
import { containerRef } from '../container/container.ts';
import { formatProblems } from '../settings/check-settings.ts';
import { checkUciFile } from '../settings/uci-file.ts';
import { APPLY_CHECKS } from './checks-apply.ts';
import { BACKUP_CHECKS } from './checks-backup.ts';
import { CONFINEMENT_CHECKS } from './checks-confinement.ts';
import { HOST_CHECKS } from './checks-host.ts';
import { REQUIREMENTS_CHECK } from './checks-requirements.ts';
import { ROUTER_CHECKS } from './checks-router.ts';
import { SERVER_CHECKS } from './checks-server.ts';
import { STATE_CHECKS } from './checks-state.ts';
import { TRUST_CHECKS } from './checks-trust.ts';
import { WEBMAIL_CHECKS } from './checks-webmail.ts';
import { type Check, type Context, runCheck } from './context.ts';
import { bySeverity, type Finding, isProblem } from './finding.ts';

export const CONFIG_CHECK = {
  id: 'config.valid',
  about: 'the UCI file is valid',
  measured: 'mailctl config check',
} as const;

export const CHECKS: readonly Check[] = [
  ...SERVER_CHECKS,
  ...HOST_CHECKS,
  ...APPLY_CHECKS,
  REQUIREMENTS_CHECK,
  ...CONFINEMENT_CHECKS,
  ...ROUTER_CHECKS,
  ...STATE_CHECKS,
  ...TRUST_CHECKS,
  ...WEBMAIL_CHECKS,
  ...BACKUP_CHECKS,
];

/** All problems of the UCI file; with a problem, no other check can run. */
export async function checkConfig(host: Host, file: string): Promise<Finding> {
  const { id, measured } = CONFIG_CHECK;
  const { problems } = await checkUciFile(host, file);
  if (problems.length === 0) {
    return { id, severity: 'ok', message: `${file} is valid`, measured, fix: null };
  }
  const message = formatProblems(problems);
  return { id, severity: 'error', message, measured, fix: 'mailctl config check' };
}

/** A prefix selects every check below it: `dns` selects `dns.ptr`. */
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

/** @param only IDs or their prefixes; empty for all */
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

/** Fixes what can be fixed safely; returns a sentence for each fix that was made or failed. */
export async function applyFixes(
  host: Host,
  target: Appliance,
  findings: readonly Finding[],
): Promise<string[]> {
  const done: string[] = [];
  const broken = new Set(findings.filter(isProblem).map(({ id }) => id));
  for (const check of CHECKS) {
    if (check.applyFix === undefined || !broken.has(check.id)) continue;
    try {
      // an earlier fix may have started the container
      done.push(await check.applyFix(await contextOf(host, target)));
    } catch (error) {
      if (!(error instanceof MailctlError)) throw error;
      done.push(`${check.id} could not be fixed: ${error.message}`);
    }
  }
  return done;
}

export function fixable(findings: readonly Finding[]): string[] {
  const ids = CHECKS.filter(({ applyFix }) => applyFix !== undefined).map(({ id }) => id);
  return ids.filter((id) => findings.some((one) => one.id === id && isProblem(one)));
}
