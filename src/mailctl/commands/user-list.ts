// mailctl user list, show, export: what mailboxes there are.

import type { Command } from 'commander';
import type { Problem } from '../../appliance/accounts/lines.ts';
import type { ListedMailbox, MailboxDetails } from '../../appliance/accounts/listing.ts';
import { formatQuota } from '../../appliance/accounts/quota.ts';
import { parseAddress, parseDomain } from '../../appliance/address.ts';
import type { Appliance } from '../../appliance/appliance.ts';
import { formatBytes } from '../../appliance/bytes.ts';
import { MailctlError, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { type AppSource, describeWord } from '../command.ts';

const ROOT = '77  not root';
const BROKEN = '1   a file of the accounts has broken lines, named on stderr; the rest is shown';
const MAX_WARNINGS = 20;

/** Says which lines were left out of a list, and ends the command with "partly done". */
export function warnOfProblems(app: App, target: Appliance, problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  for (const { file, line, message } of problems.slice(0, MAX_WARNINGS)) {
    app.output.warn(`${target.paths.accounts}/${file}:${line}: ${message}`);
  }
  if (problems.length > MAX_WARNINGS) app.output.warn(`and ${problems.length - MAX_WARNINGS} more`);
  process.exitCode = STATUS.PARTIAL;
}

function listData({ mailbox, size }: ListedMailbox): object {
  const { address, active, quotaBytes } = mailbox;
  const sizes = size === null ? {} : { used_bytes: size.usedBytes, messages: size.messages };
  return { address, active, quota_bytes: quotaBytes, ...sizes };
}

/** For people in columns; for a pipe the address, with sizes in bytes behind tabs. */
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
    ];
    return columns.join('  ').trimEnd();
  });
}

export function registerUserList(user: Command, app: AppSource): void {
  const command = user
    .command('list [domain]')
    .description('list the mailboxes, all or those of one domain')
    .option('--sizes', 'with the mail each one holds; reads every mail folder')
    .action(async (text: string | undefined, options: { sizes?: boolean }) => {
      const { host, output } = app();
      const domain = text === undefined ? null : parseDomain(text);
      const target = await app().appliance();
      const { settleAccounts } = await import('../../appliance/accounts/accounts.ts');
      const { listMailboxes } = await import('../../appliance/accounts/listing.ts');
      const sizes = options.sizes ?? false;
      await settleAccounts(host, target);
      const { list, problems } = await listMailboxes(host, target, { domain, sizes });
      warnOfProblems(app(), target, problems);
      const lines = output.options.json ? [] : listLines(list, process.stdout.isTTY ?? false);
      output.result(lines, output.options.json ? { mailboxes: list.map(listData) } : {});
    });
  describeWord(command, {
    examples: ['mailctl user list', 'mailctl user list example.com --sizes --json'],
    statuses: [BROKEN, '64  not a mail domain', ROOT],
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
    row('quota', formatQuota(mailbox.quotaBytes)),
    row('used', `${formatBytes(size.usedBytes)} in ${size.messages} messages`),
    row('password', scheme),
    row('aliases', aliases.join(', ') || 'none'),
    row('sends as', sendsAs.join(', ') || 'nothing'),
    row('mail', folder),
  ];
}

export function registerUserShow(user: Command, app: AppSource): void {
  const command = user
    .command('show <address>')
    .description('show a mailbox: its state, size, aliases and what it may send as')
    .action(async (text: string) => {
      const address = parseAddress(text);
      const target = await app().appliance();
      const { describeMailbox } = await import('../../appliance/accounts/listing.ts');
      const details = await describeMailbox(app().host, target, address);
      const { mailbox, size, scheme, aliases, sendsAs, folder } = details;
      app().output.result(detailLines(details), {
        ...listData({ mailbox, size }),
        scheme,
        aliases,
        sends_as: sendsAs,
        folder,
      });
    });
  describeWord(command, {
    examples: ['mailctl user show alice@example.com', 'mailctl user show alice@example.com --json'],
    statuses: ['64  not a mail address', '67  there is no such mailbox', ROOT],
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

function refuseHashesOnTerminal(options: ExportOptions): void {
  if (!options.withHashes || options.output !== undefined || !process.stdout.isTTY) return;
  throw new MailctlError('USAGE', 'password hashes are not shown on a terminal', {
    hint: 'mailctl user export --with-hashes --output FILE',
  });
}

async function exportTo(app: App, options: ExportOptions): Promise<void> {
  const format = exportFormat(app, options);
  refuseHashesOnTerminal(options);
  const target = await app.appliance();
  const { exportMailboxes, formatCsv } = await import('../../appliance/accounts/export.ts');
  const { readDirectory } = await import('../../appliance/accounts/accounts.ts');
  const { directory, problems } = await readDirectory(app.host, target);
  warnOfProblems(app, target, problems);
  const withHashes = options.withHashes ?? false;
  const mailboxes = exportMailboxes(directory, withHashes);
  const lines =
    format === 'csv'
      ? formatCsv(mailboxes, withHashes)
      : [JSON.stringify({ v: 1, mailboxes }, null, 1)];
  if (options.output === undefined) {
    app.output.result(lines, { mailboxes });
    return;
  }
  await app.host.files.replace(options.output, `${lines.join('\n')}\n`, { mode: 0o600 });
  const done = `exported ${mailboxes.length} mailboxes to ${options.output}`;
  app.output.result(done, { exported: mailboxes.length, file: options.output });
}

export function registerUserExport(user: Command, app: AppSource): void {
  const command = user
    .command('export')
    .description('write all mailboxes as a list that user import reads')
    .option('--format <format>', 'csv or json; by the name of the file, else csv')
    .option('--with-hashes', 'with password hashes; only into a file or a pipe')
    .option('--output <file>', 'write to a file that only root can read')
    .action((options: ExportOptions) => exportTo(app(), options));
  describeWord(command, {
    examples: [
      'mailctl user export --output mailboxes.csv --with-hashes',
      'mailctl user export --format json',
    ],
    statuses: [
      BROKEN,
      '64  hashes asked for on a terminal',
      '69  the file cannot be written',
      ROOT,
    ],
  });
}
