// The accounts of one appliance on disk: text files (the source of truth), and the database compiled from
// them, which Postfix and Dovecot read. A change takes effect for both at once, or not at all.

import { join } from 'node:path';
import { MailctlError } from '../../errors.ts';
import { digestText } from '../../host/digest.ts';
import type { Host } from '../../host/host.ts';
import type { MailDomain } from '../address.ts';
import { parseAddress, parseDomain } from '../address.ts';
import type { Appliance } from '../appliance.ts';
import { accountsDatabaseMode, SECRET_FILE, SECRET_FOLDER } from '../container/modes.ts';
import { formatBytes } from '../settings/bytes.ts';
import type { Settings } from '../settings/settings.ts';
import { compileDirectory } from './compile.ts';
import type { Problem } from './lines.ts';
import { type Directory, type Draft, draftOf } from './model.ts';
import {
  ACCOUNT_FILES,
  type AccountDefaults,
  type AccountFile,
  type Accounts,
  type AccountTexts,
  parseAccounts,
} from './parse.ts';

// a database of an older compiler version is compiled again
const COMPILER_VERSION = 3;

export function accountDefaults(settings: Settings): AccountDefaults {
  return {
    domain: parseDomain(settings.main.domain),
    postmaster: parseAddress(settings.main.postmaster),
    quotaDefault: settings.features.quotaDefault,
  };
}

function labelOf(texts: AccountTexts, { domain, postmaster }: AccountDefaults): string {
  const digests = ACCOUNT_FILES.map((name) => digestText(texts[name]));
  return digestText(JSON.stringify([COMPILER_VERSION, { domain, postmaster }, digests]));
}

function databasePath(target: Appliance): string {
  return join(target.paths.directory, 'directory.db');
}

interface ReadAccounts {
  readonly texts: AccountTexts;
  readonly accounts: Accounts;
  /** Identifies texts and defaults; the database compiled from them carries it. */
  readonly label: string;
}

let lastRead: ReadAccounts | undefined;

/** Parses again only when the label has changed: a command reads before and after it takes the lock. */
async function readAccounts(host: Host, target: Appliance): Promise<ReadAccounts> {
  const texts = await host.fileSets.read(target.paths.accounts, ACCOUNT_FILES);
  const defaults = accountDefaults(target.settings);
  const label = labelOf(texts, defaults);
  if (lastRead?.label !== label) {
    lastRead = { texts, label, accounts: parseAccounts(texts, defaults) };
  }
  return lastRead;
}

export function formatDirectoryProblems(folder: string, problems: readonly Problem[]): string {
  return problems
    .map(({ file, line, message }) => `${join(folder, file)}:${line}: ${message}`)
    .join('\n');
}

function refuseProblems(target: Appliance, problems: readonly Problem[]): void {
  const [first] = problems;
  if (first === undefined) return;
  const folder = target.paths.accounts;
  const list = formatDirectoryProblems(folder, problems);
  throw new MailctlError('DIRECTORY_INVALID', `the account files are invalid:\n${list}`, {
    hint: `vi +${first.line} ${join(folder, first.file)}`,
  });
}

async function compile(
  host: Host,
  target: Appliance,
  { label, directory, verify }: { label: string; directory: Directory; verify: boolean },
): Promise<void> {
  await host.databases.write(
    databasePath(target),
    { label, tables: compileDirectory(directory) },
    { ...accountsDatabaseMode(target.settings), verify },
  );
}

async function ensureFolders(host: Host, target: Appliance): Promise<void> {
  const { accounts, directory } = target.paths;
  const folders = [
    { path: accounts, mode: SECRET_FOLDER },
    { path: directory, mode: 0o755 },
  ];
  for (const { path, mode } of folders) {
    if ((await host.files.stat(path)) === null) await host.files.makeDirectory(path, { mode });
  }
}

/**
 * Finishes an interrupted change and compiles manual edits. The caller holds the lock. True when the
 * database was stale. Throws DIRECTORY_INVALID, and then leaves the database unchanged.
 */
export async function applyDirectory(host: Host, target: Appliance): Promise<boolean> {
  const folder = target.paths.accounts;
  await ensureFolders(host, target);
  const pending = await host.fileSets.isPending(folder);
  if (pending) await host.fileSets.settle(folder);
  const { accounts, label } = await readAccounts(host, target);
  const current = (await host.databases.readLabel(databasePath(target))) === label;
  if (!current || pending) {
    refuseProblems(target, accounts.problems);
    if (!pending) await host.fileSets.replace(folder, {}, SECRET_FILE);
    await compile(host, target, { label, directory: accounts.directory, verify: pending });
    await host.fileSets.finish(folder);
  }
  return !current;
}

/** True when `apply` would compile the database. Needs no lock. */
export async function isDirectoryBehind(host: Host, target: Appliance): Promise<boolean> {
  const { label } = await readAccounts(host, target);
  const present = await host.databases.readLabel(databasePath(target));
  return present !== label || host.fileSets.isPending(target.paths.accounts);
}

// after these errors the accounts can still be read
const CAN_WAIT: readonly string[] = ['LOCKED', 'DIRECTORY_INVALID', 'FILE_FAILED'];

/**
 * Finishes an interrupted change, for commands that may write but hold no lock. No-op when another process
 * holds the lock (it finishes the change itself), when a file is invalid or when the disk is full; the next
 * call retries.
 */
export async function settleAccounts(host: Host, target: Appliance): Promise<void> {
  if (!(await host.fileSets.isPending(target.paths.accounts))) return;
  const lock = { path: target.paths.lock, holder: 'mailctl', wait: 0 };
  try {
    await host.locks.hold(lock, () => applyDirectory(host, target));
  } catch (error) {
    if (!(error instanceof MailctlError) || !CAN_WAIT.includes(error.code)) {
      throw error;
    }
  }
}

/**
 * A consistent snapshot of the accounts, with the problems of the files. An interrupted change counts as made;
 * `settleAccounts` and `applyDirectory` finish it.
 */
export async function readDirectory(
  host: Host,
  target: Appliance,
): Promise<{ directory: Directory; problems: readonly Problem[] }> {
  const { accounts } = await readAccounts(host, target);
  return { directory: accounts.directory, problems: accounts.problems };
}

/** The texts to write: those that differ, and those whose file is missing. */
async function textsToWrite(
  host: Host,
  target: Appliance,
  { before, after }: { before: AccountTexts; after: AccountTexts },
): Promise<Partial<AccountTexts>> {
  const texts: Partial<Record<AccountFile, string>> = {};
  for (const name of ACCOUNT_FILES) {
    const missing = (await host.files.stat(join(target.paths.accounts, name))) === null;
    if (missing || before[name] !== after[name]) texts[name] = after[name];
  }
  return texts;
}

const SPARE_BYTES = 256 * 1024;

/**
 * Checks the free space before the first write, because a full disk could interrupt the change: the new
 * texts, the rows made from them, and SQLite's journal of at most the whole database.
 */
async function requireRoom(
  host: Host,
  target: Appliance,
  { changed, after }: { changed: Partial<AccountTexts>; after: AccountTexts },
): Promise<void> {
  // only a dry run on a fresh host finds no folder here
  if ((await host.files.stat(target.paths.accounts)) === null) return;
  const bytes = (texts: Partial<AccountTexts>) =>
    Object.values(texts).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const database = (await host.files.stat(databasePath(target)))?.size ?? 0;
  const needed = bytes(changed) + 2 * bytes(after) + database + SPARE_BYTES;
  const { free } = await host.files.space(target.paths.accounts);
  if (free >= needed) return;
  throw new MailctlError(
    'FILE_FAILED',
    `no space left on the device: changing the accounts needs ${formatBytes(needed)} in ${target.paths.data}`,
    { hint: `df -h ${target.paths.data}` },
  );
}

/**
 * Changes the accounts and returns what `change` returns. The caller holds the lock. When `change`
 * throws, nothing is written. Throws DIRECTORY_INVALID when the files already have problems.
 */
export async function changeDirectory<T>(
  host: Host,
  target: Appliance,
  change: (draft: Draft) => T,
): Promise<T> {
  const folder = target.paths.accounts;
  await ensureFolders(host, target);
  if (await host.fileSets.isPending(folder)) await applyDirectory(host, target);
  const { texts, accounts } = await readAccounts(host, target);
  refuseProblems(target, accounts.problems);
  const draft = draftOf(accounts.directory);
  const result = change(draft);
  const after = accounts.format(draft);
  const label = labelOf(after, accountDefaults(target.settings));
  const present = await host.databases.readLabel(databasePath(target));
  const changed = await textsToWrite(host, target, { before: texts, after });
  if (present === label && Object.keys(changed).length === 0) return result;
  await requireRoom(host, target, { changed, after });
  await host.fileSets.replace(folder, changed, SECRET_FILE);
  await compile(host, target, { label, directory: draft, verify: false });
  await host.fileSets.finish(folder);
  return result;
}

/** Every mail domain, including main.domain, sorted. */
export async function mailDomains(
  host: Host,
  appliance: Appliance,
): Promise<readonly MailDomain[]> {
  const { directory } = await readDirectory(host, appliance);
  const own = appliance.settings.main.domain as MailDomain;
  return [...new Set([own, ...directory.domains])].sort();
}
