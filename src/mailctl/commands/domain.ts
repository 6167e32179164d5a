// mailctl domain: the mail domains.

import type { Command } from 'commander';
import {
  accountDefaults,
  changeDirectory,
  readDirectory,
  settleAccounts,
} from '../../appliance/accounts/accounts.ts';
import { addDomain, listDomains, removeDomain } from '../../appliance/accounts/domains.ts';
import { parseDomain } from '../../appliance/address.ts';
import { followDomains } from '../../appliance/dkim/signing.ts';
import { type ExitStatus, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord, describeGroup } from '../command.ts';
import { registerDomainLimits } from './domain-limits.ts';
import { warnOfProblems } from './user-list.ts';

export async function runAdd(app: App, text: string): Promise<ExitStatus> {
  const { host, output } = app;
  const name = parseDomain(text);
  return app.change({
    word: 'domain add',
    apply: async (target) => {
      const added = await changeDirectory(host, target, (draft) => addDomain(draft, name));
      await followDomains(host, target);
      return added;
    },
    report: (added) => {
      const text = added ? `added ${name}` : `${name} is a mail domain already`;
      output.result(text, { domain: name, added });
      return STATUS.OK;
    },
  });
}

export async function runDel(app: App, text: string): Promise<ExitStatus> {
  const { host, output } = app;
  const name = parseDomain(text);
  return app.change({
    word: 'domain del',
    apply: async (target) => {
      const own = accountDefaults(target.settings).domain;
      await changeDirectory(host, target, (draft) => removeDomain(draft, name, own));
      await followDomains(host, target);
    },
    report: () => {
      output.note(`to undo: mailctl domain add ${name}`);
      output.result(`deleted ${name}`, { domain: name });
      return STATUS.OK;
    },
  });
}

export async function runList(app: App): Promise<ExitStatus> {
  const { host, output } = app;
  const target = await app.appliance();
  await settleAccounts(host, target);
  const { directory, problems } = await readDirectory(host, target);
  const domains = listDomains(directory);
  const status = warnOfProblems(app, target, problems);
  const lines = domains.map(({ name, mailboxes, aliases, alias_of }) => {
    if (!output.forPeople) return name;
    const kind = alias_of === null ? `${mailboxes} mailboxes` : `alias of ${alias_of}`;
    return `${name}  ${kind}, ${aliases} aliases`;
  });
  output.result(lines, { domains });
  return status;
}

export function registerDomain(domain: Command, line: CommandLine): void {
  const add = domain.command('add <domain>').description('receive mail for a domain');
  defineWord(add, line, {
    kind: 'changes',
    run: runAdd,
    ends: ['ADDRESS_INVALID', 'DOMAIN_EXISTS', 'DIRECTORY_INVALID', 'FILE_FAILED'],
    examples: ['mailctl domain add example.org', 'mailctl domain add bücher.example'],
  });
  const del = domain.command('del <domain>').description('delete an unused mail domain');
  defineWord(del, line, {
    kind: 'changes',
    run: runDel,
    ends: [
      'ADDRESS_INVALID',
      'DOMAIN_IN_USE',
      'DIRECTORY_INVALID',
      'DOMAIN_UNKNOWN',
      'FILE_FAILED',
    ],
    examples: ['mailctl domain del example.org', 'mailctl domain del example.org --dry-run'],
  });
  const list = domain.command('list').description('list the mail domains');
  defineWord(list, line, {
    kind: 'looks',
    run: runList,
    ends: ['DAMAGED_LINES'],
    examples: ['mailctl domain list', 'mailctl domain list --json'],
  });
  registerDomainLimits(domain, line);
  describeGroup(domain, { examples: ['mailctl domain add example.org', 'mailctl domain list'] });
}
