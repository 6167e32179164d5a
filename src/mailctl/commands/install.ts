// mailctl install: image, data folders, keys, configuration and container of a new server.

import type { Command } from 'commander';
import type { Appliance } from '../../appliance/appliance.ts';
import { converge, planConvergence } from '../../appliance/apply/converge.ts';
import { requireSignatures } from '../../appliance/apply/virus-scan.ts';
import { ensureImage } from '../../appliance/container/image.ts';
import { checkHost } from '../../appliance/container/preflight.ts';
import { endStop } from '../../appliance/container/stopped.ts';
import { followFirewall, setUpFirewall } from '../../appliance/firewall/firewall.ts';
import {
  changesOf,
  hasFirewall,
  isSetUp,
  planFirewall,
  planFollowing,
} from '../../appliance/firewall/plan.ts';
import { installService, requireService } from '../../appliance/schedule/service.ts';
import { requireOwnDomain } from '../../appliance/settings/reserved-domain.ts';
import { enableInUci } from '../../appliance/settings/uci-file.ts';
import { followWeb } from '../../appliance/webmail/follow.ts';
import { type ExitStatus, STATUS } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { ownProgram } from '../../host/own-program.ts';
import type { App } from '../app.ts';
import { planOfChanges, summarizeChanges } from '../changes-text.ts';
import { type CommandLine, defineWord } from '../command.ts';
import { foreignText } from '../foreign-text.ts';
import { showNotices } from '../notices.ts';
import { ensureScheduler } from '../scheduler.ts';
import { parseSha256 } from '../sha256-option.ts';
import { WAIT_FOR_SIGNATURES } from '../wait-option.ts';
import { warnOfWeb } from '../web-text.ts';

interface InstallOptions {
  readonly image?: string;
  readonly sha256?: string;
  readonly onRoot?: boolean;
  readonly waitForSignatures?: boolean;
  readonly firewall?: boolean;
  readonly service?: boolean;
}

/** Throws for what would make the installation fail, before the first change. */
async function checkTarget(host: Host, target: Appliance, options: InstallOptions): Promise<void> {
  requireOwnDomain(target.settings);
  if (options.service) await requireService(host, target, ownProgram());
  await checkHost(host, target, { onRoot: options.onRoot ?? false });
  if (!options.waitForSignatures) await requireSignatures(host, target);
}

async function setUpIfPresent({ host, output }: App, target: Appliance) {
  if (!(await hasFirewall(host))) return [];
  const { changes, foreign } = await setUpFirewall(host, target);
  for (const one of foreign) output.warn(foreignText(one));
  return changes;
}

async function planRouter(host: Host, target: Appliance, { firewall }: InstallOptions) {
  if (!firewall || !(await hasFirewall(host))) return planFollowing(host, target);
  return changesOf(await planFirewall(host, target));
}

/** True when the router has a firewall, and it knows nothing of the server. */
async function isClosed(host: Host, target: Appliance): Promise<boolean> {
  return (await hasFirewall(host)) && !(await isSetUp(host, target));
}

/** Also the last step of a restore. The caller holds the lock. */
export async function install(app: App, target: Appliance, options: InstallOptions) {
  const { host } = app;
  const { image: source, sha256, waitForSignatures } = options;
  await endStop(host, target.paths);
  await checkTarget(host, target, options);
  const image = await ensureImage(host, target, {
    ...(source === undefined ? {} : { source }),
    ...(sha256 === undefined ? {} : { sha256 }),
  });
  const work = { image, start: true, everyOwner: true, waitForSignatures };
  const result = await converge(host, target, work);
  const enabled = await enableInUci(host, target.paths.uciFile, target.settings);
  if (!options.service) await ensureScheduler(app, target);
  const router = options.firewall
    ? await setUpIfPresent(app, target)
    : await followFirewall(host, target);
  const web = await followWeb(host, target);
  warnOfWeb(app, web);
  const changes = [...result.changes, ...router, ...web.changes];
  const closed = await isClosed(host, target);
  const service = options.service ? await installService(host, target, ownProgram()) : null;
  return { ...result, changes, image, enabled, closed, service };
}

export async function run(app: App, options: InstallOptions): Promise<ExitStatus> {
  const { host, output } = app;
  return app.change({
    word: 'install',
    plan: async (target) => {
      await checkTarget(host, target, options);
      const changes = await planConvergence(host, target, true);
      const router = await planRouter(host, target, options);
      const plan = planOfChanges([...changes, ...router], output.paint);
      const service = options.service ? ['enable and start a systemd service'] : [];
      return { ...plan, would: [...plan.would, ...service] };
    },
    apply: (target) => install(app, target, options),
    report: async ({ changes, started, enabled, image, closed, service }, { settings }) => {
      const { hostname } = settings.main;
      const nothing = changes.length === 0 && !started && !enabled;
      const text = nothing ? `${hostname} is installed and running` : `${hostname} is running`;
      output.result(text, {
        state: 'running',
        image: { sha256: image.sha256, variant: image.manifest.variant },
        changes: summarizeChanges(changes),
        ...(service === null ? {} : { service }),
      });
      if (service !== null)
        output.note(`${service} starts it at boot; systemctl status ${service}`);
      await showNotices(app);
      if (closed) {
        output.note(
          "the router's firewall has no rules for the server yet: mailctl firewall-setup",
        );
      }
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
    .option('--firewall', "also set up the router's firewall and names, as firewall-setup")
    .option('--on-root', 'the data may lie on the root overlay, which sysupgrade erases')
    .option(
      '--service',
      'start the server at boot by a systemd unit; a program from another folder is copied to /usr/local/sbin',
    )
    .option(...WAIT_FOR_SIGNATURES);
  defineWord(command, line, {
    kind: 'changes',
    run,
    ends: [
      ...(['PROBE_FAILED', 'IMAGE_INVALID', 'DIRECTORY_INVALID', 'CERTIFICATE_INVALID'] as const),
      ...(['HOST_UNFIT', 'DATA_INVALID', 'PROGRAM_FAILED', 'PORT_TAKEN', 'IMAGE_MISSING'] as const),
      ...(['SIGNATURES_MISSING', 'PLACE_CHANGED'] as const),
    ],
    examples: [
      'mailctl install --service',
      'mailctl install --image /tmp/mailserver-arm64.squashfs',
    ],
  });
}
