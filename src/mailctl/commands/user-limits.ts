// mailctl user quota, suspend, resume: the limits of a mailbox.

import type { Command } from 'commander';
import { requireMailbox, updateMailbox } from '../../appliance/accounts/mailboxes.ts';
import type { Mailbox } from '../../appliance/accounts/model.ts';
import { formatQuota, parseQuota } from '../../appliance/accounts/quota.ts';
import { parseAddress } from '../../appliance/address.ts';
import { type ExitStatus, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';
import type { Ending } from '../statuses.ts';

const ENDS: readonly Ending[] = [
  'ADDRESS_INVALID',
  'DIRECTORY_INVALID',
  'FILE_FAILED',
  'MAILBOX_UNKNOWN',
];

/** The stable JSON shape of a mailbox (docs/json.md). */
export function mailboxData({ address, active, quotaBytes }: Mailbox): object {
  return { address, active, quota_bytes: quotaBytes };
}

export async function runQuota(
  app: App,
  text: string,
  size: string | undefined,
): Promise<ExitStatus> {
  const { host, output } = app;
  const address = parseAddress(text);
  const show = (mailbox: Mailbox) => {
    output.result(`${address} ${formatQuota(mailbox.quotaBytes)}`, mailboxData(mailbox));
    return STATUS.OK;
  };
  if (size === undefined) return show(await requireMailbox(host, await app.appliance(), address));
  const quotaBytes = parseQuota(size);
  return app.change({
    word: 'user quota',
    apply: (target) => updateMailbox(host, target, address, { quotaBytes }),
    report: show,
  });
}

function registerQuota(user: Command, line: CommandLine): void {
  const command = user
    .command('quota <address> [size]')
    .description('show or set the quota: a size such as 2G, unlimited, default');
  defineWord(command, line, {
    kind: 'changes',
    run: runQuota,
    ends: ['QUOTA_INVALID', ...ENDS],
    examples: ['mailctl user quota alice@example.com', 'mailctl user quota alice@example.com 2G'],
  });
}

async function runActive(app: App, text: string, active: boolean): Promise<ExitStatus> {
  const { host, output } = app;
  const address = parseAddress(text);
  return app.change({
    word: active ? 'user resume' : 'user suspend',
    apply: (target) => updateMailbox(host, target, address, { active }),
    report: (mailbox) => {
      output.result(`${active ? 'resumed' : 'suspended'} ${address}`, mailboxData(mailbox));
      return STATUS.OK;
    },
  });
}

export const runSuspend = (app: App, text: string) => runActive(app, text, false);
export const runResume = (app: App, text: string) => runActive(app, text, true);

function registerActive(user: Command, line: CommandLine): void {
  const suspend = user
    .command('suspend <address>')
    .description('refuse logins and end the open sessions; mail is still received');
  defineWord(suspend, line, {
    kind: 'changes',
    run: runSuspend,
    ends: ENDS,
    examples: [
      'mailctl user suspend alice@example.com',
      'mailctl user suspend bob@example.com --json',
    ],
  });
  const resume = user.command('resume <address>').description('allow logins again');
  defineWord(resume, line, {
    kind: 'changes',
    run: runResume,
    ends: ENDS,
    examples: [
      'mailctl user resume alice@example.com',
      'mailctl user resume bob@example.com --json',
    ],
  });
}

export function registerUserLimits(user: Command, line: CommandLine): void {
  registerQuota(user, line);
  registerActive(user, line);
}
