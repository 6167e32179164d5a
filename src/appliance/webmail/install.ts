// Installs and removes the web container.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { bareAddress } from '../../host/ip.ts';
import { isRunning } from '../../host/lxc.ts';
import type { Appliance } from '../appliance.ts';
import { containerRef } from '../container/container.ts';
import { ensureImage, type Image } from '../container/image.ts';
import type { ImageWish } from '../container/image-source.ts';
import { takeDown } from '../container/lifecycle.ts';
import { queryBridge } from '../container/network-apply.ts';
import { checkHost } from '../container/preflight.ts';
import { findFreeAddress } from '../container/propose-address.ts';
import { webmailServices } from '../render/web.ts';
import { switchWeb } from '../settings/uci-file.ts';
import { findWebConflicts } from '../settings/web-conflicts.ts';
import { convergeWeb, type WebConvergence } from './converge.ts';
import { findWebContainer } from './desired.ts';
import { isOurs } from './follow.ts';

/** The appliance with the web container switched on, as `install` leaves it. */
export function switchedOn(target: Appliance): Appliance {
  const { web } = target.settings;
  return { ...target, settings: { ...target.settings, web: { ...web, enabled: true } } };
}

function requireServices({ settings }: Appliance): void {
  const { imap, smtp } = webmailServices(settings);
  if (imap !== '' && smtp !== '') return;
  const [what, options] =
    imap === ''
      ? ['IMAP', 'ports.imaps or ports.imap']
      : ['submission', 'ports.smtps or ports.submission'];
  throw new MailctlError('HOST_UNFIT', `webmail needs ${what}: ${options} must not be 0`, {
    hint: imap === '' ? 'mailctl set ports.imaps 993' : 'mailctl set ports.smtps 465',
  });
}

/** On a bridge that mailctl does not own, only the operator knows which addresses are free. */
async function requireAddress(host: Host, { settings }: Appliance): Promise<void> {
  const { bridge, vlan } = settings.network;
  if (settings.web.address !== null) return;
  const { exists, ours } = await queryBridge(host, bridge, vlan);
  if (!exists || ours) return;
  const free = await findFreeAddress(host, settings.network);
  throw new MailctlError(
    'HOST_UNFIT',
    `web.address is not set, and the web container needs a free address on the bridge ${bridge}`,
    { hint: `mailctl set web.address ${free}` },
  );
}

/** Throws for what would make the installation fail, before the first change. */
export async function checkWebHost(host: Host, given: Appliance): Promise<void> {
  const target = switchedOn(given);
  if (!(await isRunning(host, containerRef(target)))) {
    throw new MailctlError('NOT_RUNNING', 'the mail server is not running', {
      hint: 'mailctl start',
    });
  }
  const [conflict] = findWebConflicts(target.settings);
  if (conflict !== undefined) {
    const hint = `mailctl set ${conflict.options[0]} <another value>`;
    throw new MailctlError('HOST_UNFIT', conflict.message, { hint });
  }
  requireServices(target);
  const web = await findWebContainer(host, target);
  const { container } = web.settings.main;
  if ((await host.files.stat(web.paths.lxcConfig)) !== null && !(await isOurs(host, web))) {
    throw new MailctlError(
      'HOST_UNFIT',
      `the container ${container} exists, and mailctl did not make it`,
      {
        hint: `mailctl webmail configure   (uses it; or: mailctl set webmail.container <new name>)`,
      },
    );
  }
  await requireAddress(host, target);
  await checkHost(host, web, { onRoot: true });
}

export interface WebInstallation extends WebConvergence {
  readonly image: Image;
  readonly address: string;
  readonly enabled: boolean;
}

export async function installWeb(
  host: Host,
  given: Appliance,
  wish: ImageWish,
): Promise<WebInstallation> {
  const target = switchedOn(given);
  const web = await findWebContainer(host, target);
  const image = await ensureImage(host, web, wish);
  const done = await convergeWeb(host, target, image);
  const enabled = await switchWeb(host, target.paths.uciFile, {
    settings: given.settings,
    on: true,
  });
  const address = bareAddress(web.settings.network.address ?? '');
  return { ...done, image, address, enabled };
}

/** The folders that `uninstallWeb` would remove. */
export async function planWebRemoval(
  host: Host,
  target: Appliance,
  purge: boolean,
): Promise<string[]> {
  const web = await findWebContainer(host, target);
  const { container, rendered, data } = web.paths;
  const own = (await isOurs(host, web)) ? [container] : [];
  const found: string[] = [];
  for (const path of purge ? [...own, data] : [...own, rendered]) {
    if ((await host.files.stat(path)) !== null) found.push(path);
  }
  return found;
}

/** Keeps settings and address books of the users unless `purge`. False when there was nothing to remove. */
export async function uninstallWeb(
  host: Host,
  target: Appliance,
  purge: boolean,
): Promise<boolean> {
  const web = await findWebContainer(host, target);
  const { settings, paths } = target;
  const going = await planWebRemoval(host, target, purge);
  // first: `apply` must not start a container that is half removed
  const enabled = await switchWeb(host, paths.uciFile, { settings, on: false });
  if (await isOurs(host, web)) await takeDown(host, web);
  for (const path of going) await host.files.removeTree(path);
  return going.length > 0 || enabled;
}
