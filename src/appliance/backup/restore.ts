// Puts the files of a backup in the place of the present ones. Each part of the data folder is switched by a rename;
// what was there is kept beside it, and mail in it that the backup does not have is added to the restored mail. Every
// step can be repeated after a kill.

import { dirname, join } from 'node:path';
import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import type { Merged } from '../../host/untrusted-merge.ts';
import type { Appliance } from '../appliance.ts';
import { SECRET_FILE, SECRET_FOLDER } from '../container/modes.ts';
import {
  RESTORE_JOURNAL,
  type RestoreJournal,
  restoredTree,
  restoreFolder,
} from '../container/restore-journal.ts';
import { openState } from '../container/state-file.ts';
import { PROVIDER_FILE } from '../dns/publish/credentials.ts';
import type { Paths } from '../paths.ts';
import { editUciFile } from '../settings/uci-file.ts';
import { ALL_MAIL, mergeMail, mergeQueue } from './merge.ts';
import { BACKUP_PARTS, PROVIDER_SOURCE, placeInTree, UCI_SOURCE } from './sources.ts';
import { uciOfThisPlace } from './uci-place.ts';

const FORMER = 'before-restore-';

const NOTHING_ADDED = { mail: { files: 0, blocked: [] }, queue: { files: 0, blocked: [] } };

export interface Restored {
  readonly sequence: number;
  /** Folder with what was there before. */
  readonly former: string;
  /** What was added to the restored mail, and to the restored queue. */
  readonly mail: Merged;
  readonly queue: Merged;
}

const formerFolder = ({ data }: Paths, { stamp }: RestoreJournal): string =>
  join(data, `${FORMER}${stamp}`);

/** Folders with what restores have replaced, the oldest first. */
export async function formerFolders(host: Host, { data }: Paths): Promise<string[]> {
  const names = await host.files.list(data);
  return names.filter((name) => name.startsWith(FORMER)).map((name) => join(data, name));
}

async function exists(host: Host, path: string): Promise<boolean> {
  return (await host.files.stat(path)) !== null;
}

/** Where `path` is kept; a name with a number if it was there again after an interrupted switch. */
async function freeName(host: Host, path: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? path : `${path}-${number}`;
    if (!(await exists(host, name))) return name;
  }
}

async function moveTo(host: Host, from: string, to: string): Promise<void> {
  if (!(await exists(host, dirname(to))))
    await host.files.makeDirectory(dirname(to), { mode: 0o755 });
  await host.files.rename(from, to);
}

/** Exchanges one part; a part that is not in the tree has been exchanged already, or is not in the backup. */
async function switchPart(
  host: Host,
  { from, to, former }: { from: string; to: string; former: string },
): Promise<void> {
  if (!(await exists(host, from))) return;
  if (await exists(host, to)) await moveTo(host, to, await freeName(host, former));
  await moveTo(host, from, to);
}

/** Parts of the data folder with their place in the tree; the mesh's own files one by one, since archives are beside them. */
async function partsOf(host: Host, tree: string): Promise<readonly (readonly [string, string])[]> {
  const mesh = (await host.files.list(join(tree, 'mesh'))).map((name) => `mesh/${name}`);
  const parts = BACKUP_PARTS.filter((part) => part !== 'mesh');
  return [...parts, ...mesh].map((part) => [
    part,
    part.startsWith('mesh/') ? part : placeInTree(part),
  ]);
}

async function switchParts(host: Host, paths: Paths, former: string): Promise<void> {
  const tree = restoredTree(paths);
  for (const [part, place] of await partsOf(host, tree)) {
    const names = {
      from: join(tree, place),
      to: join(paths.data, part),
      former: join(former, part),
    };
    await switchPart(host, names);
  }
}

/** The text of a source that is one file, whatever its name was; null when the backup has none. */
async function textInTree(host: Host, paths: Paths, source: string): Promise<string | null> {
  const folder = join(restoredTree(paths), source);
  const [name] = await host.files.list(folder);
  return name === undefined ? null : host.files.read(join(folder, name));
}

/** The UCI text to write; null for a backup without one. Throws for one that does not fit this machine. */
async function wantedUci(host: Host, paths: Paths, present: string | null): Promise<string | null> {
  const backup = await textInTree(host, paths, UCI_SOURCE);
  return backup === null ? null : uciOfThisPlace({ backup, present, file: paths.uciFile });
}

/** Throws DATA_INVALID for a tree without accounts, which cannot be a backup of a mail server. */
async function requireRestorable(host: Host, paths: Paths): Promise<void> {
  const tree = restoredTree(paths);
  await wantedUci(host, paths, await host.files.read(paths.uciFile));
  for (const name of ['config', UCI_SOURCE]) {
    if (await exists(host, join(tree, name))) continue;
    throw new MailctlError('DATA_INVALID', `the backup has no ${name}; nothing was changed`, {
      hint: 'mailctl mesh archives   (lists the others)',
    });
  }
}

/** Writes the files of /etc/config with the texts of the backup; the present UCI file is kept with the rest. */
async function switchFiles(host: Host, paths: Paths, former: string): Promise<void> {
  await editUciFile(host, paths.uciFile, async (present) => {
    const kept = join(former, UCI_SOURCE);
    // the first run may have replaced it already
    const before = (await host.files.read(kept)) ?? present;
    const text = (await wantedUci(host, paths, before)) ?? before ?? '';
    if (before !== null) await host.files.replace(kept, before, { mode: SECRET_FILE });
    return { text };
  });
  const provider = await textInTree(host, paths, PROVIDER_SOURCE);
  // a router that has credentials of its own keeps them
  if (provider !== null && !(await exists(host, PROVIDER_FILE))) {
    await host.files.replace(PROVIDER_FILE, provider, { mode: SECRET_FILE });
  }
}

/**
 * Switches the checked tree in; the container is stopped, and the caller holds the appliance's lock. Finishes a restore
 * that was interrupted. The settings may be others afterwards: the caller reads them again, starts the server, and calls
 * `endRestore`.
 */
export async function switchRestored(
  host: Host,
  target: Appliance,
  sequence: number,
): Promise<Restored> {
  const { paths } = target;
  const open = await openState(host, paths, RESTORE_JOURNAL);
  if (open.current === null) {
    await requireRestorable(host, paths);
    const stamp = host.clock
      .now()
      .toISOString()
      .replace(/[-:]|\.\d+/g, '');
    await open.write({ v: 1, sequence, stamp, phase: 'switch' });
  }
  const journal = open.current;
  if (journal === null) throw new Error('the journal was written');
  const former = formerFolder(paths, journal);
  if (journal.phase === 'switch') {
    await host.files.makeDirectory(former, { mode: SECRET_FOLDER });
    await switchFiles(host, paths, former);
    await switchParts(host, paths, former);
    await open.write({ ...journal, phase: 'merge' });
  }
  // once all is in place, users may have deleted what would be added again
  if (journal.phase === 'start') return { sequence: journal.sequence, former, ...NOTHING_ADDED };
  const mail = await host.untrusted.merge(join(former, 'mail'), paths.mail, mergeMail(ALL_MAIL));
  const queue = await host.untrusted.merge(join(former, 'queue'), paths.queue, mergeQueue);
  await open.write({ ...journal, phase: 'start' });
  return { sequence: journal.sequence, former, mail, queue };
}

/** Removes the working folder of a restore; the journal goes last. */
export async function endRestore(host: Host, paths: Paths): Promise<void> {
  const folder = restoreFolder(paths);
  for (const name of await host.files.list(folder)) {
    if (name !== 'journal.json') await host.files.removeTree(join(folder, name));
  }
  await host.files.removeTree(folder);
}
