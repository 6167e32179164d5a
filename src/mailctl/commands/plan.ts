// mailctl plan: what apply would change.

import type { Command } from 'commander';
import { planConvergence } from '../../appliance/apply/converge.ts';
import { requireVirusScan } from '../../appliance/apply/virus-scan.ts';
import { planFollowing } from '../../appliance/firewall/plan.ts';
import { type ExitStatus, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { describeChanges, summarizeChanges } from '../changes-text.ts';
import { type CommandLine, defineWord } from '../command.ts';
import { showNotices } from '../notices.ts';

interface PlanOptions {
  readonly check?: boolean;
}

export async function run(app: App, options: PlanOptions): Promise<ExitStatus> {
  const { host, output, appliance } = app;
  const target = await appliance();
  const changes = [
    ...(await planConvergence(host, target)),
    ...(await planFollowing(host, target)),
  ];
  await requireVirusScan(host, target);
  await showNotices(app);
  output.result(describeChanges(changes, output.paint), { changes: summarizeChanges(changes) });
  return options.check && changes.length > 0 ? STATUS.PARTIAL : STATUS.OK;
}

export function registerPlan(plan: Command, line: CommandLine): void {
  plan.option('--check', 'end with status 1 when something would change');
  defineWord(plan, line, {
    kind: 'reads',
    run,
    ends: [
      ...(['WOULD_CHANGE', 'NOT_INSTALLED', 'IMAGE_INVALID', 'SIGNATURES_MISSING'] as const),
      ...(['PLACE_CHANGED', 'HOST_UNFIT'] as const),
    ],
    examples: ['mailctl plan', 'mailctl plan --check --json'],
  });
}
