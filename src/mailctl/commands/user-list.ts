// mailctl user list, show, export: the mailboxes.

import type { Command } from 'commander';
import { readDirectory, settleAccounts } from '../../appliance/accounts/accounts.ts';
import { exportMailboxes, formatCsv } from '../../appliance/accounts/export.ts';
import type { Problem } from '../../appliance/accounts/lines.ts';
import {
  describeMailbox,
  type ListedMailbox,
  listMailboxes,
  type MailboxDetails,
} from '../../appliance/accounts/listing.ts';
import { formatQuota } from '../../appliance/accounts/quota.ts';
import { parseAddress, parseDomain } from '../../appliance/address.ts';
import type { Appliance } from '../../appliance/appliance.ts';
import { formatBytes } from '../../appliance/settings/bytes.ts';
import { type ExitStatus, MailctlError, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';
import { mailboxData } from './user-limits.ts';

const MAX_WARNINGS = 20;

/** Warns about the lines left out of a list; returns the exit status. */
export function warnOfProblems(
  app: App,
  target: Appliance,
  problems: readonly Problem[],
): ExitStatus {
  if (problems.length === 0) return STATUS.OK;
  for (const { file, line, message } of problems.slice(0, MAX_WARNINGS)) {
    app.output.warn(`${target.paths.accounts}/${file}:${line}: ${message}`);
  }
  if (problems.length > MAX_WARNINGS) app.output.warn(`and ${problems.length - MAX_WARNINGS} more`);
  return STATUS.PARTIAL;
}

function listData({ mailbox, size }: ListedMailbox): object {
  const sizes = size === null ? {} : { used_bytes: size.usedBytes, messages: size.messages };
  return { ...mailboxData(mailbox), ...sizes };
}

/** Columns on a terminal; into a pipe the address, with sizes in bytes after tabs. */
function listLines(list: readonly ListedMailbox[], terminal: boolean): string[] {
  if (!terminal) {
    return list.map(({ mailbox, size }) =>
      size === null ? mailbox.address : `${mailbox.address}\t${size.usedBytes}\t${size.messages}`,
    );
  }
  const width = Math.max(0, ...list.map(({ mailbox }) => mailbox.address.length));
  return list.map(({ mailbox, size }) => {
    const columns = [
      mailbox.address.padEnd(width),
      (mailbox.active ? 'active' : 'suspended').padEnd(9),
      formatQuota(mailbox.quotaBytes).padStart(9),
      ...(size === null
        ? []
        : [formatBytes(size.usedBytes).padStart(8), `${size.messages} messages`.padStart(16)]),
      (mailbox.direction === 'both' ? '' : mailbox.direction).padEnd(12),
      mailbox.name ?? '',
    ];
    return columns.join('  ').trimEnd();
  });
}

interface ListOptions {
  readonly sizes?: boolean;
}

export async function runList(
  app: App,
  text: string | undefined,
  { sizes = false }: ListOptions,
): Promise<ExitStatus> {
  const { host, output } = app;
  const domain = text === undefined ? null : parseDomain(text);
  const target = await app.appliance();
  await settleAccounts(host, target);
  const { list, problems } = await listMailboxes(host, target, { domain, sizes });
  const status = warnOfProblems(app, target, problems);
  if (output.options.json) output.result([], { mailboxes: list.map(listData) });
  else output.result(listLines(list, output.forPeople), {});
  return status;
}

export function registerUserList(user: Command, line: CommandLine): void {
  const command = user
    .command('list [domain]')
    .description('list the mailboxes, all or those of one domain')
    .option('--sizes', 'with the size of each; reads every mail folder');
  defineWord(command, line, {
    kind: 'looks',
    run: runList,
    ends: ['DAMAGED_LINES', 'ADDRESS_INVALID'],
    examples: ['mailctl user list', 'mailctl user list example.com --sizes --json'],
  });
}

function detailLines({
  mailbox,
  size,
  scheme,
  aliases,
  sendsAs,
  folder,
}: MailboxDetails): string[] {
  const row = (name: string, value: string) => `${`${name}:`.padEnd(11)}${value}`;
  return [
    row('address', mailbox.address),
    row('state', mailbox.active ? 'active' : 'suspended: mail is received, logins are refused'),
    row('name', mailbox.name ?? 'none'),
    row('direction', mailbox.direction),
    row('quota', formatQuota(mailbox.quotaBytes)),
    row('used', `${formatBytes(size.usedBytes)} in ${size.messages} messages`),
    row('password', scheme),
    row('aliases', aliases.join(', ') || 'none'),
    row('sends as', sendsAs.join(', ') || 'nothing'),
    row('mail', folder),
  ];
}

export async function runShow(app: App, text: string): Promise<ExitStatus> {
  const address = parseAddress(text);
  const details = await describeMailbox(app.host, await app.appliance(), address);
  const { mailbox, size, scheme, aliases, sendsAs, folder } = details;
  app.output.result(detailLines(details), {
    ...listData({ mailbox, size }),
    ...{ scheme, aliases, sends_as: sendsAs, folder },
  });
  return STATUS.OK;
}

export function registerUserShow(user: Command, line: CommandLine): void {
  const command = user
    .command('show <address>')
    .description('show a mailbox: state, size, aliases and permitted senders');
  defineWord(command, line, {
    kind: 'looks',
    run: runShow,
    ends: ['ADDRESS_INVALID', 'MAILBOX_UNKNOWN'],
    examples: ['mailctl user show alice@example.com', 'mailctl user show alice@example.com --json'],
  });
}

interface ExportOptions {
  readonly format?: string;
  readonly withHashes?: boolean;
  readonly output?: string;
}

function exportFormat(app: App, options: ExportOptions): 'csv' | 'json' {
  const { format, output } = options;
  const byName = output?.toLowerCase().endsWith('.json') || app.output.options.json;
  const wanted = format ?? (byName ? 'json' : 'csv');
  if (wanted === 'csv' || wanted === 'json') return wanted;
  throw new MailctlError('USAGE', 'the format of an export is csv or json', {
    hint: 'mailctl user export --format csv',
  });
}

function refuseHashesOnTerminal(app: App, options: ExportOptions): void {
  if (!options.withHashes || options.output !== undefined || !app.output.forPeople) return;
  throw new MailctlError('USAGE', 'password hashes are not shown on a terminal', {
    hint: 'mailctl user export --with-hashes --output FILE',
  });
}

/** The lines of the list, the number of mailboxes, and the status, which tells of lines left out. */
async function makeExport(app: App, options: ExportOptions) {
  const format = exportFormat(app, options);
  refuseHashesOnTerminal(app, options);
  const target = await app.appliance();
  const { directory, problems } = await readDirectory(app.host, target);
  const status = warnOfProblems(app, target, problems);
  const withHashes = options.withHashes ?? false;
  const mailboxes = exportMailboxes(directory, withHashes);
  const lines =
    format === 'csv'
      ? formatCsv(mailboxes, withHashes)
      : [JSON.stringify({ v: 1, mailboxes }, null, 1)];
  return { lines, mailboxes, status };
}

export async function runExport(app: App, options: ExportOptions): Promise<ExitStatus> {
  const { output: file } = options;
  const { lines, mailboxes, status } = await makeExport(app, options);
  if (file === undefined) {
    app.output.result(lines, { mailboxes });
    return status;
  }
  return app.change({
    word: 'user export',
    unlocked: true,
    apply: () => app.host.files.replace(file, `${lines.join('\n')}\n`, { mode: 0o600 }),
    report: () => {
      const done = `exported ${mailboxes.length} mailboxes to ${file}`;
      app.output.result(done, { exported: mailboxes.length, file });
      return status;
    },
  });
}

export function registerUserExport(user: Command, line: CommandLine): void {
  const command = user
    .command('export')
    .description('write all mailboxes as a list that user import reads')
    .option('--format <format>', 'csv or json (default: the suffix of FILE, else csv)')
    .option('--with-hashes', 'with password hashes; refused on a terminal')
    .option('--output <file>', 'write to a file with mode 0600');
  defineWord(command, line, {
    kind: 'acts',
    run: runExport,
    ends: ['DAMAGED_LINES', 'USAGE', 'FILE_FAILED'],
    examples: [
      'mailctl user export --output mailboxes.csv --with-hashes',
      'mailctl user export --format json',
    ],
  });
}
