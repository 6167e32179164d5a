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

const lines = (rows: readonly string[]): string => rows.map((row) => `${row}\n`).join('');

const keyRow = (key: SigningKey): string =>
  `${keyName(key)} ${key.domain}:${key.selector}:${KEYS}/${key.domain}/${key.selector}.private`;

const signingRow = (key: SigningKey): string => `*@${key.domain} ${keyName(key)}`;

/** Text of KeyTable: one row for each key, and one row for a key file that never exists. */
export function renderKeyTable(keys: readonly SigningKey[]): string {
  return lines([...keys.map(keyRow), `${MISSING} %:${MISSING}:${KEYS}/${MISSING}`]);
}

/**
 * Text of SigningTable; the first match signs. The last row matches domains without a key: their mail is deferred
 * instead of being sent unsigned.
 */
export function renderSigningTable(keys: readonly SigningKey[]): string {
  return lines([...keys.map(signingRow), `* ${MISSING}`]);
}

/** The KeyTable of the second signature, without which mail passes. */
export function renderKeyRows(keys: readonly SigningKey[]): string {
  return lines(keys.map(keyRow));
}

export function renderSigningRows(keys: readonly SigningKey[]): string {
  return lines(keys.map(signingRow));
}

/** OpenDKIM has one algorithm for each instance, so a second one signs with Ed25519. */
export function signsWithEd25519({ features, dns }: Settings): boolean {
  return features.dkim && dns.dkimEd25519;
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
  {
    path: '/etc/opendkim/ed25519.conf',
    owner: 'root',
    mode: 0o644,
    on_change: { restart: 'opendkim-ed25519' },
    when: signsWithEd25519,
    append: 'opendkim-ed25519.conf',
  },
];
