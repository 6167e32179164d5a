// mailctl fail2ban: who is banned, and the way out.

import type { Command } from 'commander';
import { MailctlError } from '../../errors.ts';
import { type AppSource, describeWord } from '../command.ts';
import { requireRootToLook } from '../root.ts';

function registerList(fail2ban: Command, app: AppSource): void {
  const command = fail2ban
    .command('list')
    .description('list the banned addresses, with the jail that holds them')
    .action(async () => {
      requireRootToLook();
      const { listBans } = await import('../../appliance/mail/fail2ban.ts');
      const bans = await listBans(app().host, await app().appliance());
      app().output.result(
        bans.map(({ address, jail }) => `${address}  ${jail}`),
        { bans },
      );
      if (bans.length === 0) app().output.note('nobody is banned');
    });
  describeWord(command, {
    examples: ['mailctl fail2ban list', 'mailctl fail2ban list --json'],
    statuses: ['69  not running, or features.fail2ban is 0', '77  not root'],
  });
}

async function parseWhich(address: string | undefined, all: boolean): Promise<string> {
  const { parseBanAddress } = await import('../../appliance/mail/fail2ban.ts');
  if (address !== undefined && !all) return parseBanAddress(address);
  if (address === undefined && all) return 'all';
  throw new MailctlError('USAGE', 'give one address, or --all', {
    hint: 'mailctl fail2ban unban 192.0.2.1',
  });
}

function registerUnban(fail2ban: Command, app: AppSource): void {
  const command = fail2ban
    .command('unban [address]')
    .description('let an address in again, or all of them')
    .option('--all', 'lift every ban')
    .action(async (address: string | undefined, options: { all?: boolean }) => {
      const which = await parseWhich(address, options.all ?? false);
      const { unban } = await import('../../appliance/mail/fail2ban.ts');
      const count = await app().changing('fail2ban unban', (target) =>
        unban(app().host, target, which),
      );
      if (app().options.dryRun) return;
      const text =
        count === 0
          ? 'there was no such ban'
          : count === 1
            ? 'lifted 1 ban'
            : `lifted ${count} bans`;
      app().output.result(text, { lifted: count });
    });
  describeWord(command, {
    examples: ['mailctl fail2ban unban 192.0.2.1', 'mailctl fail2ban unban --all'],
    statuses: [
      '64  no IP address',
      '69  not running, or features.fail2ban is 0',
      '75  another mailctl is at work',
      '77  not root',
    ],
  });
}

export function registerFail2ban(program: Command, app: AppSource): void {
  const fail2ban = program.command('fail2ban').description('the addresses that are banned');
  registerList(fail2ban, app);
  registerUnban(fail2ban, app);
  describeWord(fail2ban, {
    examples: ['mailctl fail2ban list', 'mailctl fail2ban unban 192.0.2.1'],
    statuses: ['69  not running, or features.fail2ban is 0', '77  not root'],
  });
}
