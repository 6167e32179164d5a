// The weekly trial restore. This box cannot open its backups, so the trial makes a complete one, to a key that lives in
// the memory of this process alone; reads it back and compares every content with its hash; and opens one mailbox of it
// with Dovecot.

import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { readDirectory } from '../../appliance/accounts/accounts.ts';
import { type Address, domainOf, localOf } from '../../appliance/address.ts';
import type { Appliance } from '../../appliance/appliance.ts';
import { BACKUP_STATE } from '../../appliance/backup/state.ts';
import { containerRef } from '../../appliance/container/container.ts';
import { SECRET_FOLDER, shiftedOwner } from '../../appliance/container/modes.ts';
import { openState } from '../../appliance/container/state-file.ts';
import { ids } from '../../appliance/ids.ts';
import { MailctlError } from '../../errors.ts';
import { generateAgeKey } from '../../host/age-key.ts';
import type { Host } from '../../host/host.ts';
import { isRunning, queryInside } from '../../host/lxc.ts';
import type { MergeRule } from '../../host/untrusted-merge.ts';
import { backup } from '../../mesh/archive/backup.ts';
import { checkContents } from '../../mesh/archive/check-contents.ts';
import { type Listing, openListing } from '../../mesh/archive/listing.ts';
import { type RestoreOptions, restoreTree } from '../../mesh/archive/restore.ts';
import { backupOptions } from './local-backups.ts';
import { countMailboxes } from './partial-restore.ts';
import { withMeshLock } from './sync.ts';

export interface Trial {
  readonly messages: number;
  readonly files: number;
  readonly bytes: number;
  /** The mailbox that Dovecot opened; null without a mailbox that has mail, or without the container. */
  readonly mailbox: string | null;
}

/** A mailbox with more is not opened: the trial is to cost little. */
const MOST_MESSAGES = 20_000;
const NAME = 'trial';
/** Where the container has the folder `state`. */
const INSIDE = `/var/lib/mailserver/${NAME}`;

const everything: MergeRule = ({ names }) => new Map(names.map((name) => [name, name]));

async function chooseMailbox(host: Host, target: Appliance, listing: Listing) {
  const { directory } = await readDirectory(host, target);
  const counts = countMailboxes(listing);
  const fit = [...directory.mailboxes.keys()].flatMap((address) => {
    const messages = counts.get(address)?.messages ?? 0;
    return messages > 0 && messages <= MOST_MESSAGES ? [{ address, messages }] : [];
  });
  return fit.length === 0 ? null : (fit[randomInt(fit.length)] ?? null);
}

const prefixOf = (address: Address): string => `mail/${domainOf(address)}/${localOf(address)}`;

/** How many messages Dovecot finds in the restored mailbox. */
async function countByDovecot(host: Host, target: Appliance, address: Address): Promise<number> {
  const path = `mail_path=${INSIDE}/${prefixOf(address)}`;
  const command = ['doveadm', '-o', path, 'search', '-u', address, 'mailbox', '*', 'all'];
  const { stdout } = await queryInside(host, containerRef(target), command, { timeout: 300_000 });
  return stdout.split('\n').filter((line) => line.trim() !== '').length;
}

/** Throws ARCHIVE_INVALID when Dovecot does not find every message. */
async function openWithDovecot(
  host: Host,
  target: Appliance,
  { options, folder }: { options: Omit<RestoreOptions, 'target'>; folder: string },
): Promise<string | null> {
  if (!(await isRunning(host, containerRef(target)))) return null;
  const chosen = await chooseMailbox(host, target, options.listing);
  if (chosen === null) return null;
  const { address, messages } = chosen;
  const prefix = prefixOf(address);
  const tree = join(folder, 'tree');
  const select = (path: string) =>
    path.startsWith(`${prefix}/`) || `${prefix}/`.startsWith(`${path}/`);
  await restoreTree(host, { ...options, target: join(tree, NAME), select });
  const owner = shiftedOwner(target.settings, ids.vmail.uid);
  await host.files.makeDirectory(join(tree, NAME), { mode: SECRET_FOLDER, owner });
  const { state } = target.paths;
  await host.untrusted.remove(state, [NAME]);
  try {
    await host.untrusted.merge(tree, state, everything);
    const found = await countByDovecot(host, target, address);
    if (found === messages) return address;
    const message = `Dovecot finds ${found} of ${messages} messages in the restored mailbox ${address}`;
    throw new MailctlError('ARCHIVE_INVALID', message, { hint: 'mailctl mesh verify --trial' });
  } finally {
    await host.untrusted.remove(state, [NAME]);
  }
}

async function runTrial(host: Host, target: Appliance, folder: string): Promise<Trial> {
  const key = await generateAgeKey();
  const options = await backupOptions(host, target, key.recipient);
  const { manifest } = await backup(host, { ...options, folder });
  const files = { manifest, folder: join(folder, 'outbox'), identities: [key.identity] };
  const listing = await openListing(host, files, join(folder, 'listing.db'));
  try {
    const checked = await checkContents(host, {
      ...files,
      listing,
      target: join(folder, 'nowhere'),
    });
    const mailbox = await openWithDovecot(host, target, { options: { ...files, listing }, folder });
    return { ...checked, mailbox };
  } finally {
    listing.index.close();
  }
}

/** Notes the result in the state of the mesh, and throws what made the trial fail. */
export async function tryRestore(host: Host, target: Appliance): Promise<Trial> {
  const folder = join(target.paths.mesh, NAME);
  const work = async () => {
    const open = await openState(host, target.paths, BACKUP_STATE);
    await host.files.removeTree(folder);
    try {
      const trial = await runTrial(host, target, folder);
      const { last } = open.current;
      const verified = last === null ? null : { ...last, time: host.clock.now().toISOString() };
      await open.write({ ...open.current, verified, trialProblem: null });
      return trial;
    } catch (error) {
      if (error instanceof MailctlError && error.code !== 'LOCKED')
        await open.write({ ...open.current, trialProblem: error.message });
      throw error;
    } finally {
      await host.files.removeTree(folder);
    }
  };
  return withMeshLock(host, target, { command: 'mailctl mesh verify', work });
}
