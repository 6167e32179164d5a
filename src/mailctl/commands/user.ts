// mailctl user: the mailboxes.

import type { Command } from 'commander';
import type { Direction } from '../../appliance/accounts/direction.ts';
import { parseDisplayName } from '../../appliance/accounts/display-name.ts';
import {
  type CreatedMailbox,
  createMailbox,
  type DeletedMailbox,
  deleteMailbox,
  describePurge,
  mailPath,
  refuseImpossible,
  requireMailbox,
  updateMailbox,
} from '../../appliance/accounts/mailboxes.ts';
import { parseQuota } from '../../appliance/accounts/quota.ts';
import { parseAddress } from '../../appliance/address.ts';
import { type ExitStatus, MailctlError, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord, describeGroup } from '../command.ts';
import {
  addPasswordOptions,
  type Credential,
  credentialSource,
  type PasswordOptions,
} from '../password-input.ts';
import type { Ending } from '../statuses.ts';
import { registerUserAppPassword } from './user-app-password.ts';
import { registerUserImport } from './user-import.ts';
import { registerUserInvite } from './user-invite.ts';
import { mailboxData, registerUserLimits } from './user-limits.ts';
import { registerUserExport, registerUserList, registerUserShow } from './user-list.ts';

const CHANGE_ENDS = ['ADDRESS_INVALID', 'DIRECTORY_INVALID', 'FILE_FAILED'] as const;
const PASSWORD_ENDS = ['USAGE', 'NO_TERMINAL', 'PASSWORD_INVALID'] as const;
const PRESENT_ENDS: readonly Ending[] = [...CHANGE_ENDS, 'MAILBOX_UNKNOWN'];

/** A generated password is shown once. */
function passwordData({ generated }: Credential): object {
  return generated === undefined ? {} : { password: generated };
}

function resultLines(done: string, credential: Credential): string[] {
  return [
    done,
    ...(credential.generated === undefined ? [] : [`password: ${credential.generated}`]),
  ];
}

function reportCreated(app: App, created: CreatedMailbox, credential: Credential): ExitStatus {
  const { output } = app;
  const { mailbox, formerMail, postmasterMissing } = created;
  if (credential.warning !== undefined) output.warn(credential.warning);
  if (formerMail) output.note(`the stored mail of a former ${mailbox.address} is readable again`);
  if (postmasterMissing !== null) {
    output.note(
      `${postmasterMissing} has no mailbox or alias: mailctl user add ${postmasterMissing}`,
    );
  }
  const lines = resultLines(`created ${mailbox.address}`, credential);
  output.result(lines, { ...mailboxData(mailbox), ...passwordData(credential) });
  return STATUS.OK;
}

interface AddOptions extends PasswordOptions {
  readonly quota?: string;
  readonly name?: string;
  readonly sendOnly?: boolean;
  readonly receiveOnly?: boolean;
}

function directionOf({ sendOnly, receiveOnly }: AddOptions): Direction {
  if (sendOnly && receiveOnly) {
    throw new MailctlError('USAGE', '--send-only and --receive-only exclude each other', {
      hint: 'mailctl user add --help',
    });
  }
  if (sendOnly) return 'send-only';
  return receiveOnly ? 'receive-only' : 'both';
}

export async function runAdd(
  app: App,
  text: string,
  options: AddOptions,
  self: Pick<Command, 'args'>,
): Promise<ExitStatus> {
  const { host } = app;
  const readCredential = credentialSource(app, { word: 'user add', options, args: self.args });
  const address = parseAddress(text);
  const wanted = {
    address,
    quotaBytes: options.quota === undefined ? null : parseQuota(options.quota),
    name: options.name === undefined ? null : parseDisplayName(options.name),
    direction: directionOf(options),
  };
  await refuseImpossible(host, await app.appliance(), wanted);
  const credential = await readCredential();
  return app.change({
    word: 'user add',
    apply: (target) => createMailbox(host, target, { ...wanted, hash: credential.hash }),
    report: (created) => reportCreated(app, created, credential),
  });
}

function registerAdd(user: Command, line: CommandLine): void {
  const command = addPasswordOptions(user.command('add <address>'))
    .description('create a mailbox; asks for the password on a terminal')
    .option('--quota <size>', 'a size such as 2G, unlimited, default')
    .option('--name <name>', "display name, such as 'Alice Example'")
    .option('--send-only', 'receives no mail; no IMAP, POP3 or ManageSieve')
    .option('--receive-only', 'sends no mail');
  defineWord(command, line, {
    kind: 'changes',
    run: runAdd,
    ends: [
      ...[...PASSWORD_ENDS, ...CHANGE_ENDS],
      ...(['QUOTA_INVALID', 'NAME_INVALID', 'DIRECTION_INVALID', 'ALIAS_IN_USE'] as const),
      ...(['MAILBOX_EXISTS', 'ALIAS_EXISTS', 'DOMAIN_UNKNOWN', 'DOMAIN_LIMIT'] as const),
    ],
    examples: [
      'mailctl user add alice@example.com',
      "mailctl user add bob@example.com --generate --quota 2G --name 'Bob Example'",
    ],
  });
}

export async function runPasswd(
  app: App,
  text: string,
  options: PasswordOptions,
  self: Pick<Command, 'args'>,
): Promise<ExitStatus> {
  const { host, output } = app;
  const word = 'user passwd';
  const readCredential = credentialSource(app, { word, options, args: self.args });
  const address = parseAddress(text);
  await requireMailbox(host, await app.appliance(), address);
  const credential = await readCredential();
  return app.change({
    word,
    apply: (target) => updateMailbox(host, target, address, { hash: credential.hash }),
    report: (mailbox) => {
      if (credential.warning !== undefined) output.warn(credential.warning);
      const others = mailbox.appPasswords.length;
      if (others > 0) {
        output.note(
          `${others} app passwords still open it: mailctl user app-password list ${address}`,
        );
      }
      const lines = resultLines(`new password set for ${address}`, credential);
      output.result(lines, { ...mailboxData(mailbox), ...passwordData(credential) });
      return STATUS.OK;
    },
  });
}

function registerPasswd(user: Command, line: CommandLine): void {
  const command = addPasswordOptions(user.command('passwd <address>')).description(
    'set a new password and end the open sessions',
  );
  defineWord(command, line, {
    kind: 'changes',
    run: runPasswd,
    ends: [...PASSWORD_ENDS, ...PRESENT_ENDS],
    examples: [
      'mailctl user passwd alice@example.com',
      'mailctl user passwd alice@example.com --password-stdin < file',
    ],
  });
}

function reportDeleted(
  app: App,
  address: string,
  { deleted, mail }: { deleted: DeletedMailbox; mail: string },
): ExitStatus {
  const { output } = app;
  const { aliasesChanged, aliasesRemoved, mailKept, postmasterMissing } = deleted;
  for (const alias of aliasesRemoved) {
    output.note(`the alias ${alias} had no other target and is deleted too`);
    output.note(`to undo: mailctl alias add ${alias} <target>`);
  }
  for (const alias of aliasesChanged) {
    output.note(`removed from the alias ${alias}; to undo: mailctl alias add ${alias} ${address}`);
  }
  if (mailKept)
    output.note(`the mail is kept in ${mail}; mailctl user add ${address} brings it back`);
  if (postmasterMissing !== null) output.warn(`${postmasterMissing} has no mailbox or alias now`);
  output.result(`deleted ${address}`, {
    address,
    mail: mailKept ? mail : null,
    aliases_removed: aliasesRemoved,
    aliases_changed: aliasesChanged,
  });
  return STATUS.OK;
}

interface DelOptions {
  readonly purge?: boolean;
}

export async function runDel(
  app: App,
  text: string,
  { purge = false }: DelOptions,
): Promise<ExitStatus> {
  const { host } = app;
  const address = parseAddress(text);
  if (purge) await app.confirm(await describePurge(host, await app.appliance(), address));
  return app.change({
    word: 'user del',
    apply: (target) => deleteMailbox(host, target, { address, purge }),
    report: (deleted, target) =>
      reportDeleted(app, address, { deleted, mail: mailPath(target, address) }),
  });
}

function registerDel(user: Command, line: CommandLine): void {
  const command = user
    .command('del <address>')
    .description('delete a mailbox and end its sessions; the mail is kept')
    .option('--purge', 'remove the mail too');
  defineWord(command, line, {
    kind: 'changes',
    run: runDel,
    ends: ['NOT_CONFIRMED', 'ALIAS_IN_USE', ...PRESENT_ENDS],
    examples: ['mailctl user del alice@example.com', 'mailctl user del alice@example.com --purge'],
  });
}

export function registerUser(user: Command, line: CommandLine): void {
  registerAdd(user, line);
  registerUserInvite(user, line);
  registerUserAppPassword(user, line);
  registerDel(user, line);
  registerUserList(user, line);
  registerPasswd(user, line);
  registerUserShow(user, line);
  registerUserLimits(user, line);
  registerUserImport(user, line);
  registerUserExport(user, line);
  describeGroup(user, {
    examples: ['mailctl user add alice@example.com', 'mailctl user list --sizes'],
  });
}
