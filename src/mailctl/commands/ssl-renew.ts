// mailctl ssl-renew: keeps the certificate fresh; the scheduler's word, and an operator's.

import type { Command } from 'commander';
import { type AppSource, describeWord } from '../command.ts';
import { moment, reportRenewal, warnOfExpiry } from '../renewal-text.ts';
import { wakeScheduler } from '../scheduler.ts';

interface RenewWords {
  readonly now?: boolean;
  readonly newKey?: boolean;
  readonly scheduled?: boolean;
}

async function showOnly(app: ReturnType<AppSource>): Promise<void> {
  const { nextRenewal } = await import('../../appliance/acme/renewal.ts');
  const next = await nextRenewal(app.host, await app.appliance());
  const text =
    next === null ? 'would do nothing' : `would do nothing before ${moment(next.at)}: ${next.why}`;
  const due = next !== null && next.at <= app.host.clock.now();
  app.output.result(due && next !== null ? `would renew: ${next.why}` : text, {
    ...{ would: due ? 'renew' : 'nothing', next: next?.at ?? null, why: next?.why ?? null },
  });
}

export function registerSslRenew(program: Command, app: AppSource): void {
  const command = program
    .command('ssl-renew')
    .description('renew the certificate when it is time; the old one serves until the new one does')
    .option('--now', 'renew it whatever its age')
    .option('--new-key', 'with a new key, which serves when its TLSA record is old enough')
    .option('--scheduled', 'also keep the pauses after failures (what mailctl serve runs)')
    .action(async (words: RenewWords) => {
      const { host, options } = app();
      if (options.dryRun) return showOnly(app());
      const { now = false, newKey = false, scheduled = false } = words;
      try {
        const renewal = await app().changing('ssl-renew', async (target) => {
          const { renew } = await import('../../appliance/acme/renew.ts');
          const done = await renew(host, target, { now, newKey, byHand: !scheduled });
          if (!scheduled) await wakeScheduler(app(), target);
          return done;
        });
        await reportRenewal(app(), renewal);
      } finally {
        await warnOfExpiry(app());
      }
    });
  describeWord(command, {
    examples: ['mailctl ssl-renew', 'mailctl ssl-renew --now --new-key'],
    statuses: [
      '1   it is installed and not shown on every port, or DNS needs a person',
      '65  the certificate that came, or the given files, cannot be used',
      '69  the CA refuses, DNS cannot be changed from here, or ssl-setup has never run',
      '75  try again: the CA is away or limits, DNS is not visible yet, a new key has to wait, another mailctl',
      '77  not root',
      '78  the UCI file is wrong',
    ],
  });
}
