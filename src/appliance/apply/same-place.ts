// Changes that need the server stopped, or its data moved, are refused before the server is touched.

import { join } from 'node:path';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { isRunning } from '../../host/lxc.ts';
import { queryMachineId } from '../../host/machine.ts';
import type { Appliance } from '../appliance.ts';
import { containerRef } from '../container/container.ts';
import { readHostPart } from '../container/host-part.ts';
import { type Place, placeHere, placeInUse, placeOf } from '../container/place.ts';
import { planVeth } from '../container/veth.ts';

const hasAccounts = async (host: Host, data: string): Promise<boolean> =>
  (await host.files.stat(join(data, 'config/vdomains'))) !== null;

const quoted = (path: string): string =>
  /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;

/** The commands that put the data of one folder into another, in place of what is there. */
async function moveCommands(host: Host, from: string, to: string): Promise<string> {
  const [source, place] = [quoted(from), quoted(to)];
  const empty = (await host.files.list(to)).length === 0;
  const aside = empty ? [] : [`mv ${place} ${quoted(`${to}.old`)}`];
  const copy = [`mkdir -p ${place}`, `cp -a ${source}/. ${place}/`];
  return ['mailctl stop', ...aside, ...copy, 'mailctl start'].join(' && ');
}

async function refuseOtherData(host: Host, used: Place, here: Place): Promise<never> {
  throw new MailctlError(
    'PLACE_CHANGED',
    `main.data_path is ${here.data}, and the data of the server is in ${used.data}`,
    {
      hint: `${await moveCommands(host, used.data, here.data)}   (or set main.data_path to ${used.data})`,
    },
  );
}

/** Two containers on one data folder would damage it. */
async function refuseOtherContainer(host: Host, { paths }: Appliance, here: Place): Promise<void> {
  if ((await host.files.readLink(join(paths.rendered, 'current'))) === null) return;
  const part = await readHostPart(host, paths, 'current');
  const other = part === null ? null : placeOf(part.lxcConfig);
  if (other === null || (other.container === here.container && other.lxc === here.lxc)) return;
  const { mac } = planVeth(other.container, await queryMachineId(host));
  const ref = { name: other.container, lxcPath: other.lxc, logFile: '' };
  if (other.data !== here.data || other.mac !== mac || !(await isRunning(host, ref))) return;
  throw new MailctlError(
    'PLACE_CHANGED',
    `the container ${other.container} (${other.lxc}) runs with the data in ${here.data}, and main.container is ${here.container}`,
    {
      hint: `mailctl set main.container ${other.container}; mailctl uninstall; mailctl set main.container ${here.container}; mailctl install`,
    },
  );
}

/** Throws PLACE_CHANGED when the server's data is not in the folder that UCI names. */
export async function requireSameData(host: Host, target: Appliance): Promise<void> {
  const [used, here] = [await placeInUse(host, target), await placeHere(host, target)];
  if (used !== null && used.data !== here.data) {
    const running = await isRunning(host, containerRef(target));
    const lost = !(await hasAccounts(host, here.data)) && (await hasAccounts(host, used.data));
    if (running || lost) await refuseOtherData(host, used, here);
  }
  await refuseOtherContainer(host, target, here);
}

/** Also throws PLACE_CHANGED when the running container has other ids than UCI names. */
export async function requireSamePlace(host: Host, target: Appliance): Promise<void> {
  await requireSameData(host, target);
  const used = await placeInUse(host, target);
  const { idmapBase, dataPath } = target.settings.main;
  if (used === null || used.idmapBase === idmapBase) return;
  if (!(await isRunning(host, containerRef(target)))) return;
  throw new MailctlError(
    'PLACE_CHANGED',
    `main.idmap_base is ${idmapBase}, and the container runs with ${used.idmapBase}: the owners in ${dataPath} can only be changed while it is stopped`,
    { hint: 'mailctl restart' },
  );
}
