// Parses the four text files into one directory, and formats it again.

import type { Address, MailDomain } from '../address.ts';
import { checkDirectory } from './check.ts';
import { formatRecords, type Problem, parseRecords, type RecordFile } from './lines.ts';
import {
  type AliasName,
  type Directory,
  type DomainLimits,
  type Mailbox,
  NO_LIMITS,
} from './model.ts';
import { ALIAS_LINES, DOMAIN_LINES, MAILBOX_LINES, USER_LINES } from './texts.ts';

export const ACCOUNT_FILES = ['vdomains', 'vmailbox', 'valias', 'users'] as const;
export type AccountFile = (typeof ACCOUNT_FILES)[number];
export type AccountTexts = Readonly<Record<AccountFile, string>>;

/** What the UCI file says about the accounts. */
export interface AccountDefaults {
  /** The appliance's own domain, which is a mail domain whether or not `vdomains` lists it. */
  readonly domain: MailDomain;
  readonly postmaster: Address;
  readonly quotaDefault: number;
}

export interface Accounts {
  readonly directory: Directory;
  readonly problems: readonly Problem[];
  /** The texts with the records of `directory`; comments and order are kept. */
  format(directory: Directory): AccountTexts;
}

interface Files {
  readonly domains: RecordFile<DomainLimits>;
  readonly mailboxes: RecordFile<Address>;
  readonly aliases: RecordFile<readonly AliasName[]>;
  readonly users: RecordFile<Mailbox>;
}

/** Pairs `vmailbox` with `users`: a mailbox needs its line in both. */
function joinMailboxes(files: Files): { mailboxes: Map<Address, Mailbox>; problems: Problem[] } {
  const problems: Problem[] = [];
  const mailboxes = new Map<Address, Mailbox>();
  for (const address of files.mailboxes.records.values()) {
    const user = files.users.records.get(address);
    if (user !== undefined) mailboxes.set(address, user);
    else {
      const line = files.mailboxes.lineOf.get(address) ?? 0;
      problems.push({ file: 'vmailbox', line, message: `${address} has no line in users` });
    }
  }
  for (const address of files.users.records.keys()) {
    if (files.mailboxes.records.has(address)) continue;
    const line = files.users.lineOf.get(address) ?? 0;
    problems.push({ file: 'users', line, message: `${address} has no line in vmailbox` });
  }
  return { mailboxes, problems };
}

function referenceProblems(directory: Directory, files: Files): Problem[] {
  const lines = { vmailbox: files.mailboxes.lineOf, valias: files.aliases.lineOf };
  return checkDirectory(directory).map(({ file, key, message }) => ({
    file,
    line: lines[file].get(key) ?? 0,
    message,
  }));
}

function formatTexts(files: Files, directory: Directory): AccountTexts {
  const { domains, limits, mailboxes, aliases } = directory;
  const addresses = new Map([...mailboxes.keys()].map((address) => [address, address]));
  return {
    vdomains: formatRecords(
      files.domains,
      new Map([...domains].map((name) => [name, limits.get(name) ?? NO_LIMITS])),
    ),
    vmailbox: formatRecords(files.mailboxes, addresses),
    valias: formatRecords(files.aliases, aliases),
    users: formatRecords(files.users, mailboxes),
  };
}

/** Never throws for an invalid line: it reports each with its line number and reads the others. */
export function parseAccounts(texts: AccountTexts, defaults: AccountDefaults): Accounts {
  const files: Files = {
    domains: parseRecords(texts.vdomains, DOMAIN_LINES),
    mailboxes: parseRecords(texts.vmailbox, MAILBOX_LINES),
    aliases: parseRecords(texts.valias, ALIAS_LINES),
    users: parseRecords(texts.users, USER_LINES),
  };
  const { mailboxes, problems } = joinMailboxes(files);
  const limits = files.domains.records as ReadonlyMap<MailDomain, DomainLimits>;
  const directory: Directory = {
    domains: new Set([...limits.keys(), defaults.domain]),
    limits,
    mailboxes,
    aliases: files.aliases.records as ReadonlyMap<AliasName, readonly AliasName[]>,
    postmaster: defaults.postmaster,
    quotaDefault: defaults.quotaDefault,
  };
  const own = [files.domains, files.mailboxes, files.aliases, files.users];
  const all = [...own.flatMap((file) => file.problems), ...problems];
  return {
    directory,
    // an invalid line makes references to it look wrong, so references are checked in valid files only
    problems: all.length > 0 ? all : referenceProblems(directory, files),
    format: (wanted) => formatTexts(files, wanted),
  };
}
