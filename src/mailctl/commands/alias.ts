// mailctl alias: addresses that lead to others, catch-alls, and whole domains that lead to others.

import type { Command } from 'commander';
import type { AliasName } from '../../appliance/accounts/model.ts';
import { parseAliasName } from '../../appliance/address.ts';
import { type AppSource, describeWord } from '../command.ts';
import { warnOfProblems } from './user-list.ts';

const STATUSES = [
  '64  an address is wrong, or the alias would lead nowhere or in a circle',
  '65  a file of the accounts has a broken line',
  '67  there is no such alias, target or mail domain',
  '75  another mailctl is at work',
  '77  not root',
] as const;

function aliasText(name: AliasName, targets: readonly AliasName[]): string {
  return `${name} ${targets.join(', ')}`;
}

function registerAdd(alias: Command, app: AppSource): void {
  const command = alias
    .command('add <alias> <target...>')
    .description('let an address lead to others; an alias that exists gets the new targets too')
    .action(async (text: string, texts: string[]) => {
      const { host, changing, output } = app();
      const name = parseAliasName(text);
      const targets = texts.flatMap((each) => each.split(',')).map(parseAliasName);
      const { changeDirectory } = await import('../../appliance/accounts/accounts.ts');
      const { addAlias } = await import('../../appliance/accounts/aliases.ts');
      const result = await changing('alias add', (target) =>
        changeDirectory(host, target, (draft) => addAlias(draft, name, targets)),
      );
      if (!result.changed) output.note('it was so already');
      output.result(aliasText(name, result.targets), { address: name, targets: result.targets });
    });
  describeWord(command, {
    examples: [
      'mailctl alias add sales@example.com alice@example.com bob@elsewhere.example',
      'mailctl alias add @example.com alice@example.com   (whatever has no name of its own)',
    ],
    statuses: STATUSES,
  });
  command.addHelpText(
    'after',
    '\nA whole domain as an alias of another: mailctl alias add @other.example @example.com\n' +
      'A mailbox that also forwards a copy: mailctl alias add a@example.com a@example.com b@example.com',
  );
}

function registerDel(alias: Command, app: AppSource): void {
  const command = alias
    .command('del <alias> [target...]')
    .description('remove an alias, or only some of its targets')
    .action(async (text: string, texts: string[]) => {
      const { host, changing, output } = app();
      const name = parseAliasName(text);
      const targets = texts.flatMap((each) => each.split(',')).map(parseAliasName);
      const { changeDirectory } = await import('../../appliance/accounts/accounts.ts');
      const { removeAlias } = await import('../../appliance/accounts/aliases.ts');
      const { before, rest } = await changing('alias del', (target) =>
        changeDirectory(host, target, (draft) => {
          const present = draft.aliases.get(name) ?? [];
          return { before: present, rest: removeAlias(draft, name, targets).targets };
        }),
      );
      const gone = before.filter((target) => !rest.includes(target));
      output.note(`to undo: mailctl alias add ${name} ${gone.join(' ')}`);
      const done = rest.length === 0 ? `deleted ${name}` : aliasText(name, rest);
      output.result(done, { address: name, targets: rest });
    });
  describeWord(command, {
    examples: [
      'mailctl alias del sales@example.com',
      'mailctl alias del sales@example.com bob@elsewhere.example',
    ],
    statuses: STATUSES,
  });
}

function registerList(alias: Command, app: AppSource): void {
  const command = alias
    .command('list [alias]')
    .description('list the aliases with their targets')
    .action(async (text: string | undefined) => {
      const name = text === undefined ? null : parseAliasName(text);
      const { host, output } = app();
      const target = await app().appliance();
      const { readDirectory, settleAccounts } = await import(
        '../../appliance/accounts/accounts.ts'
      );
      const { listAliases } = await import('../../appliance/accounts/aliases.ts');
      await settleAccounts(host, target);
      const { directory, problems } = await readDirectory(host, target);
      const aliases = listAliases(directory, name);
      warnOfProblems(app(), target, problems);
      output.result(
        aliases.map(({ address, targets }) => aliasText(address, targets)),
        { aliases },
      );
    });
  describeWord(command, {
    examples: ['mailctl alias list', 'mailctl alias list sales@example.com --json'],
    statuses: [
      '1   a file of the accounts has broken lines, named on stderr; the rest is shown',
      '67  there is no such alias',
      '77  not root',
    ],
  });
}

export function registerAlias(program: Command, app: AppSource): void {
  const alias = program.command('alias').description('manage aliases and catch-alls');
  registerAdd(alias, app);
  registerDel(alias, app);
  registerList(alias, app);
  describeWord(alias, {
    examples: ['mailctl alias add sales@example.com alice@example.com', 'mailctl alias list'],
    statuses: STATUSES,
  });
}
