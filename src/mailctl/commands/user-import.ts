// mailctl user import: mailboxes of another system, as one change.

import type { Command } from 'commander';
import type { ImportOutcome } from '../../appliance/accounts/import.ts';
import { MailctlError, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { type AppSource, describeWord } from '../command.ts';
import { readAllInput } from '../password-input.ts';

interface ImportOptions {
  readonly skipExisting?: boolean;
  readonly update?: boolean;
  readonly skipInvalid?: boolean;
  readonly addDomains?: boolean;
}

const MAX_INPUT_BYTES = 256 * 2 ** 20;

async function readList(app: App, file: string): Promise<string> {
  if (file === '-') return readAllInput(MAX_INPUT_BYTES);
  const text = await app.host.files.read(file);
  if (text !== null) return text;
  throw new MailctlError('USAGE', `there is no file ${file}`, {
    hint: 'mailctl user import --help',
  });
}

function rulesOf(options: ImportOptions) {
  if (options.skipExisting && options.update) {
    throw new MailctlError('USAGE', '--skip-existing and --update exclude each other', {
      hint: 'mailctl user import --help',
    });
  }
  const onConflict = options.update ? 'update' : options.skipExisting ? 'skip' : 'refuse';
  return {
    onConflict,
    addDomains: options.addDomains ?? false,
    skipInvalid: options.skipInvalid ?? false,
  } as const;
}

function report(app: App, file: string, outcome: ImportOutcome): void {
  const { created, updated, skipped, problems } = outcome;
  for (const { line, message } of problems) app.output.warn(`${file}:${line}: ${message}`);
  const counts = [
    `created ${created.length}`,
    ...(updated.length > 0 ? [`updated ${updated.length}`] : []),
    ...(skipped.length > 0 ? [`already there ${skipped.length}`] : []),
    ...(problems.length > 0 ? [`left out ${problems.length}`] : []),
  ];
  app.output.result(counts.join(', '), {
    created: created.length,
    updated: updated.length,
    skipped: skipped.length,
    problems,
  });
  if (problems.length > 0) process.exitCode = STATUS.PARTIAL;
}

async function importFrom(app: App, file: string, options: ImportOptions): Promise<void> {
  const rules = rulesOf(options);
  const name = file === '-' ? 'standard input' : file;
  const { hashPasswords, readImportText, runImport } = await import(
    '../../appliance/accounts/import-run.ts'
  );
  const reading = readImportText(file, await readList(app, file));
  for (const { line, message } of reading.warnings) app.output.warn(`${name}:${line}: ${message}`);
  const hashOf = await hashPasswords(app.host, reading.mailboxes);
  const order = { ...rules, file: name };
  const outcome = await app.changing('user import', (target) =>
    runImport(app.host, target, { reading, hashOf, order }),
  );
  report(app, name, outcome);
}

export function registerUserImport(user: Command, app: AppSource): void {
  const command = user
    .command('import <file>')
    .description('create mailboxes from a CSV or JSON list (- is standard input), all or none')
    .option('--skip-existing', 'leave mailboxes that exist as they are')
    .option('--update', 'give mailboxes that exist what the list says')
    .option('--skip-invalid', 'import what is right and report the rest')
    .option('--add-domains', 'add mail domains that the list needs')
    .action((file: string, options: ImportOptions) => importFrom(app(), file, options));
  describeWord(command, {
    examples: [
      'mailctl user import mailboxes.csv --dry-run',
      'mailctl user import - --update < list.json',
    ],
    statuses: [
      '1   --skip-invalid: some records were left out, named on stderr',
      '65  the list, or a file of the accounts, has faults; all are named, nothing was changed',
      '75  another mailctl is at work',
      '77  not root',
    ],
  });
  command.addHelpText(
    'after',
    '\nColumns of CSV, names in JSON: address, and password or hash, quota, active.\n' +
      'Hashes: ARGON2ID, ARGON2I, SHA512-CRYPT, SHA256-CRYPT, BLF-CRYPT, PBKDF2, MD5-CRYPT.',
  );
}
