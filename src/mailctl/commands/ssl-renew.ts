// mailctl ssl-renew: keeps the certificate fresh; the scheduler's word, and an operator's.

import type { Command } from 'commander';
import { renew } from '../../appliance/acme/renew.ts';
import { nextRenewal } from '../../appliance/acme/renewal.ts';
import type { Appliance } from '../../appliance/appliance.ts';
import type { ExitStatus } from '../../errors.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';
import type { Planned } from '../output.ts';
import { moment, RENEWAL_ENDS, reportRenewal, warnOfExpiry } from '../renewal-text.ts';
import { wakeScheduler } from '../scheduler.ts';

interface RenewOptions {
  readonly now?: boolean;
  readonly newKey?: boolean;
  readonly scheduled?: boolean;
}

async function planRenewal({ host }: App, target: Appliance, now: boolean): Promise<Planned> {
  const next = await nextRenewal(host, target);
  const data = { next: next?.at ?? null, why: next?.why ?? null };
  if (now) return { would: ['renew the certificate: --now'], data };
  if (next === null) return { would: [], data };
  if (next.at <= host.clock.now()) return { would: [`renew the certificate: ${next.why}`], data };
  return { would: [], details: [`nothing to do before ${moment(next.at)}: ${next.why}`], data };
}

export async function run(app: App, options: RenewOptions): Promise<ExitStatus> {
  const { now = false, newKey = false, scheduled = false } = options;
  try {
    return await app.change({
      word: 'ssl-renew',
      plan: (target) => planRenewal(app, target, now),
      apply: async (target) => {
        const done = await renew(app.host, target, { now, newKey, byHand: !scheduled });
        if (!scheduled) wakeScheduler(app, target);
        return done;
      },
      report: (renewal) => reportRenewal(app, renewal),
    });
  } finally {
    await warnOfExpiry(app);
  }
}

export function registerSslRenew(command: Command, line: CommandLine): void {
  command
    .option('--now', 'renew it whatever its age')
    .option('--new-key', 'with a new key, which serves when its TLSA record is old enough')
    .option('--scheduled', 'also keep the pauses after failures (what mailctl serve runs)');
  defineWord(command, line, {
    kind: 'changes',
    run,
    ends: ['NOT_INSTALLED', ...RENEWAL_ENDS],
    examples: ['mailctl ssl-renew', 'mailctl ssl-renew --now --new-key'],
  });
}
