// What a backup holds: everything of the appliance that cannot be made again (docs/data-folder.md, "What a backup
// needs"). Pure.

import { join } from 'node:path';
import type { Appliance } from '../appliance.ts';
import { PROVIDER_FILE } from '../dns/publish/credentials.ts';
import type { Paths } from '../paths.ts';
import { accountsCopy } from './snapshot.ts';

export interface BackupSource {
  /** The first folder of its files in an archive. */
  readonly name: string;
  /** A folder or a file of this host. */
  readonly path: string;
  /** `maildir`: messages do not change, only their names do. `queue`: Postfix's queue files. */
  readonly kind: 'maildir' | 'files' | 'queue';
  /** Without it there is no backup: a disk that is not mounted would count as deleted mail. */
  readonly required: boolean;
  /** @param parts names from `path` to a file or folder; true if it is made again, and not saved */
  readonly leaveOut: (parts: readonly string[]) => boolean;
}

/** The folders of Postfix's queue that hold mail, or what is known of its delivery. */
export const QUEUE_FOLDERS: readonly string[] = [
  'active',
  'bounce',
  'defer',
  'deferred',
  'hold',
  'incoming',
  'maildrop',
  'trace',
];

const nothing = (): boolean => false;

/** Of a file that mailctl is writing. */
const isTemporary = (name: string): boolean => /^\..*\.\d+\.\d+\.tmp$/.test(name);

/**
 * In a mailbox, what Dovecot makes again: index files, locks, and mail that a delivery has not finished. UID lists,
 * keywords, subscriptions and ACLs stay. The first two names are domain and local part, whatever they are.
 */
export function leaveOutOfMail(parts: readonly string[]): boolean {
  const inner = parts.slice(2);
  const name = inner.at(-1);
  if (name === undefined || ['cur', 'new'].includes(inner.at(-2) ?? '')) return false;
  return (
    /^dovecot\./.test(name) ||
    /^dovecot-.*\.(?:lock|tmp)$/.test(name) ||
    name === 'maildirsize' ||
    name === 'tmp' ||
    name.startsWith('.temp.')
  );
}

const leaveOutOfSieve = (parts: readonly string[]): boolean =>
  /\.(?:svbin|log|lock)$/.test(parts.at(-1) ?? '') || (parts.length > 2 && parts.at(-1) === 'tmp');

/** The mesh's own state without archives: neither those on their way nor those that other boxes keep here. */
const leaveOutOfMesh = ([first = '']: readonly string[]): boolean =>
  !['identity', 'recovery.json', 'peers.json', 'state.json'].includes(first);

interface Row {
  readonly kind?: BackupSource['kind'];
  readonly isFile?: true;
  readonly required?: true;
  readonly leaveOut?: BackupSource['leaveOut'];
}

/** By its path below the data folder. */
const ROWS: Readonly<Record<string, Row>> = {
  config: { required: true },
  dkim: {},
  ssl: {},
  acme: {},
  dns: {},
  custom: {},
  'srs.secret': { isFile: true },
  'report.json': { isFile: true },
  'schedule.json': { isFile: true },
  mesh: { leaveOut: leaveOutOfMesh },
  'state/sieve': { leaveOut: leaveOutOfSieve },
  'state/valkey': { leaveOut: ([name]) => name !== 'dump.rdb' },
  'webmail/state/roundcube': {},
  queue: {
    kind: 'queue',
    leaveOut: ([folder = '']) => !QUEUE_FOLDERS.includes(folder),
  },
  mail: { kind: 'maildir', required: true, leaveOut: leaveOutOfMail },
};

/** The parts of the data folder in an archive, by their paths below it. */
export const BACKUP_PARTS: readonly string[] = Object.keys(ROWS);

/** Names of sources are flat: `state/sieve` is `state-sieve`. */
const sourceName = (part: string): string => part.replaceAll('/', '-');

/** Where a part is in a restored tree; a file is in a folder with the name of its source. */
export const placeInTree = (part: string): string =>
  ROWS[part]?.isFile ? `${sourceName(part)}/${part}` : sourceName(part);

/** Names in an archive of the two files of `/etc/config`. */
export const UCI_SOURCE = 'uci';
export const PROVIDER_SOURCE = 'dns-provider';

/** The accounts are read from a copy that is consistent (snapshot.ts). */
const pathOf = (paths: Paths, part: string): string =>
  part === 'config' ? accountsCopy(paths) : join(paths.data, part);

/** Call `copyAccounts` before. */
export function backupSources({ paths }: Appliance): BackupSource[] {
  const file = (name: string, path: string): BackupSource => ({
    ...{ name, path, kind: 'files', required: path === paths.uciFile, leaveOut: nothing },
  });
  const parts = Object.entries(ROWS).map(([part, row]): BackupSource => {
    const { kind = 'files', required = false, leaveOut = nothing } = row;
    return {
      ...{ name: sourceName(part), path: pathOf(paths, part), kind, required },
      leaveOut: (names) => (kind === 'files' && isTemporary(names.at(-1) ?? '')) || leaveOut(names),
    };
  });
  return [file(UCI_SOURCE, paths.uciFile), file(PROVIDER_SOURCE, PROVIDER_FILE), ...parts];
}
