// mailctl fail2ban: lists and lifts bans.

import type { Command } from 'commander';
import { type BanPlan, followBans, planBans } from '../../appliance/firewall/bans.ts';
import { listBans, parseBanAddress, unban } from '../../appliance/mail/fail2ban.ts';
import { type ExitStatus, MailctlError, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord, describeGroup } from '../command.ts';
import { requireRootToLook } from '../root.ts';

interface UnbanOptions {
  readonly all?: boolean;
}

export async function runList(app: App): Promise<ExitStatus> {
  requireRootToLook(app);
  const bans = await listBans(app.host, await app.appliance());
  const lines = bans.map(({ address, jail }) => `${address}  ${jail}`);
  app.output.result(lines, { bans });
  if (bans.length === 0) app.output.note('no address is banned');
  return STATUS.OK;
}

function parseWhich(address: string | undefined, all: boolean): string {
  if (address !== undefined && !all) return parseBanAddress(address);
  if (address === undefined && all) return 'all';
  throw new MailctlError('USAGE', 'give one address, or --all', {
    hint: 'mailctl fail2ban unban 192.0.2.1',
  });
}

function countText(count: number): string {
  if (count === 0) return 'no such ban';
  return count === 1 ? 'lifted 1 ban' : `lifted ${count} bans`;
}

export async function runUnban(
  app: App,
  address: string | undefined,
  options: UnbanOptions,
): Promise<ExitStatus> {
  const which = parseWhich(address, options.all ?? false);
  return app.change({
    word: 'fail2ban unban',
    apply: async (target) => {
      const count = await unban(app.host, target, which);
      await followBans(app.host, target);
      return count;
    },
    report: (count) => {
      app.output.result(countText(count), { lifted: count });
      return STATUS.OK;
    },
  });
}

function syncText(plan: BanPlan | null): string {
  if (plan === null)
    return 'nothing to do: the firewall of this host has no set of banned addresses';
  const total = (part: 'add' | 'remove') =>
    plan.sets.reduce((sum, { change }) => sum + change[part].length, 0);
  return `banned ${total('add')} and lifted ${total('remove')} addresses at the router`;
}

function syncData(plan: BanPlan | null) {
  const of = (part: 'add' | 'remove') => plan?.sets.flatMap(({ change }) => change[part]) ?? [];
  return { banned: of('add'), lifted: of('remove'), refused: plan?.bans.refused ?? 0 };
}

export async function runSync(app: App): Promise<ExitStatus> {
  return app.change({
    word: 'fail2ban sync',
    // the sets are changed in one transaction, and a renewal may hold the lock for minutes
    unlocked: true,
    plan: async (target) => {
      const plan = await planBans(app.host, target);
      const { banned, lifted } = syncData(plan);
      const would = [
        ...banned.map((address) => `ban ${address} at the router`),
        ...lifted.map((address) => `lift the ban of ${address} at the router`),
      ];
      return { would };
    },
    apply: (target) => followBans(app.host, target),
    report: (plan) => {
      app.output.result(syncText(plan), syncData(plan));
      return STATUS.OK;
    },
  });
}

export function registerFail2ban(fail2ban: Command, line: CommandLine): void {
  const list = fail2ban
    .command('list')
    .description('list the banned addresses, with the jail that holds them');
  defineWord(list, line, {
    kind: 'looks',
    run: runList,
    ends: ['NOT_RUNNING'],
    examples: ['mailctl fail2ban list', 'mailctl fail2ban list --json'],
  });
  const lift = fail2ban
    .command('unban [address]')
    .description('lift the bans of an address, or of all')
    .option('--all', 'lift every ban');
  defineWord(lift, line, {
    kind: 'changes',
    run: runUnban,
    ends: ['USAGE', 'ADDRESS_INVALID', 'NOT_RUNNING'],
    examples: ['mailctl fail2ban unban 192.0.2.1', 'mailctl fail2ban unban --all'],
  });
  const sync = fail2ban
    .command('sync')
    .description(
      "copy the bans to the router's firewall (after firewall-setup); serve does so itself",
    );
  defineWord(sync, line, {
    kind: 'changes',
    run: runSync,
    ends: ['NOT_RUNNING', 'PROGRAM_FAILED'],
    examples: ['mailctl fail2ban sync', 'mailctl fail2ban sync --dry-run'],
  });
  describeGroup(fail2ban, {
    examples: ['mailctl fail2ban list', 'mailctl fail2ban unban 192.0.2.1'],
  });
}
