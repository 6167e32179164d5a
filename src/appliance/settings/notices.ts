// Options of a valid file that have no effect, or another one than their name says.

import { formatBytes } from './bytes.ts';
import type { Conflict } from './conflict.ts';
import { describeReserved, SET_DOMAIN } from './reserved-domain.ts';
import type { Settings } from './settings.ts';

export type Notice = Conflict & { readonly hint?: string };

/** What ClamAV's official signatures need; smaller sets of one's own need less. */
const CLAMAV_BYTES = 1.5 * 2 ** 30;

export function findNotices(settings: Settings): readonly Notice[] {
  return [...findDomainNotices(settings), ...findFilterNotices(settings)];
}

function findDomainNotices(settings: Settings): readonly Notice[] {
  const reason = describeReserved(settings);
  if (reason === null) return [];
  const message = `${reason}, and install refuses it`;
  return [{ options: ['main.domain'], message, hint: SET_DOMAIN }];
}

function findFilterNotices({ features, main }: Settings): readonly Notice[] {
  const notices: Notice[] = [];
  const off = (['spf', 'dkim'] as const).filter((name) => !features[name]);
  if (features.dmarc && off.length > 0) {
    const names = off.map((name) => `features.${name}`);
    const message = `features.dmarc is 1, but DMARC is not evaluated: it needs ${names.join(' and ')}`;
    const hint = `mailctl set ${names[0]} 1, or: mailctl set features.dmarc 0`;
    notices.push({ options: ['features.dmarc', ...names], message, hint });
  }
  if (features.virusScan && main.memory < CLAMAV_BYTES) {
    const message = `main.memory is ${formatBytes(main.memory)}, and ClamAV needs ${formatBytes(CLAMAV_BYTES)}: the kernel would end it again and again, and mail would be deferred`;
    const hint = 'mailctl set main.memory 2G';
    notices.push({ options: ['main.memory', 'features.virus_scan'], message, hint });
  }
  return notices;
}
