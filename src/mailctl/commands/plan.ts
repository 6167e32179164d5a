// mailctl plan: what apply would change.

import type { Command } from 'commander';
import { STATUS } from '../../errors.ts';
import { type AppSource, describeWord } from '../command.ts';

interface PlanOptions {
  readonly check?: boolean;
}

export function registerPlan(program: Command, app: AppSource): void {
  const plan = program
    .command('plan')
    .description('show what apply would change, as a diff')
    .option('--check', 'end with status 1 when something would change')
    .action(async (options: PlanOptions) => {
      const { host, output, appliance } = app();
      const { planConvergence } = await import('../../appliance/apply/converge.ts');
      const { describeChanges, summarizeChanges } = await import('../changes-text.ts');
      const changes = await planConvergence(host, await appliance());
      output.result(describeChanges(changes, output.paint), { changes: summarizeChanges(changes) });
      if (options.check && changes.length > 0) process.exitCode = STATUS.PARTIAL;
    });
  describeWord(plan, {
    examples: ['mailctl plan', 'mailctl plan --check --json'],
    statuses: [
      '1   --check: something would change',
      '69  not installed',
      '78  the UCI file is wrong',
    ],
  });
}
