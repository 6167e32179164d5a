// mailctl alias: aliases of addresses, catch-alls, and aliases of whole domains.

import type { Command } from 'commander';
import {
  changeDirectory,
  readDirectory,
  settleAccounts,
} from '../../appliance/accounts/accounts.ts';
import { addAlias, listAliases, removeAlias } from '../../appliance/accounts/aliases.ts';
import type { AliasName } from '../../appliance/accounts/model.ts';
import { parseAliasName } from '../../appliance/address.ts';
import { type ExitStatus, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord, describeGroup } from '../command.ts';
import type { Ending } from '../statuses.ts';
import { warnOfProblems } from './user-list.ts';

const CHANGE_ENDS: readonly Ending[] = [
  ...(['ADDRESS_INVALID', 'ALIAS_INVALID', 'DIRECTORY_INVALID', 'FILE_FAILED'] as const),
  ...(['ALIAS_UNKNOWN', 'DOMAIN_UNKNOWN'] as const),
];

function aliasText(name: AliasName, targets: readonly AliasName[]): string {
  return `${name} ${targets.join(', ')}`;
}

/** Targets may be separate words, or separated by commas as in Postfix's files. */
function parseTargets(texts: readonly string[]): AliasName[] {
  return texts.flatMap((each) => each.split(',')).map(parseAliasName);
}

export async function runAdd(app: App, text: string, texts: string[]): Promise<ExitStatus> {
  const { host, output } = app;
  const name = parseAliasName(text);
  const targets = parseTargets(texts);
  return app.change({
    word: 'alias add',
    apply: (target) => changeDirectory(host, target, (draft) => addAlias(draft, name, targets)),
    report: (result) => {
      if (!result.changed) output.note('no change: the alias already has these targets');
      output.result(aliasText(name, result.targets), { address: name, targets: result.targets });
      return STATUS.OK;
    },
  });
}

export async function runDel(app: App, text: string, texts: string[]): Promise<ExitStatus> {
  const { host, output } = app;
  const name = parseAliasName(text);
  const targets = parseTargets(texts);
  return app.change({
    word: 'alias del',
    apply: (target) =>
      changeDirectory(host, target, (draft) => {
        const before = draft.aliases.get(name) ?? [];
        return { before, rest: removeAlias(draft, name, targets).targets };
      }),
    report: ({ before, rest }) => {
      const gone = before.filter((target) => !rest.includes(target));
      output.note(`to undo: mailctl alias add ${name} ${gone.join(' ')}`);
      const done = rest.length === 0 ? `deleted ${name}` : aliasText(name, rest);
      output.result(done, { address: name, targets: rest });
      return STATUS.OK;
    },
  });
}

export async function runList(app: App, text: string | undefined): Promise<ExitStatus> {
  const name = text === undefined ? null : parseAliasName(text);
  const target = await app.appliance();
  await settleAccounts(app.host, target);
  const { directory, problems } = await readDirectory(app.host, target);
  const aliases = listAliases(directory, name);
  const status = warnOfProblems(app, target, problems);
  const lines = aliases.map(({ address, targets }) => aliasText(address, targets));
  app.output.result(lines, { aliases });
  return status;
}

export function registerAlias(alias: Command, line: CommandLine): void {
  const add = alias
    .command('add <alias> <target...>')
    .description('add an alias, or add targets to an existing one');
  defineWord(add, line, {
    kind: 'changes',
    run: runAdd,
    ends: [...CHANGE_ENDS, 'DOMAIN_LIMIT'],
    examples: [
      'mailctl alias add sales@example.com alice@example.com bob@elsewhere.example',
      'mailctl alias add @example.com alice@example.com   (catch-all: every address without a mailbox or alias)',
    ],
    more:
      'A whole domain as an alias of another: mailctl alias add @other.example @example.com\n' +
      'A mailbox that forwards a copy: mailctl alias add a@example.com a@example.com b@example.com',
  });
  const del = alias
    .command('del <alias> [target...]')
    .description('delete an alias, or some of its targets');
  defineWord(del, line, {
    kind: 'changes',
    run: runDel,
    ends: CHANGE_ENDS,
    examples: [
      'mailctl alias del sales@example.com',
      'mailctl alias del sales@example.com bob@elsewhere.example',
    ],
  });
  const list = alias.command('list [alias]').description('list the aliases with their targets');
  defineWord(list, line, {
    kind: 'looks',
    run: runList,
    ends: ['DAMAGED_LINES', 'ADDRESS_INVALID', 'ALIAS_UNKNOWN'],
    examples: ['mailctl alias list', 'mailctl alias list sales@example.com --json'],
  });
  describeGroup(alias, {
    examples: ['mailctl alias add sales@example.com alice@example.com', 'mailctl alias list'],
  });
}
