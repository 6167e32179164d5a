// mailctl install: image, data folders, keys, configuration and container of a new server.

import type { Command } from 'commander';
import type { Appliance } from '../../appliance/appliance.ts';
import { converge, planConvergence } from '../../appliance/apply/converge.ts';
import { requireSignatures } from '../../appliance/apply/virus-scan.ts';
import { ensureImage } from '../../appliance/container/image.ts';
import { checkHost } from '../../appliance/container/preflight.ts';
import { requireOwnDomain } from '../../appliance/settings/reserved-domain.ts';
import { enableInUci } from '../../appliance/settings/uci-file.ts';
import { type ExitStatus, MailctlError, STATUS } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import type { App } from '../app.ts';
import { planOfChanges, summarizeChanges } from '../changes-text.ts';
import { type CommandLine, defineWord } from '../command.ts';
import { showNotices } from '../notices.ts';
import { ensureScheduler } from '../scheduler.ts';
import { WAIT_FOR_SIGNATURES } from '../wait-option.ts';

interface InstallOptions {
  readonly image?: string;
  readonly sha256?: string;
  readonly onRoot?: boolean;
  readonly waitForSignatures?: boolean;
}

function parseSha256(text: string): string {
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase();
  throw new MailctlError('USAGE', `--sha256 ${text}: a SHA-256 has 64 hexadecimal digits`);
}

/** Throws for what would make the installation fail, before the first change. */
async function checkTarget(host: Host, target: Appliance, options: InstallOptions): Promise<void> {
  requireOwnDomain(target.settings);
  await checkHost(host, target, { onRoot: options.onRoot ?? false });
  if (!options.waitForSignatures) await requireSignatures(host, target);
}

async function install(app: App, target: Appliance, options: InstallOptions) {
  const { host } = app;
  const { image: source, sha256, waitForSignatures } = options;
  await checkTarget(host, target, options);
  const image = await ensureImage(host, target, {
    ...(source === undefined ? {} : { source }),
    ...(sha256 === undefined ? {} : { sha256 }),
  });
  const result = await converge(host, target, { image, start: true, waitForSignatures });
  const enabled = await enableInUci(host, target.paths.uciFile, target.settings);
  await ensureScheduler(app, target);
  return { ...result, image, enabled };
}

export async function run(app: App, options: InstallOptions): Promise<ExitStatus> {
  const { host, output } = app;
  return app.change({
    word: 'install',
    plan: async (target) => {
      await checkTarget(host, target, options);
      return planOfChanges(await planConvergence(host, target, true), output.paint);
    },
    apply: (target) => install(app, target, options),
    report: async ({ changes, started, enabled, image }, { settings }) => {
      const { hostname } = settings.main;
      const nothing = changes.length === 0 && !started && !enabled;
      const text = nothing ? `${hostname} is installed and running` : `${hostname} is running`;
      output.result(text, {
        state: 'running',
        image: { sha256: image.sha256, variant: image.manifest.variant },
        changes: summarizeChanges(changes),
      });
      await showNotices(app);
      if (!nothing) output.note('next: mailctl user add <address>, then mailctl status');
      return STATUS.OK;
    },
  });
}

export function registerInstall(command: Command, line: CommandLine): void {
  command
    .option(
      '--image <file|url>',
      'the container image (default: main.image, the installed image, or a new build)',
    )
    .option('--sha256 <hex>', 'SHA-256 of the image; required for plain http', parseSha256)
    .option('--on-root', 'the data may lie on the root overlay, which sysupgrade erases')
    .option(...WAIT_FOR_SIGNATURES);
  defineWord(command, line, {
    kind: 'changes',
    run,
    ends: [
      ...(['PROBE_FAILED', 'IMAGE_INVALID', 'DIRECTORY_INVALID', 'CERTIFICATE_INVALID'] as const),
      ...(['HOST_UNFIT', 'PORT_TAKEN', 'IMAGE_MISSING', 'SIGNATURES_MISSING'] as const),
    ],
    examples: ['mailctl install', 'mailctl install --image /tmp/mailserver-arm64.squashfs'],
  });
}
