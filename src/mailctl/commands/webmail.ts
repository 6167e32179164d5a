// mailctl webmail: Roundcube in the web container.

import type { Command } from 'commander';
import type { Appliance } from '../../appliance/appliance.ts';
import { converge, requireInstalled } from '../../appliance/apply/converge.ts';
import { proveForeign, renderForeign, writeForeign } from '../../appliance/webmail/configure.ts';
import { planWebImage } from '../../appliance/webmail/converge.ts';
import { findWebContainer } from '../../appliance/webmail/desired.ts';
import { followWeb, isOurs } from '../../appliance/webmail/follow.ts';
import { findForeign, readRoundcube } from '../../appliance/webmail/foreign.ts';
import {
  checkWebHost,
  installWeb,
  planWebRemoval,
  switchedOn,
  uninstallWeb,
} from '../../appliance/webmail/install.ts';
import { queryWebmail, type WebmailStatus, webmailUrl } from '../../appliance/webmail/status.ts';
import { type ExitStatus, MailctlError, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { planOfChanges, summarizeChanges } from '../changes-text.ts';
import { type CommandLine, defineWord, describeGroup } from '../command.ts';
import { requireRootToLook } from '../root.ts';
import { wakeScheduler } from '../scheduler.ts';
import { parseSha256 } from '../sha256-option.ts';

interface InstallOptions {
  readonly image?: string;
  readonly sha256?: string;
}

async function install(app: App, given: Appliance, { image: source, sha256 }: InstallOptions) {
  const { host } = app;
  await checkWebHost(host, given);
  const target = switchedOn(given);
  const image = await requireInstalled(host, target);
  // a self-signed certificate has to cover the name of webmail
  const mail = await converge(host, target, { image, start: false });
  const done = await installWeb(host, given, {
    ...(source === undefined ? {} : { source }),
    ...(sha256 === undefined ? {} : { sha256 }),
  });
  wakeScheduler(app, target);
  const url = await webmailUrl(host, target);
  return { ...done, url, changes: [...mail.changes, ...done.changes] };
}

export async function runInstall(app: App, options: InstallOptions): Promise<ExitStatus> {
  const { host, output } = app;
  return app.change({
    word: 'webmail install',
    plan: async (target) => {
      await checkWebHost(host, target);
      const changes = await planWebImage(host, switchedOn(target), 'to be installed');
      return planOfChanges(changes, output.paint);
    },
    apply: (target) => install(app, target, options),
    report: ({ url, image, address, changes, enabled }, { settings }) => {
      output.result(`webmail is running: ${url}`, {
        ...{ state: 'running', url, address },
        image: { sha256: image.sha256, variant: image.manifest.variant },
        changes: summarizeChanges(changes),
      });
      if (enabled && settings.ssl.type === 'letsencrypt') {
        output.note('next: mailctl dns-setup, then mailctl ssl-setup, for its name');
      }
      return STATUS.OK;
    },
  });
}

const NOTHING_TO_CONFIGURE =
  'no container is named webmail.container: mailctl webmail install makes one';

/** The own web container is brought up to date; a foreign one gets a new configuration file. */
async function configure({ host }: App, target: Appliance) {
  const web = await findWebContainer(host, target);
  if (await isOurs(host, web)) {
    const { changes, problem } = await followWeb(host, target);
    if (problem !== null) throw problem;
    return {
      kind: 'mailctl',
      changed: changes.length > 0,
      keptAs: null,
      server: null,
      version: null,
    };
  }
  const foreign = await findForeign(host, web);
  if (foreign === null) {
    throw new MailctlError('NOT_INSTALLED', NOTHING_TO_CONFIGURE, {
      hint: 'mailctl webmail install',
    });
  }
  const roundcube = await readRoundcube(foreign);
  const config = await renderForeign(host, target, roundcube);
  const done = await writeForeign(host, foreign, { roundcube, config });
  await proveForeign(foreign, target, { roundcube, config });
  const { kind } = foreign;
  return { ...done, kind, server: config.server, version: roundcube.version };
}

export async function runConfigure(app: App): Promise<ExitStatus> {
  return app.change({
    word: 'webmail configure',
    apply: (target) => configure(app, target),
    report: ({ kind, changed, keptAs, server, version }, { settings }) => {
      const { container } = settings.webmail;
      const where = `Roundcube in ${container}`;
      const to = server === null ? 'this server' : server;
      const text = changed ? `${where} uses ${to}` : `no change: ${where} uses ${to} already`;
      app.output.result(text, { container, kind, changed, kept_as: keptAs, server, version });
      if (keptAs !== null) {
        app.output.note(`the file was edited by hand; it is kept as ${keptAs} in the container`);
      }
      return STATUS.OK;
    },
  });
}

interface UninstallOptions {
  readonly purge?: boolean;
}

export async function runUninstall(
  app: App,
  { purge = false }: UninstallOptions,
): Promise<ExitStatus> {
  const { host, output } = app;
  const { data } = (await app.appliance()).paths;
  const folder = `${data}/webmail`;
  if (purge) await app.confirm(`This removes ${folder}: settings and address books of webmail.`);
  return app.change({
    word: 'webmail uninstall',
    plan: async (target) => {
      const paths = await planWebRemoval(host, target, purge);
      const stop = paths.length === 0 ? [] : ['stop the web container'];
      return { would: [...stop, ...paths.map((path) => `remove ${path}`)] };
    },
    apply: (target) => uninstallWeb(host, target, purge),
    report: (removed) => {
      const kept = purge ? '' : `; its data is in ${folder}`;
      output.result(removed ? `removed webmail${kept}` : 'webmail is not installed', {
        ...{ state: 'absent', removed, data: purge ? null : folder },
      });
      if (removed && !purge) output.note('to undo: mailctl webmail install');
      return STATUS.OK;
    },
  });
}

const STATUS_OF = {
  running: STATUS.OK,
  degraded: STATUS.PARTIAL,
  stopped: STATUS.UNAVAILABLE,
  absent: STATUS.UNAVAILABLE,
} as const;

function describe(status: WebmailStatus): string[] {
  const { state, problem, container, address, url, version, server, daemons } = status;
  const rows = [
    ['address', url],
    ['container', `${container}${address === null ? '' : ` (${address})`}`],
    ['roundcube', version ?? 'none'],
    ['server', server],
    ...daemons.map(({ name, state: is }) => [name, is]),
  ];
  return [
    `webmail is ${state}`,
    ...(problem === null ? [] : [`  ${problem}`]),
    ...rows.map(([name = '', value]) => `  ${name.padEnd(10)}  ${value}`),
  ];
}

export async function runStatus(app: App): Promise<ExitStatus> {
  requireRootToLook(app);
  const status = await queryWebmail(app.host, await app.appliance());
  const daemons = status.daemons.map(({ name, state }) => ({ name, state }));
  app.output.result(describe(status), { ...status, daemons });
  return STATUS_OF[status.state];
}

export function registerWebmail(webmail: Command, line: CommandLine): void {
  const installed = webmail
    .command('install')
    .description('make the web container with Roundcube, and start it')
    .option(
      '--image <file|url>',
      'its image (default: web.image, the installed one, or a new build)',
    )
    .option('--sha256 <hex>', 'SHA-256 of the image; required for plain http', parseSha256);
  defineWord(installed, line, {
    kind: 'changes',
    run: runInstall,
    ends: [
      ...(['PROBE_FAILED', 'NOT_RUNNING', 'HOST_UNFIT', 'PORT_TAKEN'] as const),
      ...(['IMAGE_MISSING', 'IMAGE_INVALID', 'DATA_INVALID'] as const),
    ],
    examples: ['mailctl webmail install', 'mailctl webmail install --image /tmp/web.squashfs'],
  });
  const configured = webmail
    .command('configure')
    .description('point the Roundcube of the container webmail.container at this mail server');
  defineWord(configured, line, {
    kind: 'changes',
    run: runConfigure,
    ends: ['NOT_INSTALLED', 'NOT_RUNNING', 'HOST_UNFIT', 'PROBE_FAILED', 'PROGRAM_FAILED'],
    examples: ['mailctl webmail configure', 'mailctl webmail configure --json'],
    more: 'For an LXC or Docker container with a Roundcube that exists already: its config.inc.php is written whole, with its\ndatabase and secrets kept; a file that was edited by hand is kept beside.\n',
  });
  const status = webmail
    .command('status')
    .description('show whether webmail works, its address, and the server that it uses');
  defineWord(status, line, {
    kind: 'looks',
    run: runStatus,
    ends: ['DEGRADED', 'STOPPED'],
    examples: ['mailctl webmail status', 'mailctl webmail status --json'],
  });
  const uninstalled = webmail
    .command('uninstall')
    .description('remove the web container; its data stays')
    .option('--purge', 'remove settings and address books of webmail too');
  defineWord(uninstalled, line, {
    kind: 'changes',
    run: runUninstall,
    ends: ['NOT_CONFIRMED', 'PROGRAM_FAILED'],
    examples: ['mailctl webmail uninstall', 'mailctl webmail uninstall --purge --yes'],
  });
  describeGroup(webmail, { examples: ['mailctl webmail install', 'mailctl webmail status'] });
}
