// mailctl apply: applies the UCI file to the running server.

import type { Command } from 'commander';
import { converge, planConvergence, requireInstalled } from '../../appliance/apply/converge.ts';
import { requireVirusScan } from '../../appliance/apply/virus-scan.ts';
import { type ExitStatus, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { describeChanges, planOfChanges, summarizeChanges } from '../changes-text.ts';
import { type CommandLine, defineWord } from '../command.ts';
import { showNotices } from '../notices.ts';
import { wakeScheduler } from '../scheduler.ts';
import { WAIT_FOR_SIGNATURES } from '../wait-option.ts';

interface ApplyOptions {
  readonly waitForSignatures?: boolean;
}

export async function run(app: App, options: ApplyOptions): Promise<ExitStatus> {
  const { host, output } = app;
  const waits = options.waitForSignatures ?? false;
  return app.change({
    word: 'apply',
    plan: async (target) => {
      const changes = await planConvergence(host, target);
      await requireVirusScan(host, target, { waits });
      return planOfChanges(changes, output.paint);
    },
    apply: async (target) => {
      const image = await requireInstalled(host, target.paths);
      await requireVirusScan(host, target, { waits });
      const result = await converge(host, target, { image, start: false });
      wakeScheduler(app, target);
      return result;
    },
    report: async ({ changes, running }) => {
      await showNotices(app);
      output.result(describeChanges(changes, output.paint), {
        changes: summarizeChanges(changes),
        running,
      });
      if (!running) output.note('the server is not running: mailctl start');
      return STATUS.OK;
    },
  });
}

export function registerApply(apply: Command, line: CommandLine): void {
  apply.option(...WAIT_FOR_SIGNATURES);
  defineWord(apply, line, {
    kind: 'changes',
    run,
    ends: [
      ...(['PROBE_FAILED', 'DIRECTORY_INVALID', 'CERTIFICATE_INVALID', 'NOT_INSTALLED'] as const),
      ...(['IMAGE_INVALID', 'SIGNATURES_MISSING'] as const),
    ],
    examples: ['mailctl apply', 'mailctl apply --dry-run'],
  });
}
