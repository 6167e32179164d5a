// mailctl mesh restore --list and --user: what a backup holds, and mail of one mailbox out of it.

import type { Address } from '../../appliance/address.ts';
import { formatBytes } from '../../appliance/settings/bytes.ts';
import { type ExitStatus, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import {
  listMailboxes,
  listMessages,
  restoreMailbox,
  withBackup,
} from '../mesh/partial-restore.ts';
import { type Typed, wantedOf } from '../mesh/restore-input.ts';
import type { Fetched } from '../mesh/restoring.ts';

export async function runList(
  app: App,
  typed: Typed,
  address: Address | null,
): Promise<ExitStatus> {
  const target = await app.appliance();
  const wanted = await wantedOf(app, target, typed);
  const warn = (text: string) => app.output.warn(text);
  return withBackup(app.host, target, {
    ...{ wanted, warn },
    work: async (backup) => {
      const { sequence, time } = backup.manifest;
      const mailboxes = listMailboxes(backup);
      const messages = address === null ? null : listMessages(backup, address);
      const lines =
        messages === null
          ? mailboxes.map(
              (one) => `${one.mailbox}  ${one.messages} messages, ${formatBytes(one.bytes)}`,
            )
          : messages.map(
              (one) =>
                `${one.message}  ${one.folder}  ${one.time.toISOString().slice(0, 16)}  ${formatBytes(one.size)}`,
            );
      app.output.result(lines, {
        ...{ sequence, time, mailboxes },
        messages: messages?.map((one) => ({ ...one, time: one.time.toISOString() })) ?? null,
      });
      return STATUS.OK;
    },
  });
}

export async function runMailbox(app: App, typed: Typed, address: Address): Promise<ExitStatus> {
  const message = typed.options.message ?? null;
  return app.change({
    word: 'mesh restore',
    plan: async () => ({ would: [`add what the mailbox ${address} lacks from the backup`] }),
    apply: async (target) => {
      const wanted = await wantedOf(app, target, typed);
      const warn = (text: string) => app.output.warn(text);
      const work = (backup: Fetched) =>
        restoreMailbox(app.host, target, { backup, address, message });
      return withBackup(app.host, target, { wanted, warn, work });
    },
    report: ({ files, blocked }) => {
      const text = files === 0 ? 'nothing was missing' : `${files} messages added to ${address}`;
      app.output.result(text, { user: address, added: files, blocked });
      for (const one of blocked)
        app.output.warn(`${one} was left out: something else has its name`);
      return blocked.length === 0 ? STATUS.OK : STATUS.PARTIAL;
    },
  });
}
