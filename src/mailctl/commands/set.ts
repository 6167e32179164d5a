// mailctl set: sets options of the UCI file, for hosts without the program uci.

import type { Command } from 'commander';
import { passwordFromText } from '../../appliance/accounts/password.ts';
import {
  type AssignedOption,
  type Assignment,
  assignOptions,
  isSecretOption,
} from '../../appliance/settings/assign.ts';
import { editUciFile } from '../../appliance/settings/uci-file.ts';
import { type ExitStatus, MailctlError, STATUS } from '../../errors.ts';
import { queryStaged } from '../../host/uci.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';
import { askTwice, MAX_INPUT_BYTES, readAllInput } from '../password-input.ts';

interface SetOptions {
  readonly add?: boolean;
  readonly remove?: boolean;
  readonly stdin?: boolean;
}

function usage(message: string, hint: string): never {
  throw new MailctlError('USAGE', message, { hint });
}

/** An assignment whose values may be missing: those of a secret are read later. */
type Typed = Omit<Assignment, 'values'> & { readonly values: readonly string[] | null };

/** `option=value …`, where an option without `=` is a secret, or one option and its values. */
function parseWords(
  option: string,
  values: readonly string[],
  { add, remove }: SetOptions,
): readonly Typed[] {
  if (add && remove) usage('--add and --remove exclude each other', 'mailctl set --help');
  const how = add ? 'add' : remove ? 'remove' : 'set';
  if (!option.includes('=')) return [{ option, how, values: values.length === 0 ? null : values }];
  return [option, ...values].map((word): Typed => {
    const [, name = word, value] = /^([^=]*)=(.*)$/s.exec(word) ?? [];
    return { option: name, how, values: value === undefined ? null : [value] };
  });
}

/** Refuses a secret among the arguments without repeating it, and a missing value of another option. */
function checkWords(typed: readonly Typed[], { stdin }: SetOptions): Typed | null {
  const secrets = typed.filter(({ option }) => isSecretOption(option));
  const shown = secrets.find(({ values }) => values !== null && values.join('') !== '');
  if (shown) {
    usage(
      `${shown.option} is a secret; as an argument it would be visible to other users`,
      `mailctl set ${shown.option} --stdin`,
    );
  }
  const missing = typed.find(({ values, option }) => values === null && !isSecretOption(option));
  if (missing) usage(`${missing.option}: the value is missing`, `mailctl set ${missing.option} …`);
  const [asked, ...more] = secrets.filter(({ values }) => values === null);
  if (more.length > 0) usage('only one secret can be read at a time', 'mailctl set --help');
  if (stdin && !asked)
    usage('--stdin is for a secret option without a value', 'mailctl set --help');
  return asked ?? null;
}

async function readSecret({ ask }: App, { stdin }: SetOptions): Promise<string> {
  if (stdin) return passwordFromText(await readAllInput(MAX_INPUT_BYTES));
  return ask(
    () => askTwice(() => undefined, ['--stdin']),
    () => 'secret',
  );
}

const shownItems = (items: readonly string[]) => (items.length === 0 ? '(unset)' : items.join(' '));

function describeChange({ option, isSecret, before, after }: AssignedOption): string {
  if (isSecret) return `${option}: ${after.length === 0 ? '(unset)' : '(a secret)'}`;
  return `${option}: ${shownItems(before)} → ${shownItems(after)}`;
}

const dataOf = ({ option, isSecret, before, after }: AssignedOption) =>
  isSecret ? { option, secret: true } : { option, before, after };

/** uci writes its staged changes into the file at the next commit, over the values set here. */
async function warnOfStaged({ host, output, uciFile }: App, changed: readonly AssignedOption[]) {
  const staged = await queryStaged(host, uciFile);
  if (staged === null || staged.options.length === 0) return;
  const again = changed.filter(({ option }) => staged.options.includes(option));
  const names = staged.options.join(', ');
  output.warn(
    again.length === 0
      ? `uci has staged changes that are not in the file yet: ${names}; uci commit ${staged.config}`
      : `uci has staged other values of ${again.map(({ option }) => option).join(', ')}, and its next commit replaces the values set here; uci revert ${staged.config} drops them`,
  );
}

export async function run(
  app: App,
  option: string,
  values: readonly string[],
  options: SetOptions,
): Promise<ExitStatus> {
  const { host, output, uciFile } = app;
  const typed = parseWords(option, values, options);
  const asked = checkWords(typed, options);
  return app.changeFile({
    apply: async () => {
      const secret = asked === null ? '' : await readSecret(app, options);
      const assignments = typed.map((one) => ({ ...one, values: one.values ?? [secret] }));
      return editUciFile(host, uciFile, (text) => {
        if (text !== null) return assignOptions(text, uciFile, assignments);
        throw new MailctlError('CONFIG_INVALID', `the UCI file ${uciFile} does not exist`, {
          hint: 'mailctl init',
        });
      });
    },
    details: ({ changes }) => changes.map(describeChange),
    report: async ({ changes, problems }) => {
      const lines = changes.map(describeChange);
      output.result(lines.length === 0 ? 'no change' : lines, { changes: changes.map(dataOf) });
      await warnOfStaged(app, changes);
      if (problems.length > 0) output.warn(`${uciFile} still has problems; mailctl config check`);
      else if (changes.length > 0) output.note('next: mailctl plan, then mailctl apply');
      return STATUS.OK;
    },
  });
}

export function registerSet(command: Command, line: CommandLine): void {
  command
    .argument('<option>', 'section.option, or section.option=value')
    .argument(
      '[values...]',
      "its value, several values of a list, '' for the default; or more section.option=value",
    )
    .option('--add', 'add the values to a list')
    .option('--remove', 'remove the values from a list')
    .option(
      '--stdin',
      'read the value of a secret option, such as a password, from standard input',
    );
  defineWord(command, line, {
    kind: 'acts',
    run,
    ends: ['USAGE', 'NO_TERMINAL', 'LOCKED'],
    examples: [
      'mailctl set main.memory 1G',
      "mailctl set smtp.relayhost='[smtp.example.net]:587' smtp.relay_user=me smtp.relay_password --stdin",
    ],
    more: `Lists:
  mailctl set fail2ban.ignore 192.0.2.0/24 198.51.100.7    these values and no others
  mailctl set fail2ban.ignore --add 203.0.113.9            one more
Every option: docs/options.md. Nothing takes effect before mailctl apply.`,
  });
}
