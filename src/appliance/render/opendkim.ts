// OpenDKIM's configuration. KeyTable and SigningTable depend on the accounts: ../dkim.

import type { Settings } from '../settings/settings.ts';
import type { Facts } from './facts.ts';
import type { ManagedFile } from './managed-file.ts';

/** A key that signs: <data_path>/dkim/<domain>/<selector>.private */
export interface SigningKey {
  readonly domain: string;
  readonly selector: string;
}

/** The key folder inside the container; it also contains the tables. */
const KEYS = '/etc/dkimkeys';

const MISSING = 'missing';

function keyName({ domain, selector }: SigningKey): string {
  return `${selector}._domainkey.${domain}`;
}

/** Text of KeyTable: one row for each key, and one row for a key file that never exists. */
export function renderKeyTable(keys: readonly SigningKey[]): string {
  const rows = keys.map(
    (key) =>
      `${keyName(key)} ${key.domain}:${key.selector}:${KEYS}/${key.domain}/${key.selector}.private`,
  );
  return `${[...rows, `${MISSING} %:${MISSING}:${KEYS}/${MISSING}`].join('\n')}\n`;
}

/**
 * Text of SigningTable; the first match signs. The last row matches domains without a key: their mail is deferred
 * instead of being sent unsigned.
 */
export function renderSigningTable(keys: readonly SigningKey[]): string {
  const rows = keys.map((key) => `*@${key.domain} ${keyName(key)}`);
  return `${[...rows, `* ${MISSING}`].join('\n')}\n`;
}

export function opendkimValues(_settings: Settings, _facts: Facts): Record<string, string> {
  return {};
}

export const opendkimFiles: readonly ManagedFile[] = [
  {
    path: '/etc/opendkim.conf',
    owner: 'root',
    mode: 0o644,
    on_change: { restart: 'opendkim' },
    when: ({ features }) => features.dkim,
    append: 'opendkim.conf',
  },
];
