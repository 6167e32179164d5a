// mailctl apply: applies the UCI file to the running server.

import { type Command, Option } from 'commander';
import {
  type Convergence,
  converge,
  planConvergence,
  requireInstalled,
} from '../../appliance/apply/converge.ts';
import { requireVirusScan } from '../../appliance/apply/virus-scan.ts';
import { followFirewall } from '../../appliance/firewall/firewall.ts';
import { planFollowing } from '../../appliance/firewall/plan.ts';
import { planWeb } from '../../appliance/webmail/converge.ts';
import { followWeb } from '../../appliance/webmail/follow.ts';
import { type ExitStatus, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { describeChanges, planOfChanges, summarizeChanges } from '../changes-text.ts';
import { type CommandLine, defineWord } from '../command.ts';
import { showNotices } from '../notices.ts';
import { wakeScheduler } from '../scheduler.ts';
import { WAIT_FOR_SIGNATURES } from '../wait-option.ts';
import { warnOfWeb } from '../web-text.ts';

interface ApplyOptions {
  /** Started by mailctl serve, which need not be told. */
  readonly scheduled?: boolean;
  readonly waitForSignatures?: boolean;
}

/** The last lines of the result: the configuration in force, and what showed that it works. */
function describeInForce({ running, proven }: Convergence): string[] {
  if (!running) return ['in force at the next start: mailctl start'];
  if (proven.length === 0) {
    return ['in force, and proven when it was applied; to prove it again: mailctl doctor'];
  }
  const listed = proven.map(({ name, measured }) => `  ${name}: ${measured}`);
  return ['in force, and proven now:', ...listed];
}

export async function run(app: App, options: ApplyOptions): Promise<ExitStatus> {
  const { host, output } = app;
  const waits = options.waitForSignatures ?? false;
  return app.change({
    word: 'apply',
    plan: async (target) => {
      const changes = await planConvergence(host, target);
      await requireVirusScan(host, target, { waits });
      const others = [...(await planFollowing(host, target)), ...(await planWeb(host, target))];
      return planOfChanges([...changes, ...others], output.paint);
    },
    apply: async (target) => {
      const image = await requireInstalled(host, target);
      await requireVirusScan(host, target, { waits });
      const result = await converge(host, target, {
        image,
        start: false,
        waitForSignatures: waits,
      });
      const router = await followFirewall(host, target);
      const web = await followWeb(host, target);
      warnOfWeb(app, web);
      if (!options.scheduled) wakeScheduler(app, target);
      return { ...result, changes: [...result.changes, ...router, ...web.changes] };
    },
    report: async (done) => {
      const { changes, running, proven } = done;
      await showNotices(app);
      output.result([...describeChanges(changes, output.paint), ...describeInForce(done)], {
        changes: summarizeChanges(changes),
        running,
        proven: proven.map(({ name, measured }) => ({ name, measured })),
      });
      return STATUS.OK;
    },
  });
}

export function registerApply(apply: Command, line: CommandLine): void {
  apply.option(...WAIT_FOR_SIGNATURES);
  apply.addOption(new Option('--scheduled', 'started by mailctl serve').hideHelp());
  defineWord(apply, line, {
    kind: 'changes',
    run,
    ends: [
      ...(['PROBE_FAILED', 'DIRECTORY_INVALID', 'CERTIFICATE_INVALID', 'NOT_INSTALLED'] as const),
      ...(['IMAGE_INVALID', 'SIGNATURES_MISSING', 'PLACE_CHANGED', 'HOST_UNFIT'] as const),
    ],
    examples: ['mailctl apply', 'mailctl apply --dry-run'],
  });
}
