// mailctl install: image, data folders, keys, configuration, container: from nothing to a running server.

import type { Command } from 'commander';
import type { Appliance } from '../../appliance/appliance.ts';
import { MailctlError } from '../../errors.ts';
import type { App } from '../app.ts';
import { type AppSource, describeWord } from '../command.ts';
import { ensureScheduler } from '../scheduler.ts';

interface InstallOptions {
  readonly image?: string;
  readonly sha256?: string;
  readonly onRoot?: boolean;
}

function parseSha256(text: string): string {
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase();
  throw new MailctlError('USAGE', `--sha256 ${text}: a SHA-256 has 64 hexadecimal digits`);
}

async function install(app: App, target: Appliance, options: InstallOptions) {
  const { host } = app;
  const { checkHost } = await import('../../appliance/container/preflight.ts');
  const { ensureImage } = await import('../../appliance/container/image.ts');
  const { converge } = await import('../../appliance/apply/converge.ts');
  const { enableInUci } = await import('../../appliance/settings/uci-file.ts');
  const { image: source, sha256 } = options;
  await checkHost(host, target, { onRoot: options.onRoot ?? false });
  const image = await ensureImage(host, target, {
    ...(source === undefined ? {} : { source }),
    ...(sha256 === undefined ? {} : { sha256 }),
  });
  const result = await converge(host, target, { image, start: true });
  const enabled = await enableInUci(host, target.paths.uciFile, target.settings);
  await ensureScheduler(app, target);
  return { ...result, image, enabled };
}

async function showInstall(app: App, options: InstallOptions): Promise<void> {
  const target = await app.appliance();
  const { checkHost } = await import('../../appliance/container/preflight.ts');
  const { planConvergence } = await import('../../appliance/apply/converge.ts');
  const { describeChanges, summarizeChanges } = await import('../changes-text.ts');
  await checkHost(app.host, target, { onRoot: options.onRoot ?? false });
  const changes = await planConvergence(app.host, target, true);
  app.output.result(describeChanges(changes, app.output.paint), {
    changes: summarizeChanges(changes),
  });
}

export function registerInstall(program: Command, app: AppSource): void {
  const command = program
    .command('install')
    .description('set up the mail server and start it; run again, it changes nothing')
    .option(
      '--image <file|url>',
      'the container image (default: main.image, the installed one, or build it)',
    )
    .option(
      '--sha256 <hex>',
      'what the image must have; needed for an image over plain http',
      parseSha256,
    )
    .option('--on-root', 'the data may lie on the root overlay, which sysupgrade erases')
    .action(async (options: InstallOptions) => {
      const { changing, output, options: global } = app();
      if (global.dryRun) return showInstall(app(), options);
      const result = await changing('install', (target) => install(app(), target, options));
      const { hostname } = (await app().appliance()).settings.main;
      const { summarizeChanges } = await import('../changes-text.ts');
      const nothing = result.changes.length === 0 && !result.started && !result.enabled;
      const text = nothing ? `${hostname} is installed and running` : `${hostname} is running`;
      output.result(text, {
        state: 'running',
        image: { sha256: result.image.sha256, variant: result.image.manifest.variant },
        changes: summarizeChanges(result.changes),
      });
      if (!nothing) output.note('next: mailctl user add <address>, then mailctl status');
    });
  describeWord(command, {
    examples: ['mailctl install', 'mailctl install --image /tmp/mailserver-arm64.squashfs'],
    statuses: [
      '1   it runs, but does not answer as it should',
      '65  the image is damaged, made for another machine, or not to be trusted',
      '69  this host lacks something; every lack is listed',
      '75  another mailctl is at work',
      '77  not root',
      '78  the UCI file is wrong; nothing was changed',
    ],
  });
}
