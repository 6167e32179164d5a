// A whole import: parse the list, hash passwords outside the lock, change the accounts once.

import { MailctlError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import type { Appliance } from '../appliance.ts';
import { changeDirectory } from './accounts.ts';
import {
  type HashOf,
  type ImportMailbox,
  type ImportOutcome,
  type ImportProblem,
  type ImportReading,
  type ImportRules,
  importMailboxes,
  readImport,
} from './import.ts';
import { hashPassword } from './password.ts';
import { listFormatOf, parseList } from './records.ts';

const MAX_NAMED = 100;
const PROGRESS_EVERY_MS = 2000;

function namedProblems(file: string, problems: readonly ImportProblem[]): string {
  const shown = [...problems]
    .sort((one, other) => one.line - other.line)
    .slice(0, MAX_NAMED)
    .map(({ line, message }) => `${file}:${line}: ${message}`);
  const more = problems.length - shown.length;
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
}

function refuseProblems(file: string, problems: readonly ImportProblem[]): void {
  if (problems.length === 0) return;
  throw new MailctlError(
    'IMPORT_INVALID',
    `nothing was imported:\n${namedProblems(file, problems)}`,
    { hint: 'fix these lines, or repeat with --skip-invalid' },
  );
}

/** Throws IMPORT_INVALID when the text is not a list of mailboxes. */
export function readImportText(name: string, text: string): ImportReading {
  const { records, problems } = parseList(text, listFormatOf(name, text));
  const reading = readImport(records);
  return { ...reading, problems: [...problems, ...reading.problems] };
}

/** For a dry run, which stores no hash: skips the slow hashing. */
export const unhashed: HashOf = ({ secret }) => {
  if (secret === null) return null;
  return 'hash' in secret ? secret.hash : '{PLAIN}';
};

/** Hashes the plain passwords; about 30 a second on a desktop machine. */
export async function hashPasswords(
  host: Host,
  mailboxes: readonly ImportMailbox[],
): Promise<HashOf> {
  const hashes = new Map<ImportMailbox, string>();
  const plain = mailboxes.filter(({ secret }) => secret !== null && 'password' in secret);
  let told = host.clock.now().getTime();
  for (const mailbox of plain) {
    const { secret } = mailbox;
    if (secret !== null && 'password' in secret) hashes.set(mailbox, hashPassword(secret.password));
    const now = host.clock.now().getTime();
    if (now - told < PROGRESS_EVERY_MS) continue;
    told = now;
    host.say(`hashed ${hashes.size} of ${plain.length} passwords`);
    // yields to the signal handlers
    await host.clock.sleep(0);
  }
  return (mailbox) =>
    mailbox.secret === null || 'password' in mailbox.secret
      ? (hashes.get(mailbox) ?? null)
      : mailbox.secret.hash;
}

export interface ImportOrder extends ImportRules {
  /** Name of the list, for messages. */
  readonly file: string;
  /** Import the valid records and report the others, instead of importing none. */
  readonly skipInvalid: boolean;
}

/** The caller holds the lock. Throws IMPORT_INVALID unless `skipInvalid`. */
export async function runImport(
  host: Host,
  target: Appliance,
  { reading, hashOf, order }: { reading: ImportReading; hashOf: HashOf; order: ImportOrder },
): Promise<ImportOutcome> {
  return changeDirectory(host, target, (draft) => {
    const outcome = importMailboxes(draft, reading.mailboxes, hashOf, order);
    const problems = [...reading.problems, ...outcome.problems];
    if (!order.skipInvalid) refuseProblems(order.file, problems);
    return { ...outcome, problems };
  });
}
