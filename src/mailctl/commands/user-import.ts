// mailctl user import: imports mailboxes as one change.

import type { Command } from 'commander';
import type { ImportOutcome } from '../../appliance/accounts/import.ts';
import {
  hashPasswords,
  readImportText,
  runImport,
  unhashed,
} from '../../appliance/accounts/import-run.ts';
import { ACCEPTED_SCHEMES } from '../../appliance/accounts/password.ts';
import { type ExitStatus, MailctlError, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';
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
  throw new MailctlError('USAGE', `no such file: ${file}`, {
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

function warnOfLeftOut(app: App, file: string, { problems }: ImportOutcome): ExitStatus {
  for (const { line, message } of problems) app.output.warn(`${file}:${line}: ${message}`);
  return problems.length > 0 ? STATUS.PARTIAL : STATUS.OK;
}

function report(app: App, file: string, outcome: ImportOutcome): ExitStatus {
  const { created, updated, skipped, problems } = outcome;
  const status = warnOfLeftOut(app, file, outcome);
  const counts = [
    `created ${created.length}`,
    ...(updated.length > 0 ? [`updated ${updated.length}`] : []),
    ...(skipped.length > 0 ? [`skipped ${skipped.length} existing`] : []),
    ...(problems.length > 0 ? [`left out ${problems.length}`] : []),
  ];
  app.output.result(counts.join(', '), {
    created: created.length,
    updated: updated.length,
    skipped: skipped.length,
    problems,
  });
  return status;
}

export async function run(app: App, file: string, options: ImportOptions): Promise<ExitStatus> {
  const { host, output } = app;
  const rules = rulesOf(options);
  const name = file === '-' ? 'standard input' : file;
  const reading = readImportText(file, await readList(app, file));
  for (const { line, message } of reading.warnings) output.warn(`${name}:${line}: ${message}`);
  const order = { ...rules, file: name };
  let hashOf = unhashed;
  return app.change({
    word: 'user import',
    before: async () => {
      hashOf = await hashPasswords(host, reading.mailboxes);
    },
    plan: async (target) => {
      const outcome = await runImport(host, target, { reading, hashOf, order });
      const { created, updated, problems } = outcome;
      const status = warnOfLeftOut(app, name, outcome);
      const would = [
        ...(created.length > 0 ? [`create ${created.length} mailboxes`] : []),
        ...(updated.length > 0 ? [`update ${updated.length} mailboxes`] : []),
      ];
      return { would, data: { problems }, status };
    },
    apply: (target) => runImport(host, target, { reading, hashOf, order }),
    report: (outcome) => report(app, name, outcome),
  });
}

export function registerUserImport(user: Command, line: CommandLine): void {
  const command = user
    .command('import <file>')
    .description('create mailboxes from a CSV or JSON list (- is standard input), all or none')
    .option('--skip-existing', 'skip existing mailboxes')
    .option('--update', 'update existing mailboxes from the list')
    .option('--skip-invalid', 'import the valid records and report the others')
    .option('--add-domains', 'add missing mail domains');
  defineWord(command, line, {
    kind: 'changes',
    run,
    ends: ['LEFT_OUT', 'USAGE', 'IMPORT_INVALID', 'DIRECTORY_INVALID', 'FILE_FAILED'],
    examples: [
      'mailctl user import mailboxes.csv --dry-run',
      'mailctl user import - --update < list.json',
    ],
    more:
      'Columns of CSV, names in JSON: address, and password or hash, quota, active, direction, name.\n' +
      `Hashes: ${ACCEPTED_SCHEMES}.`,
  });
}
