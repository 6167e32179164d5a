// mailctl user: who has a mailbox.

import type { Command } from 'commander';
import type { CreatedMailbox, DeletedMailbox } from '../../appliance/accounts/mailboxes.ts';
import type { Mailbox } from '../../appliance/accounts/model.ts';
import { parseAddress } from '../../appliance/address.ts';
import type { App } from '../app.ts';
import { type AppSource, describeWord } from '../command.ts';
import {
  addPasswordOptions,
  type Credential,
  credentialSource,
  type PasswordOptions,
} from '../password-input.ts';
import { registerUserImport } from './user-import.ts';
import { registerUserExport, registerUserList, registerUserShow } from './user-list.ts';

const load = () => import('../../appliance/accounts/mailboxes.ts');

const STATUSES = {
  wrong: '64  the address, password or quota is wrong',
  unknown: '67  there is no such mailbox',
  data: '65  a file of the accounts has a broken line',
  locked: '75  another mailctl is at work',
  root: '77  not root',
};

function mailboxData(mailbox: Mailbox, credential?: Credential): object {
  const { address, active, quotaBytes } = mailbox;
  const generated = credential?.generated;
  return {
    address,
    active,
    quota_bytes: quotaBytes,
    ...(generated === undefined ? {} : { password: generated }),
  };
}

function resultLines(done: string, credential: Credential): string[] {
  return [
    done,
    ...(credential.generated === undefined ? [] : [`password: ${credential.generated}`]),
  ];
}

function reportCreated(app: App, created: CreatedMailbox, credential: Credential): void {
  const { output } = app;
  const { mailbox, formerMail, postmasterMissing } = created;
  if (credential.warning !== undefined) output.warn(credential.warning);
  if (formerMail) output.note(`the stored mail of a former ${mailbox.address} is readable again`);
  if (postmasterMissing !== null) {
    output.note(
      `nobody receives mail for ${postmasterMissing} yet: mailctl user add ${postmasterMissing}`,
    );
  }
  const lines = resultLines(`created ${mailbox.address}`, credential);
  output.result(lines, mailboxData(mailbox, credential));
}

function registerAdd(user: Command, app: AppSource): void {
  const command = addPasswordOptions(user.command('add <address>'))
    .description('create a mailbox; the password is asked for on a terminal')
    .option('--quota <size>', 'how much it may hold: a size such as 2G, unlimited, default')
    .action(async (text: string, options: PasswordOptions & { quota?: string }, self: Command) => {
      const { host, changing, appliance } = app();
      const readCredential = credentialSource(host, { word: 'user add', options, args: self.args });
      const address = parseAddress(text);
      const { parseQuota } = await import('../../appliance/accounts/quota.ts');
      const quotaBytes = options.quota === undefined ? null : parseQuota(options.quota);
      const { createMailbox, refuseImpossible } = await load();
      await refuseImpossible(host, await appliance(), address);
      const credential = await readCredential();
      const created = await changing('user add', (target) =>
        createMailbox(host, target, { address, hash: credential.hash, quotaBytes }),
      );
      reportCreated(app(), created, credential);
    });
  describeWord(command, {
    examples: [
      'mailctl user add alice@example.com',
      'mailctl user add bob@example.com --generate --quota 2G',
    ],
    statuses: [
      '64  the address or password is wrong, or taken',
      STATUSES.data,
      '67  no such mail domain',
      STATUSES.locked,
      STATUSES.root,
    ],
  });
}

function registerPasswd(user: Command, app: AppSource): void {
  const command = addPasswordOptions(user.command('passwd <address>'))
    .description('set a new password and end the open sessions')
    .action(async (text: string, options: PasswordOptions, self: Command) => {
      const { host, changing, appliance, output } = app();
      const word = 'user passwd';
      const readCredential = credentialSource(host, { word, options, args: self.args });
      const address = parseAddress(text);
      const { requireMailbox, updateMailbox } = await load();
      await requireMailbox(host, await appliance(), address);
      const credential = await readCredential();
      const mailbox = await changing(word, (target) =>
        updateMailbox(host, target, address, { hash: credential.hash }),
      );
      if (credential.warning !== undefined) output.warn(credential.warning);
      const lines = resultLines(`new password set for ${address}`, credential);
      output.result(lines, mailboxData(mailbox, credential));
    });
  describeWord(command, {
    examples: [
      'mailctl user passwd alice@example.com',
      'mailctl user passwd alice@example.com --password-stdin < file',
    ],
    statuses: [STATUSES.wrong, STATUSES.data, STATUSES.unknown, STATUSES.locked, STATUSES.root],
  });
}

function reportDeleted(app: App, address: string, deleted: DeletedMailbox, mail: string): void {
  const { output } = app;
  const { aliasesChanged, aliasesRemoved, mailKept, postmasterMissing } = deleted;
  for (const alias of aliasesRemoved) {
    output.note(`the alias ${alias} led to nobody else and is removed too`);
    output.note(`to undo: mailctl alias add ${alias} <target>`);
  }
  for (const alias of aliasesChanged) {
    output.note(`the alias ${alias} no longer leads there: mailctl alias add ${alias} ${address}`);
  }
  if (mailKept)
    output.note(`the mail is kept in ${mail}; mailctl user add ${address} brings it back`);
  if (postmasterMissing !== null) output.warn(`nobody receives mail for ${postmasterMissing} now`);
  output.result(`deleted ${address}`, {
    address,
    mail: mailKept ? mail : null,
    aliases_removed: aliasesRemoved,
    aliases_changed: aliasesChanged,
  });
}

function registerDel(user: Command, app: AppSource): void {
  const command = user
    .command('del <address>')
    .description('delete a mailbox and end its sessions; the mail is kept')
    .option('--purge', 'remove the mail too')
    .action(async (text: string, options: { purge?: boolean }) => {
      const { host, changing, confirm, appliance } = app();
      const address = parseAddress(text);
      const purge = options.purge ?? false;
      const { deleteMailbox, describePurge, mailPath } = await load();
      const target = await appliance();
      if (purge) await confirm(await describePurge(host, target, address));
      const deleted = await changing('user del', (locked) =>
        deleteMailbox(host, locked, { address, purge }),
      );
      reportDeleted(app(), address, deleted, mailPath(target, address));
    });
  describeWord(command, {
    examples: ['mailctl user del alice@example.com', 'mailctl user del alice@example.com --purge'],
    statuses: [
      '64  --purge without a terminal or --yes',
      STATUSES.data,
      STATUSES.unknown,
      STATUSES.locked,
      STATUSES.root,
    ],
  });
}

function registerQuota(user: Command, app: AppSource): void {
  const command = user
    .command('quota <address> [size]')
    .description('show or set how much a mailbox may hold: 2G, unlimited, default')
    .action(async (text: string, size: string | undefined) => {
      const { host, changing, appliance, output } = app();
      const address = parseAddress(text);
      const { formatQuota, parseQuota } = await import('../../appliance/accounts/quota.ts');
      const { requireMailbox, updateMailbox } = await load();
      const quotaBytes = size === undefined ? undefined : parseQuota(size);
      const mailbox =
        quotaBytes === undefined
          ? await requireMailbox(host, await appliance(), address)
          : await changing('user quota', (target) =>
              updateMailbox(host, target, address, { quotaBytes }),
            );
      output.result(`${address} ${formatQuota(mailbox.quotaBytes)}`, mailboxData(mailbox));
    });
  describeWord(command, {
    examples: ['mailctl user quota alice@example.com', 'mailctl user quota alice@example.com 2G'],
    statuses: [STATUSES.wrong, STATUSES.data, STATUSES.unknown, STATUSES.locked, STATUSES.root],
  });
}

function registerActive(user: Command, app: AppSource, active: boolean): void {
  const word = active ? 'resume' : 'suspend';
  const command = user
    .command(`${word} <address>`)
    .description(
      active
        ? 'allow logins again'
        : 'refuse logins and end the open sessions; mail is still received',
    )
    .action(async (text: string) => {
      const { host, changing, output } = app();
      const address = parseAddress(text);
      const { updateMailbox } = await load();
      const mailbox = await changing(`user ${word}`, (target) =>
        updateMailbox(host, target, address, { active }),
      );
      output.result(`${active ? 'resumed' : 'suspended'} ${address}`, mailboxData(mailbox));
    });
  describeWord(command, {
    examples: [
      `mailctl user ${word} alice@example.com`,
      `mailctl user ${word} bob@example.com --json`,
    ],
    statuses: [STATUSES.data, STATUSES.unknown, STATUSES.locked, STATUSES.root],
  });
}

export function registerUser(program: Command, app: AppSource): void {
  const user = program.command('user').description('manage mailboxes');
  registerAdd(user, app);
  registerDel(user, app);
  registerUserList(user, app);
  registerPasswd(user, app);
  registerUserShow(user, app);
  registerQuota(user, app);
  registerActive(user, app, false);
  registerActive(user, app, true);
  registerUserImport(user, app);
  registerUserExport(user, app);
  describeWord(user, {
    examples: ['mailctl user add alice@example.com', 'mailctl user list --sizes'],
    statuses: [STATUSES.wrong, STATUSES.data, STATUSES.unknown, STATUSES.locked, STATUSES.root],
  });
}
