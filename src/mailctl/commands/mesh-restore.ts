// mailctl mesh restore: the whole server from a backup, or mail of one mailbox.

import type { Command } from 'commander';
import { parseAddress } from '../../appliance/address.ts';
import type { Appliance } from '../../appliance/appliance.ts';
import { formerFolders } from '../../appliance/backup/restore.ts';
import { ensureImage } from '../../appliance/container/image.ts';
import { firstFile } from '../../appliance/settings/first-file.ts';
import { editUciFile } from '../../appliance/settings/uci-file.ts';
import { type ExitStatus, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';
import { chooseBackup } from '../mesh/offers.ts';
import { addPeerOptions } from '../mesh/peer-options.ts';
import { checkWords, type RestoreOptions, type Typed, wantedOf } from '../mesh/restore-input.ts';
import { begunRestore, prepareRestore, switchAndStart } from '../mesh/whole-restore.ts';
import { requireRootToLook } from '../root.ts';
import { endScheduler } from '../scheduler.ts';
import { install } from './install.ts';
import { runList, runMailbox } from './mesh-restore-mailbox.ts';

/** A new machine has none: the backup brings it, and until then the folders are those of the shipped file. */
async function ensureUciFile({ host, uciFile, options }: App): Promise<void> {
  if (options.dryRun) return;
  await editUciFile(host, uciFile, (text) =>
    text === null ? firstFile(null, uciFile, { values: {}, force: false }) : { text },
  );
}

async function planWhole(app: App, target: Appliance, typed: Typed) {
  const wanted = await wantedOf(app, target, typed);
  const kept = 'keep what is there now in before-restore-…, and add its mail that the backup lacks';
  const would = ['stop the mail server', kept, 'start the mail server'];
  if (wanted.file !== null) return { would: [`unpack ${wanted.file}`, ...would] };
  const warn = (text: string) => app.output.warn(text);
  const { manifest } = await chooseBackup(app.host, target, { search: wanted, warn });
  const { sequence, time, counts } = manifest.manifest;
  return {
    would: [`restore backup ${sequence} of ${time}, ${counts.messages} messages`, ...would],
  };
}

async function restoreWhole(
  app: App,
  target: Appliance,
  { sequence, options }: { sequence: number; options: RestoreOptions },
) {
  const { image, onRoot } = options;
  const chosen = {
    ...(image === undefined ? {} : { image }),
    ...(onRoot === undefined ? {} : { onRoot }),
  };
  await ensureImage(app.host, target, image === undefined ? {} : { source: image });
  const start = async () => {
    await install(app, await app.appliance(), chosen);
  };
  return switchAndStart(app.host, target, { sequence, start });
}

async function runWhole(app: App, typed: Typed): Promise<ExitStatus> {
  const { host, output } = app;
  await ensureUciFile(app);
  const present = await app.appliance();
  const begun = await begunRestore(host, present);
  if (begun === null) {
    await app.confirm(
      'This replaces mail, accounts, keys and settings of this box by those of the backup; what is there now is kept aside.',
    );
  }
  const warn = (text: string) => output.warn(text);
  let sequence = begun ?? 0;
  return app.change({
    word: 'mesh restore',
    plan: (target) => planWhole(app, target, typed),
    before: async () => {
      if (begun === null) {
        const wanted = await wantedOf(app, present, typed);
        sequence = await prepareRestore(host, present, { wanted, warn });
      } else output.note(`finishing the restore of backup ${begun} that was interrupted`);
      await endScheduler(app);
    },
    apply: (target) => restoreWhole(app, target, { sequence, options: typed.options }),
    report: ({ former, mail, queue, sequence: done }) => {
      output.result(`backup ${done} is in place, and the mail server is running`, {
        ...{ sequence: done, former, added: mail.files, queued: queue.files },
        blocked: [...mail.blocked, ...queue.blocked],
      });
      if (mail.files > 0) output.note(`${mail.files} messages that the backup lacks were added`);
      output.note(
        `what was here before is in ${former}; mailctl mesh restore --discard-former removes it`,
      );
      return STATUS.OK;
    },
  });
}

async function runDiscard(app: App): Promise<ExitStatus> {
  const { host, output } = app;
  const folders = await formerFolders(host, (await app.appliance()).paths);
  if (folders.length > 0) await app.confirm(`This deletes ${folders.join(', ')} for good.`);
  return app.change({
    word: 'mesh restore --discard-former',
    apply: async ({ paths }) => {
      for (const folder of folders)
        await host.untrusted.remove(paths.data, [folder.slice(paths.data.length + 1)]);
    },
    report: () => {
      output.result(folders.length === 0 ? 'nothing to remove' : `removed ${folders.join(', ')}`, {
        removed: folders,
      });
      return STATUS.OK;
    },
  });
}

export async function runRestore(
  app: App,
  file: string | undefined,
  options: RestoreOptions,
): Promise<ExitStatus> {
  requireRootToLook(app);
  const typed = { file, options };
  checkWords(typed);
  if (options.discardFormer) return runDiscard(app);
  const address = options.user === undefined ? null : parseAddress(options.user);
  if (options.list) return runList(app, typed, address);
  return address === null ? runWhole(app, typed) : runMailbox(app, typed, address);
}

const collect = (value: string, all: readonly string[] = []) => [...all, value];

export function registerRestore(mesh: Command, line: CommandLine): void {
  const restore = addPeerOptions(
    mesh
      .command('restore [file]')
      .description('restore the server, or one mailbox, from peers or from a file')
      .option('--from <peer>', 'a peer that has backups; may be repeated', collect)
      .option('--at <time>', 'the newest backup of this time or before'),
  )
    .option('--key-file <file>', 'read the recovery key from a file')
    .option('--key-stdin', 'read the recovery key from standard input')
    .option('--user <address>', 'only add what this mailbox lacks; the server keeps running')
    .option(
      '--message <id>',
      'with --user: only this message, by Message-ID or by its name in --list',
    )
    .option('--list', 'list the mailboxes, or with --user the messages; restores nothing')
    .option('--image <file|url>', 'the container image for a new machine, as for install')
    .option('--on-root', 'the data may lie on the root overlay, as for install')
    .option('--discard-former', 'delete what earlier restores have replaced');
  defineWord(restore, line, {
    kind: 'changes',
    run: runRestore,
    ends: [
      ...(['USAGE', 'NO_TERMINAL', 'NOT_CONFIRMED', 'ADDRESS_INVALID', 'ARCHIVE_INVALID'] as const),
      ...(['RECOVERY_KEY_WRONG', 'DATA_INVALID', 'BACKUP_UNKNOWN', 'MAILBOX_UNKNOWN'] as const),
      ...(['MESSAGE_UNKNOWN', 'PEER_AWAY', 'PEER_REFUSED', 'PEER_CHANGED', 'FILE_FAILED'] as const),
      ...(['IMAGE_MISSING', 'HOST_UNFIT', 'PORT_TAKEN', 'PROBE_FAILED', 'LEFT_OUT_FILES'] as const),
    ],
    examples: [
      'mailctl mesh restore --from file:///mnt/usb/mail',
      'mailctl mesh restore --from 3f9a…c1 --address 192.0.2.7 --user alice@example.com',
    ],
    more: `The recovery key is asked for. Everything is fetched and checked before anything changes. A restore that
was interrupted is finished by typing the command again.`,
  });
}
