// The appliance as a service of systemd: the program in a folder of the system, and an enabled unit. OpenWrt's package
// has a procd service instead.

import { MailctlError } from '../../errors.ts';
import { digestFile } from '../../host/digest.ts';
import type { Host } from '../../host/host.ts';
import {
  disableUnit,
  enableUnit,
  isActive,
  isSystemdHost,
  reloadUnits,
  startUnit,
  stopUnit,
} from '../../host/systemd.ts';
import type { Appliance } from '../appliance.ts';
import { isOpenWrt } from '../container/preflight.ts';
import { endServer, queryServer } from './server.ts';
import { renderUnit, type Unit } from './unit.ts';

/** FHS 3.0, 4.9: programs of the local administrator. */
const PROGRAM = '/usr/local/sbin/mailctl';
const SYSTEM_FOLDERS = /^\/(?:usr\/(?:local\/)?)?s?bin\/[^/]+$/;
/** The first line of the unit, before its name. */
const MARK = '# Written by mailctl';

/** Throws HOST_UNFIT without systemd, FILE_FAILED for a foreign unit, USAGE for a program that runs from its source. */
export async function requireService(
  host: Host,
  target: Appliance,
  program: readonly string[],
): Promise<void> {
  if (await isOpenWrt(host)) {
    throw new MailctlError('HOST_UNFIT', '--service is for systemd; this host is OpenWrt', {
      hint: '/etc/init.d/mailserver enable   (the service of the package)',
    });
  }
  if (!(await isSystemdHost(host))) {
    throw new MailctlError('HOST_UNFIT', '--service needs systemd, which does not run this host', {
      hint: 'mailctl install   (then let your service manager run: mailctl serve)',
    });
  }
  await presentUnit(host, renderUnit(target, PROGRAM));
  if (program.length === 1) return;
  throw new MailctlError('USAGE', '--service needs the built program, not its source', {
    hint: 'npm run build, then: dist/mailctl install --service',
  });
}

/** The unit file on the disk, if mailctl has written it. Throws FILE_FAILED for a foreign one. */
async function presentUnit(host: Host, { path }: Unit): Promise<string | null> {
  const text = await host.files.read(path);
  if (text === null || text.startsWith(MARK)) return text;
  throw new MailctlError('FILE_FAILED', `${path} exists, and mailctl did not write it`, {
    hint: `systemctl cat ${path.split('/').at(-1)}`,
  });
}

async function isSameProgram(host: Host, from: string, to: string): Promise<boolean> {
  const [one, other] = [await host.files.stat(from), await host.files.stat(to)];
  if (one === null || other?.kind !== 'file' || one.size !== other.size) return false;
  return (await digestFile(host, from)) === (await digestFile(host, to));
}

/** Copies the running program to a folder of the system, unless it runs from one. */
async function placeProgram(host: Host, own: string): Promise<{ path: string; changed: boolean }> {
  if (SYSTEM_FOLDERS.test(own)) return { path: own, changed: false };
  if (await isSameProgram(host, own, PROGRAM)) return { path: PROGRAM, changed: false };
  await host.files.copy(own, PROGRAM, { mode: 0o755 });
  return { path: PROGRAM, changed: true };
}

/** Puts program and unit in place, enables the unit and starts it. Returns the unit's name. */
export async function installService(
  host: Host,
  target: Appliance,
  [own = '']: readonly string[],
): Promise<string> {
  const program = await placeProgram(host, own);
  const unit = renderUnit(target, program.path);
  const changed = (await presentUnit(host, unit)) !== unit.text;
  if (changed) await host.files.replace(unit.path, unit.text, { mode: 0o644 });
  await enableUnit(host, unit.name);
  // it would keep the unit's serve from starting
  if (queryServer(host, target.paths)?.background) await endServer(host, target.paths);
  const isNew = changed || program.changed;
  await startUnit(host, unit.name, isNew ? 'restart' : 'start');
  return unit.name;
}

/** The unit of this appliance; null when there is none. */
export async function queryService(host: Host, target: Appliance): Promise<Unit | null> {
  const unit = renderUnit(target, PROGRAM);
  const text = await host.files.read(unit.path);
  return text?.startsWith(MARK) && (await isSystemdHost(host)) ? unit : null;
}

/** Lets systemd start `mailctl serve`; false where no unit is installed. */
export async function startService(host: Host, target: Appliance): Promise<boolean> {
  const unit = await queryService(host, target);
  if (unit === null) return false;
  if (!(await isActive(host, unit.name))) await startUnit(host, unit.name, 'start');
  return true;
}

/** Must run before the appliance's lock is taken: the unit's stop takes it. */
export async function stopService(host: Host, target: Appliance): Promise<void> {
  const unit = await queryService(host, target);
  if (unit !== null) await stopUnit(host, unit.name);
}

/** Removes the unit; the program stays. Returns the unit's name; null when there was none. */
export async function removeService(host: Host, target: Appliance): Promise<string | null> {
  const unit = await queryService(host, target);
  if (unit === null) return null;
  await disableUnit(host, unit.name);
  await host.files.remove(unit.path);
  await reloadUnits(host);
  return unit.name;
}
