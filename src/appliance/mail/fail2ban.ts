// Lists and removes bans of fail2ban.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { parseIp } from '../../host/ip.ts';
import { queryInside, runInside } from '../../host/lxc.ts';
import { quoted } from '../address.ts';
import type { Appliance } from '../appliance.ts';
import { containerRef } from '../container/container.ts';

export interface Ban {
  readonly address: string;
  readonly jail: string;
}

function requireOn({ settings }: Appliance): void {
  if (settings.features.fail2ban) return;
  throw new MailctlError('NOT_RUNNING', 'fail2ban is disabled (features.fail2ban is 0)', {
    hint: 'mailctl set features.fail2ban 1 && mailctl apply',
  });
}

/** Prints every jail with its banned addresses. */
export const BANNED = ['fail2ban-client', 'banned'] as const;

/** Parses the output of BANNED, a Python literal: `[{'postfix': ['192.0.2.1']}]`. Addresses by jail. */
export function parseJails(text: string): Map<string, string[]> {
  const jails = text.matchAll(/'([\w-]+)': \[([^\]]*)\]/g);
  const addresses = (list: string) =>
    [...list.matchAll(/'([0-9a-fA-F.:]+)'/g)].map(([, address = '']) => address);
  return new Map([...jails].map(([, jail = '', list = '']) => [jail, addresses(list)]));
}

export function parseBans(text: string): Ban[] {
  return [...parseJails(text)].flatMap(([jail, addresses]) =>
    addresses.map((address) => ({ address, jail })),
  );
}

/** Throws NOT_RUNNING, also if fail2ban is disabled. */
export async function listBans(host: Host, target: Appliance): Promise<Ban[]> {
  requireOn(target);
  const { stdout } = await queryInside(host, containerRef(target), BANNED);
  return parseBans(stdout);
}

/** Throws ADDRESS_INVALID. */
export function parseBanAddress(text: string): string {
  if (parseIp(text) !== undefined) return text;
  throw new MailctlError('ADDRESS_INVALID', `${quoted(text)} is not an IP address`, {
    hint: 'mailctl fail2ban list',
  });
}

/** Removes the bans of one address in every jail, or all bans; returns their number. Throws NOT_RUNNING. */
export async function unban(host: Host, target: Appliance, which: string | 'all'): Promise<number> {
  requireOn(target);
  const command = ['fail2ban-client', 'unban', which === 'all' ? '--all' : which];
  const { stdout } = await runInside(host, containerRef(target), command);
  return Number.parseInt(stdout, 10) || 0;
}
