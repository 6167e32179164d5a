// The web container follows the mail server: what starts, changes or stops that one does the same here. A fault of webmail
// never fails a command of the mail server.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { isRunning } from '../../host/lxc.ts';
import type { Appliance } from '../appliance.ts';
import type { Change } from '../apply/changes.ts';
import { planTables } from '../apply/network-tables.ts';
import { containerRef } from '../container/container.ts';
import { networkInUse } from '../container/host-part.ts';
import { currentImage } from '../container/image.ts';
import { takeDown } from '../container/lifecycle.ts';
import { convergeWeb } from './converge.ts';
import { findWebContainer } from './desired.ts';

export interface Followed {
  readonly changes: readonly Change[];
  /** Why webmail does not run as wanted; null when it does, or is not installed. */
  readonly problem: MailctlError | null;
}

const NOTHING: Followed = { changes: [], problem: null };

/** Brings the web container up to date, and starts it. */
export async function followWeb(host: Host, target: Appliance): Promise<Followed> {
  if (!target.settings.web.enabled) return NOTHING;
  try {
    const web = await findWebContainer(host, target);
    const image = await currentImage(host, web.paths);
    // the pages can be behind another web server
    if (image === null) return NOTHING;
    return { changes: (await convergeWeb(host, target, image)).changes, problem: null };
  } catch (error) {
    if (error instanceof MailctlError) return { changes: [], problem: error };
    throw error;
  }
}

/** Stops the web container. Call it before the mail container: its socket is in the folder of that one. */
export async function stopWeb(host: Host, target: Appliance, timeout?: number): Promise<void> {
  const web = await findWebContainer(host, target);
  if (await isOurs(host, web)) await takeDown(host, web, timeout);
}

/** False for a container of this name that mailctl has not made, and for none. */
export async function isOurs(host: Host, { paths }: Appliance): Promise<boolean> {
  return ((await host.files.read(paths.lxcConfig)) ?? '').startsWith('# Written by mailctl');
}

/** True when the web container should run beside the mail container, and does not, or without its rules. */
export async function isWebFaulty(host: Host, target: Appliance): Promise<boolean> {
  if (!target.settings.web.enabled) return false;
  if (!(await isRunning(host, containerRef(target)))) return false;
  const web = await findWebContainer(host, target);
  if ((await currentImage(host, web.paths)) === null) return false;
  if (!(await isRunning(host, containerRef(web)))) return true;
  const plan = await networkInUse(host, web.paths);
  if (plan === null) return false;
  const { container } = web.settings.main;
  return (await planTables(host, web.paths, { container, plan })).length > 0;
}
