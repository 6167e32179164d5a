// mailctl ssl-setup: the first certificate from a CA.

import type { Command } from 'commander';
import { provableNames } from '../../appliance/acme/names.ts';
import { rehearse } from '../../appliance/acme/obtain.ts';
import { setUp } from '../../appliance/acme/renew.ts';
import { readOutlook } from '../../appliance/acme/renewal.ts';
import type { Appliance } from '../../appliance/appliance.ts';
import { followWeb } from '../../appliance/webmail/follow.ts';
import { type ExitStatus, MailctlError, STATUS } from '../../errors.ts';
import { requireClock } from '../../host/clock.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';
import type { Planned } from '../output.ts';
import { RENEWAL_ENDS, reportRenewal, warnOfExpiry } from '../renewal-text.ts';
import { wakeScheduler } from '../scheduler.ts';
import { warnOfWeb } from '../web-text.ts';

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
      ? 'mailctl ssl-renew installs the files of ssl.cert_path and ssl.key_path'
      : 'the server uses a self-signed certificate';
  throw new MailctlError('USAGE', `ssl.type is ${type}: ${how}`, {
    hint: 'mailctl set ssl.type letsencrypt; mailctl ssl-setup',
  });
}

/** The CA's staging directory, or its directory where it has no staging. */
function stagingOf({ settings }: Appliance): string {
  const { directory } = settings.ssl;
  return directory === LETS_ENCRYPT ? STAGING : directory;
}

async function planSetup(app: App, target: Appliance, staging: boolean): Promise<Planned> {
  requireCa(target);
  const { names, plan } = await readOutlook(app.host, target);
  const provable = await provableNames(app.host, target.settings, { names });
  const directory = staging ? stagingOf(target) : target.settings.ssl.directory;
  const data = { directory, names: provable.names, left_out: provable.leftOut };
  if (!staging && plan.at > app.host.clock.now()) {
    const details = ['the certificate is up to date', ...provable.leftOut];
    return { would: [], details, data };
  }
  const why = staging ? 'a trial' : plan.why;
  const would = `ask ${directory} for a certificate for ${provable.names.join(', ')}: ${why}`;
  return { would: [would], details: provable.leftOut, data };
}

async function runRehearsal(app: App): Promise<ExitStatus> {
  return app.change({
    word: 'ssl-setup',
    plan: (target) => planSetup(app, target, true),
    apply: async (target) => {
      requireCa(target);
      requireClock(app.host.clock);
      const outlook = await readOutlook(app.host, target);
      return rehearse(app.host, target, { outlook, directory: stagingOf(target) });
    },
    report: ({ names, leftOut }) => {
      const text = `trial passed: a certificate for ${names.join(', ')} was issued and discarded`;
      app.output.result([text, ...leftOut], { outcome: 'tested', names, left_out: leftOut });
      app.output.note('next: mailctl ssl-setup');
      return STATUS.OK;
    },
  });
}

export async function run(app: App, options: SetupOptions): Promise<ExitStatus> {
  if (options.staging) return runRehearsal(app);
  try {
    return await app.change({
      word: 'ssl-setup',
      plan: (target) => planSetup(app, target, false),
      apply: async (target) => {
        requireCa(target);
        const renewal = await setUp(app.host, target);
        warnOfWeb(app, await followWeb(app.host, target));
        wakeScheduler(app, target);
        return renewal;
      },
      report: (renewal) => reportRenewal(app, renewal),
    });
  } catch (error) {
    await warnOfExpiry(app);
    throw error;
  }
}

export function registerSslSetup(command: Command, line: CommandLine): void {
  command.option('--staging', "run a trial with the CA's staging directory; keep nothing");
  defineWord(command, line, {
    kind: 'changes',
    run,
    ends: ['USAGE', ...RENEWAL_ENDS],
    examples: ['mailctl ssl-setup --staging', 'mailctl ssl-setup'],
  });
}
