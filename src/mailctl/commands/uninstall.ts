// mailctl uninstall: removes everything but the data, with --purge the data too.

import type { Command } from 'commander';
import { uninstall } from '../../appliance/container/uninstall.ts';
import { clearFirewall } from '../../appliance/firewall/firewall.ts';
import { changesOf, planClear } from '../../appliance/firewall/plan.ts';
import { queryService, removeService, stopService } from '../../appliance/schedule/service.ts';
import { disableInUci } from '../../appliance/settings/uci-file.ts';
import { uninstallWeb } from '../../appliance/webmail/install.ts';
import { type ExitStatus, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { planOfChanges } from '../changes-text.ts';
import { type CommandLine, defineWord } from '../command.ts';
import { endScheduler } from '../scheduler.ts';

interface UninstallOptions {
  readonly purge?: boolean;
}

export async function run(app: App, { purge = false }: UninstallOptions): Promise<ExitStatus> {
  const { host, output } = app;
  const { data, container } = (await app.appliance()).paths;
  if (purge) await app.confirm(`This removes ${data} with all mail in it for good.`);
  return app.change({
    word: 'uninstall',
    plan: async (target) => {
      const unit = (await queryService(host, target))?.path ?? [];
      const going = [unit, container, purge ? data : []].flat();
      const router = planOfChanges(changesOf(await planClear(host, target)), output.paint).would;
      const removals = going.map((path) => `remove ${path}`);
      return { would: ['stop the mail server', ...router, ...removals] };
    },
    before: async () => {
      await stopService(host, await app.appliance());
      await endScheduler(app);
    },
    apply: async (target) => {
      const service = await removeService(host, target);
      // first: the next boot must not start a server that is half removed
      await disableInUci(host, target.paths.uciFile, target.settings);
      await clearFirewall(host, target);
      await uninstallWeb(host, target, purge);
      await uninstall(host, target, purge);
      return service;
    },
    report: (service) => {
      const text = purge ? `removed, and ${data} with it` : `removed; the data is in ${data}`;
      output.result(text, { state: 'absent', data: purge ? null : data });
      if (service !== null) output.note(`removed ${service}; the program mailctl stays`);
      if (!purge) output.note(`to undo: mailctl install${service === null ? '' : ' --service'}`);
      return STATUS.OK;
    },
  });
}

export function registerUninstall(command: Command, line: CommandLine): void {
  command.option(
    '--purge',
    'remove the data too: every mailbox, key and setting in the data folder',
  );
  defineWord(command, line, {
    kind: 'changes',
    run,
    ends: ['NOT_CONFIRMED', 'PROGRAM_FAILED'],
    examples: ['mailctl uninstall', 'mailctl uninstall --purge --yes'],
  });
}
