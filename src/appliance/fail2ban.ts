// Who is banned, and the way out of a ban.

import { MailctlError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { queryInside, runInside } from '../host/lxc.ts';
import { quoted } from './address.ts';
import { containerRef } from './container.ts';
import { parseIp } from './options/networks.ts';
import type { Paths } from './paths.ts';
import type { Settings } from './settings.ts';

interface Target {
  readonly settings: Settings;
  readonly paths: Paths;
}

export interface Ban {
  readonly address: string;
  readonly jail: string;
}

function requireOn({ settings }: Target): void {
  if (settings.features.fail2ban) return;
  throw new MailctlError('NOT_RUNNING', 'fail2ban is switched off (features.fail2ban is 0)', {
    hint: 'uci set mailserver.features.fail2ban=1 && uci commit mailserver && mailctl apply',
  });
}

/** Reads `fail2ban-client banned`, which prints Python: `[{'postfix': ['192.0.2.1']}]`. */
export function parseBans(text: string): Ban[] {
  const jails = text.matchAll(/'([\w-]+)': \[([^\]]*)\]/g);
  return [...jails].flatMap(([, jail = '', list = '']) =>
    [...list.matchAll(/'([0-9a-fA-F.:]+)'/g)].map(([, address = '']) => ({ address, jail })),
  );
}

/** Throws NOT_RUNNING, also where fail2ban is switched off. */
export async function listBans(host: Host, target: Target): Promise<Ban[]> {
  requireOn(target);
  const command = ['fail2ban-client', 'banned'];
  const { stdout } = await queryInside(host, containerRef(target), command);
  return parseBans(stdout);
}

/** Throws ADDRESS_INVALID. */
export function parseBanAddress(text: string): string {
  if (parseIp(text) !== undefined) return text;
  throw new MailctlError('ADDRESS_INVALID', `${quoted(text)} is not an IP address`, {
    hint: 'mailctl fail2ban list',
  });
}

/** Lifts the bans of one address in every jail, or all bans; how many there were. */
export async function unban(host: Host, target: Target, which: string | 'all'): Promise<number> {
  requireOn(target);
  const command = ['fail2ban-client', 'unban', which === 'all' ? '--all' : which];
  const { stdout } = await runInside(host, containerRef(target), command);
  return Number.parseInt(stdout, 10) || 0;
}
