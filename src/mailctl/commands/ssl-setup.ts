// mailctl ssl-setup: the first certificate of a CA.

import type { Command } from 'commander';
import type { Renewal } from '../../appliance/acme/renew.ts';
import type { Appliance } from '../../appliance/appliance.ts';
import { MailctlError } from '../../errors.ts';
import type { App } from '../app.ts';
import { type AppSource, describeWord } from '../command.ts';
import { reportRenewal, warnOfExpiry } from '../renewal-text.ts';
import { wakeScheduler } from '../scheduler.ts';

interface SetupOptions {
  readonly staging?: boolean;
}

const LETS_ENCRYPT = 'https://acme-v02.api.letsencrypt.org/directory';
const STAGING = 'https://acme-staging-v02.api.letsencrypt.org/directory';

function requireCa({ settings }: Appliance): void {
  const { type } = settings.ssl;
  if (type === 'letsencrypt') return;
  const how =
    type === 'manual'
      ? 'the files of ssl.cert_path and ssl.key_path are used, and taken up by mailctl ssl-renew'
      : 'the server makes its certificate itself';
  throw new MailctlError('USAGE', `ssl.type is ${type}: ${how}`, {
    hint: 'uci set mailserver.ssl.type=letsencrypt; uci commit mailserver; mailctl ssl-setup',
  });
}

/** The CA's own place for trying, or the same CA where it has none. */
function stagingOf({ settings }: Appliance): string {
  const { directory } = settings.ssl;
  return directory === LETS_ENCRYPT ? STAGING : directory;
}

async function showOnly(app: App): Promise<void> {
  const { provableNames } = await import('../../appliance/acme/names.ts');
  const { readOutlook } = await import('../../appliance/acme/renewal.ts');
  const target = await app.appliance();
  requireCa(target);
  const { names, plan } = await readOutlook(app.host, target);
  const provable = await provableNames(app.host, target.settings, { names });
  const { directory } = target.settings.ssl;
  const due = plan.at <= app.host.clock.now();
  const text = due
    ? `would ask ${directory} for a certificate for ${provable.names.join(', ')}: ${plan.why}`
    : `would do nothing: the certificate is as it should be`;
  app.output.result([text, ...provable.leftOut], {
    ...{ would: due ? 'issue' : 'nothing', directory },
    ...{ names: provable.names, left_out: provable.leftOut },
  });
}

async function rehearse(app: App): Promise<void> {
  const { requireClock } = await import('../../host/clock.ts');
  const tried = await app.changing('ssl-setup', async (target) => {
    requireCa(target);
    requireClock(app.host.clock);
    const { rehearse: run } = await import('../../appliance/acme/obtain.ts');
    const { readOutlook } = await import('../../appliance/acme/renewal.ts');
    const outlook = await readOutlook(app.host, target);
    return run(app.host, target, { outlook, directory: stagingOf(target) });
  });
  const text = `it works: a certificate for ${tried.names.join(', ')} was issued for trial, and thrown away`;
  app.output.result([text, ...tried.leftOut], {
    ...{ outcome: 'tested', names: tried.names, left_out: tried.leftOut },
  });
  app.output.note('for the real one: mailctl ssl-setup');
}

async function setUp(app: App): Promise<Renewal> {
  return app.changing('ssl-setup', async (target) => {
    requireCa(target);
    const { setUp: run } = await import('../../appliance/acme/renew.ts');
    const renewal = await run(app.host, target);
    await wakeScheduler(app, target);
    return renewal;
  });
}

export function registerSslSetup(program: Command, app: AppSource): void {
  const command = program
    .command('ssl-setup')
    .description('get a certificate from the CA (ACME, proved by DNS) and serve it')
    .option('--staging', "go the whole way with the CA's staging directory, and keep nothing")
    .action(async (options: SetupOptions) => {
      if (app().options.dryRun) return showOnly(app());
      if (options.staging) return rehearse(app());
      try {
        await reportRenewal(app(), await setUp(app()));
      } catch (error) {
        await warnOfExpiry(app());
        throw error;
      }
    });
  describeWord(command, {
    examples: ['mailctl ssl-setup --staging', 'mailctl ssl-setup'],
    statuses: [
      '1   it is installed and not shown on every port, or DNS needs a person',
      '64  ssl.type is not letsencrypt',
      '65  the certificate that came is not used; the zone is not ours',
      '69  the CA refuses, or DNS cannot be changed from here',
      '75  try again: the CA is away or limits, DNS is not visible yet, a new key has to wait, another mailctl',
      '77  not root',
      '78  the UCI file is wrong',
    ],
  });
}
