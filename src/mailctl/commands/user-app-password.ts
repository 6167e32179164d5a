// mailctl user app-password: passwords for single devices and programs.

import type { Command } from 'commander';
import {
  type AppPassword,
  createAppPassword,
  type NewAppPassword,
  parseAppPasswordName,
  parseAppPasswordUse,
  withAppPassword,
  withoutAppPassword,
} from '../../appliance/accounts/app-password.ts';
import { type LastUse, readLastUses } from '../../appliance/accounts/last-use.ts';
import { requireMailbox, updateMailbox } from '../../appliance/accounts/mailboxes.ts';
import type { Mailbox } from '../../appliance/accounts/model.ts';
import { endSessions } from '../../appliance/accounts/sessions.ts';
import { type Address, parseAddress } from '../../appliance/address.ts';
import type { Appliance } from '../../appliance/appliance.ts';
import { type ExitStatus, MailctlError, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord, describeGroup } from '../command.ts';
import type { Ending } from '../statuses.ts';

const ENDS: readonly Ending[] = ['ADDRESS_INVALID', 'DIRECTORY_INVALID', 'MAILBOX_UNKNOWN'];
const CHANGE_ENDS: readonly Ending[] = [...ENDS, 'FILE_FAILED'];
const GROUP = 'user app-password';

/** The stable JSON shape of an app password (docs/json.md). */
const appPasswordData = ({ id, name, use, created }: AppPassword) => ({ id, name, use, created });

async function addTo(
  { host }: App,
  target: Appliance,
  { address, added }: { address: Address; added: NewAppPassword },
): Promise<void> {
  const { appPasswords } = await requireMailbox(host, target, address);
  const after = withAppPassword(appPasswords, added.stored);
  await updateMailbox(host, target, address, { appPasswords: after });
}

interface AddOptions {
  readonly only?: string;
}

export async function runAppPasswordAdd(
  app: App,
  text: string,
  name: string,
  { only }: AddOptions,
): Promise<ExitStatus> {
  const { host, output } = app;
  const address = parseAddress(text);
  const use = only === undefined ? 'all' : parseAppPasswordUse(only);
  const wanted = { name: parseAppPasswordName(name), use };
  await requireMailbox(host, await app.appliance(), address);
  const added = createAppPassword(wanted, host.clock.now());
  return app.change({
    word: `${GROUP} add`,
    apply: (target) => addTo(app, target, { address, added }),
    report: () => {
      const data = { address, ...appPasswordData(added.stored), password: added.password };
      const done = `new app password of ${address}: ${wanted.name}`;
      output.result([done, `password: ${added.password}`], data);
      return STATUS.OK;
    },
  });
}

function useText(use: LastUse | null): string {
  if (use === null) return 'never used';
  const from = use.from === null ? '' : ` from ${use.from}`;
  return `used ${use.at.toISOString()}${from} (${use.protocol})`;
}

const useData = (use: LastUse | null) =>
  use === null ? null : { at: use.at.toISOString(), from: use.from, protocol: use.protocol };

export async function runAppPasswordList(app: App, text: string): Promise<ExitStatus> {
  const { host, output } = app;
  const target = await app.appliance();
  const mailbox = await requireMailbox(host, target, parseAddress(text));
  const { address, appPasswords, appPasswordsOnly } = mailbox;
  const uses = await readLastUses(host, target, mailbox);
  const lines = appPasswords.map(
    ({ id, name, use }) =>
      `${id}  ${use.padEnd(4)}  ${name}  ${useText(uses.apps.get(id) ?? null)}`,
  );
  output.note(`the password of the mailbox: ${useText(uses.main)}`);
  if (appPasswordsOnly) output.note('mail programs need an app password');
  output.result(lines, {
    address,
    required: appPasswordsOnly,
    last_use: useData(uses.main),
    app_passwords: appPasswords.map((one) => ({
      ...appPasswordData(one),
      last_use: useData(uses.apps.get(one.id) ?? null),
    })),
  });
  return STATUS.OK;
}

async function removeFrom(
  { host }: App,
  target: Appliance,
  { address, idOrName }: { address: Address; idOrName: string },
): Promise<Mailbox> {
  const { appPasswords } = await requireMailbox(host, target, address);
  const after = withoutAppPassword(appPasswords, idOrName);
  const mailbox = await updateMailbox(host, target, address, { appPasswords: after });
  await endSessions(host, target, address);
  return mailbox;
}

export async function runAppPasswordDel(
  app: App,
  text: string,
  idOrName: string,
): Promise<ExitStatus> {
  const address = parseAddress(text);
  return app.change({
    word: `${GROUP} del`,
    apply: (target) => removeFrom(app, target, { address, idOrName }),
    report: ({ appPasswords }) => {
      const data = { address, left: appPasswords.length };
      app.output.result(`deleted an app password of ${address}, and ended its sessions`, data);
      return STATUS.OK;
    },
  });
}

function parseSwitch(text: string): boolean {
  if (text === 'on' || text === 'off') return text === 'on';
  throw new MailctlError('USAGE', 'expected on or off', {
    hint: `mailctl ${GROUP} require --help`,
  });
}

export async function runAppPasswordRequire(
  app: App,
  text: string,
  value: string,
): Promise<ExitStatus> {
  const { host, output } = app;
  const address = parseAddress(text);
  const appPasswordsOnly = parseSwitch(value);
  return app.change({
    word: `${GROUP} require`,
    apply: (target) => updateMailbox(host, target, address, { appPasswordsOnly }),
    report: ({ appPasswords }) => {
      const which = appPasswordsOnly ? 'an app password alone' : 'every password';
      if (appPasswordsOnly && appPasswords.length === 0) {
        output.warn(`${address} has no app password: mailctl ${GROUP} add ${address} NAME`);
      }
      const data = { address, required: appPasswordsOnly };
      output.result(`mail programs open ${address} with ${which}`, data);
      return STATUS.OK;
    },
  });
}

function registerChanges(group: Command, line: CommandLine): void {
  const add = group
    .command('add <address> <name>')
    .description('make an app password and print it once')
    .option('--only <use>', 'read: IMAP, POP3 and ManageSieve only; send: submission only');
  defineWord(add, line, {
    kind: 'changes',
    run: runAppPasswordAdd,
    ends: [...CHANGE_ENDS, 'APP_PASSWORD_INVALID'],
    examples: [
      'mailctl user app-password add alice@example.com phone',
      'mailctl user app-password add alice@example.com scanner --only send',
    ],
  });
  const del = group
    .command('del <address> <name>')
    .description('delete an app password, by its name or id, and end the open sessions');
  defineWord(del, line, {
    kind: 'changes',
    run: runAppPasswordDel,
    ends: [...CHANGE_ENDS, 'APP_PASSWORD_UNKNOWN'],
    examples: [
      'mailctl user app-password del alice@example.com phone',
      'mailctl user app-password del alice@example.com 5f0c1a2b3c4d5e6f',
    ],
  });
  const only = group
    .command('require <address> <on|off>')
    .description('on: the password of the mailbox opens the account pages, and no mail program');
  defineWord(only, line, {
    kind: 'changes',
    run: runAppPasswordRequire,
    ends: [...CHANGE_ENDS, 'USAGE'],
    examples: [
      'mailctl user app-password require alice@example.com on',
      'mailctl user app-password require alice@example.com off',
    ],
  });
}

export function registerUserAppPassword(user: Command, line: CommandLine): void {
  const group = user
    .command('app-password')
    .description('passwords for single devices and programs');
  registerChanges(group, line);
  const list = group.command('list <address>').description('list them, with their last use');
  defineWord(list, line, {
    kind: 'looks',
    run: runAppPasswordList,
    ends: ENDS,
    examples: [
      'mailctl user app-password list alice@example.com',
      'mailctl user app-password list alice@example.com --json',
    ],
  });
  describeGroup(group, {
    examples: [
      'mailctl user app-password add alice@example.com phone',
      'mailctl user app-password list alice@example.com',
    ],
  });
}
