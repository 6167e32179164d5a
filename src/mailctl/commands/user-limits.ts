// mailctl user quota, direction, name, suspend, resume: the properties of a mailbox.

import type { Command } from 'commander';
import type { MailboxChange } from '../../appliance/accounts/changes.ts';
import { parseDirection } from '../../appliance/accounts/direction.ts';
import { parseDisplayName } from '../../appliance/accounts/display-name.ts';
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
export function mailboxData({ address, active, quotaBytes, direction, name }: Mailbox): object {
  return { address, active, quota_bytes: quotaBytes, direction, name };
}

/** One property of a mailbox, as a word that shows or sets it. */
interface Property {
  readonly word: string;
  readonly parse: (text: string) => Partial<MailboxChange>;
  readonly format: (mailbox: Mailbox) => string;
}

async function showOrSet(
  app: App,
  { word, parse, format }: Property,
  { text, value }: { text: string; value: string | undefined },
): Promise<ExitStatus> {
  const { host, output } = app;
  const address = parseAddress(text);
  const show = (mailbox: Mailbox) => {
    output.result(`${address} ${format(mailbox)}`.trimEnd(), mailboxData(mailbox));
    return STATUS.OK;
  };
  if (value === undefined) return show(await requireMailbox(host, await app.appliance(), address));
  const change = parse(value);
  return app.change({
    word,
    apply: (target) => updateMailbox(host, target, address, change),
    report: show,
  });
}

const QUOTA: Property = {
  word: 'user quota',
  parse: (size) => ({ quotaBytes: parseQuota(size) }),
  format: ({ quotaBytes }) => formatQuota(quotaBytes),
};

export const runQuota = (app: App, text: string, value: string | undefined) =>
  showOrSet(app, QUOTA, { text, value });

const DIRECTION: Property = {
  word: 'user direction',
  parse: (word) => ({ direction: parseDirection(word) }),
  format: ({ direction }) => direction,
};

export const runDirection = (app: App, text: string, value: string | undefined) =>
  showOrSet(app, DIRECTION, { text, value });

const NAME: Property = {
  word: 'user name',
  parse: (text) => ({ name: parseDisplayName(text) }),
  format: ({ name }) => name ?? '',
};

export const runName = (app: App, text: string, value: string | undefined) =>
  showOrSet(app, NAME, { text, value });

function registerQuota(user: Command, line: CommandLine): void {
  const command = user
    .command('quota <address> [size]')
    .description('show or set the quota: a size such as 2G, unlimited, default');
  defineWord(command, line, {
    kind: 'changes',
    run: runQuota,
    ends: ['QUOTA_INVALID', 'DOMAIN_LIMIT', ...ENDS],
    examples: ['mailctl user quota alice@example.com', 'mailctl user quota alice@example.com 2G'],
  });
}

function registerDirection(user: Command, line: CommandLine): void {
  const command = user
    .command('direction <address> [direction]')
    .description('show or set what a mailbox may do: both, send-only, receive-only');
  defineWord(command, line, {
    kind: 'changes',
    run: runDirection,
    ends: ['DIRECTION_INVALID', 'ALIAS_IN_USE', ...ENDS],
    examples: [
      'mailctl user direction printer@example.com send-only',
      'mailctl user direction printer@example.com both',
    ],
    more:
      'send-only: mail to it is refused (550), IMAP, POP3 and ManageSieve refuse the login.\n' +
      'receive-only: submission is refused, and its Sieve script sends nothing.',
  });
}

function registerName(user: Command, line: CommandLine): void {
  const command = user
    .command('name <address> [name]')
    .description("show or set the display name; '' removes it");
  defineWord(command, line, {
    kind: 'changes',
    run: runName,
    ends: ['NAME_INVALID', ...ENDS],
    examples: [
      "mailctl user name alice@example.com 'Alice Example'",
      "mailctl user name alice@example.com ''",
    ],
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
  registerDirection(user, line);
  registerName(user, line);
  registerActive(user, line);
}
