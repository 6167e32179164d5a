// The systemd unit that runs `mailctl serve`, so that the mail server starts at boot. Pure.

import type { Appliance } from '../appliance.ts';
import { renderTemplate } from '../render/render.ts';
import { readUnit } from './unit.macro.ts' with { type: 'macro' };

const TEMPLATE: string = readUnit();

export interface Unit {
  /** Such as `mailserver.service`. */
  readonly name: string;
  readonly path: string;
  readonly text: string;
}

const DEFAULT_CONTAINER = 'mailserver';
const FOLDER = '/etc/systemd/system';

/** One unit for each appliance of the host. */
function unitName(container: string): string {
  return container === DEFAULT_CONTAINER ? 'mailserver.service' : `mailserver-${container}.service`;
}

/** systemd.syntax(7): specifiers, variables and quotes lose their meaning. */
function quoted(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('%', '%%')
    .replaceAll('$', '$$$$');
  return /^[\w%$/.:@+-]+$/.test(text) ? escaped : `"${escaped}"`;
}

/** @param program path of mailctl */
export function renderUnit({ settings, paths }: Appliance, program: string): Unit {
  const { container } = settings.main;
  const name = unitName(container);
  const text = renderTemplate(`${FOLDER}/${name}`, TEMPLATE, {
    ...{ unit: name, container },
    program: quoted(program),
    config: quoted(paths.uciFile),
    data: quoted(paths.data),
    lxc: quoted(paths.lxc),
  });
  return { name, path: `${FOLDER}/${name}`, text };
}
