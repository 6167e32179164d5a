// mailctl ssl-renew: renews the certificate; run by the scheduler and by operators.

import type { Command } from 'commander';
import { planRenewal, renew } from '../../appliance/acme/renew.ts';
import type { Appliance } from '../../appliance/appliance.ts';
import { followWeb } from '../../appliance/webmail/follow.ts';
import type { ExitStatus } from '../../errors.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';
import type { Planned } from '../output.ts';
import { moment, RENEWAL_ENDS, reportRenewal, warnOfExpiry } from '../renewal-text.ts';
import { wakeScheduler } from '../scheduler.ts';
import { warnOfWeb } from '../web-text.ts';

interface RenewOptions {
  readonly now?: boolean;
  readonly newKey?: boolean;
  readonly scheduled?: boolean;
}

async function plan({ host }: App, target: Appliance, now: boolean): Promise<Planned> {
  const { due, next } = await planRenewal(host, target, { now });
  const data = { next: next?.at ?? null, why: next?.why ?? null };
  if (due !== null) return { would: [due], data };
  const details = next === null ? [] : [`nothing to do before ${moment(next.at)}: ${next.why}`];
  return { would: [], details, data };
}

export async function run(app: App, options: RenewOptions): Promise<ExitStatus> {
  const { now = false, newKey = false, scheduled = false } = options;
  try {
    return await app.change({
      word: 'ssl-renew',
      plan: (target) => plan(app, target, now),
      apply: async (target) => {
        const done = await renew(app.host, target, { now, newKey, byHand: !scheduled });
        warnOfWeb(app, await followWeb(app.host, target));
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
    .option('--now', 'renew regardless of age')
    .option(
      '--new-key',
      'with a new key, served once its TLSA record has been visible for two TTLs',
    )
    .option('--scheduled', 'respect the pauses after failures (used by mailctl serve)');
  defineWord(command, line, {
    kind: 'changes',
    run,
    ends: ['NOT_INSTALLED', ...RENEWAL_ENDS],
    examples: ['mailctl ssl-renew', 'mailctl ssl-renew --now --new-key'],
  });
}
