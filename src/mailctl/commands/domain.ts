// mailctl domain: which domains mail is received for.

import type { Command } from 'commander';
import { parseDomain } from '../../appliance/address.ts';
import { type AppSource, describeWord } from '../command.ts';
import { warnOfProblems } from './user-list.ts';

const STATUSES = [
  '64  not a mail domain, or still in use',
  '65  a file of the accounts has a broken line',
  '67  there is no such mail domain',
  '75  another mailctl is at work',
  '77  not root',
] as const;

function registerAdd(domain: Command, app: AppSource): void {
  const command = domain
    .command('add <domain>')
    .description('receive mail for a domain')
    .action(async (text: string) => {
      const { host, changing, output } = app();
      const name = parseDomain(text);
      const { changeDirectory } = await import('../../appliance/accounts/accounts.ts');
      const { addDomain } = await import('../../appliance/accounts/domains.ts');
      const { followDomains } = await import('../../appliance/dkim/signing.ts');
      const added = await changing('domain add', async (target) => {
        const news = await changeDirectory(host, target, (draft) => addDomain(draft, name));
        await followDomains(host, target);
        return news;
      });
      output.result(added ? `added ${name}` : `${name} is a mail domain already`, {
        domain: name,
        added,
      });
    });
  describeWord(command, {
    examples: ['mailctl domain add example.org', 'mailctl domain add bücher.example'],
    statuses: STATUSES.filter((line) => !line.startsWith('67')),
  });
}

function registerDel(domain: Command, app: AppSource): void {
  const command = domain
    .command('del <domain>')
    .description('receive no more mail for a domain that nothing uses any more')
    .action(async (text: string) => {
      const { host, changing, output } = app();
      const name = parseDomain(text);
      const { accountDefaults, changeDirectory } = await import(
        '../../appliance/accounts/accounts.ts'
      );
      const { removeDomain } = await import('../../appliance/accounts/domains.ts');
      const { followDomains } = await import('../../appliance/dkim/signing.ts');
      await changing('domain del', async (target) => {
        const own = accountDefaults(target.settings).domain;
        await changeDirectory(host, target, (draft) => removeDomain(draft, name, own));
        await followDomains(host, target);
      });
      output.note(`to undo: mailctl domain add ${name}`);
      output.result(`deleted ${name}`, { domain: name });
    });
  describeWord(command, {
    examples: ['mailctl domain del example.org', 'mailctl domain del example.org --dry-run'],
    statuses: STATUSES,
  });
}

function registerList(domain: Command, app: AppSource): void {
  const command = domain
    .command('list')
    .description('list the mail domains')
    .action(async () => {
      const { host, output } = app();
      const target = await app().appliance();
      const { readDirectory, settleAccounts } = await import(
        '../../appliance/accounts/accounts.ts'
      );
      const { listDomains } = await import('../../appliance/accounts/domains.ts');
      await settleAccounts(host, target);
      const { directory, problems } = await readDirectory(host, target);
      const domains = listDomains(directory);
      warnOfProblems(app(), target, problems);
      const people = process.stdout.isTTY ?? false;
      const lines = domains.map(({ name, mailboxes, aliases, alias_of }) => {
        if (!people) return name;
        const kind = alias_of === null ? `${mailboxes} mailboxes` : `alias of ${alias_of}`;
        return `${name}  ${kind}, ${aliases} aliases`;
      });
      output.result(lines, { domains });
    });
  describeWord(command, {
    examples: ['mailctl domain list', 'mailctl domain list --json'],
    statuses: [
      '1   a file of the accounts has broken lines, named on stderr; the rest is shown',
      '77  not root',
    ],
  });
}

export function registerDomain(program: Command, app: AppSource): void {
  const domain = program.command('domain').description('manage mail domains');
  registerAdd(domain, app);
  registerDel(domain, app);
  registerList(domain, app);
  describeWord(domain, {
    examples: ['mailctl domain add example.org', 'mailctl domain list'],
    statuses: STATUSES,
  });
}
