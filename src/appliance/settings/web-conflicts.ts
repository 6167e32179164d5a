// Conflicts between the options of the web container and those of the mail container.

import { ID_RANGE } from '../ids.ts';
import type { Conflict } from './conflict.ts';
import type { Settings } from './settings.ts';

/** First of the web container's ids on the host. */
export function webIdmapBase({ main, web }: Settings): number {
  if (web.idmapBase !== null) return web.idmapBase;
  const next = main.idmapBase + ID_RANGE;
  // below the invalid id -1
  return next + ID_RANGE < 2 ** 32 ? next : main.idmapBase - ID_RANGE;
}

export function findWebConflicts(settings: Settings): readonly Conflict[] {
  return [...findPortConflicts(settings), ...findIdConflicts(settings)];
}

/** Before `webmail install` the ports of the web container are not in use. */
function findPortConflicts({ web, webmail, ports }: Settings): readonly Conflict[] {
  if (!web.enabled) return [];
  const own = [
    ['web.http', web.http],
    ['web.https', web.https],
    ['webmail.port', webmail.port],
  ] as const;
  const mail = Object.entries(ports).map(([name, port]) => [`ports.${name}`, port] as const);
  return own.flatMap(([name, port], index) => {
    const other = [...mail, ...own.slice(0, index)].find(([, taken]) => taken === port);
    if (port === null || other === undefined) return [];
    return [{ options: [name, other[0]], message: `${other[0]} and ${name} are both ${port}` }];
  });
}

function findIdConflicts(settings: Settings): readonly Conflict[] {
  const { idmapBase } = settings.main;
  if (Math.abs(webIdmapBase(settings) - idmapBase) >= ID_RANGE) return [];
  const message = `idmap_base ${settings.web.idmapBase} is less than ${ID_RANGE} away from main.idmap_base ${idmapBase}: the containers would share user ids`;
  return [{ options: ['web.idmap_base', 'main.idmap_base'], message }];
}
