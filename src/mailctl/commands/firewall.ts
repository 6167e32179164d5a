// mailctl firewall-setup, firewall-clear: the mail server in the router's firewall and LAN names.

import type { Command } from 'commander';
import type { Appliance } from '../../appliance/appliance.ts';
import { queryBridge } from '../../appliance/container/network-apply.ts';
import {
  clearFirewall,
  type FirewallSetup,
  setUpFirewall,
} from '../../appliance/firewall/firewall.ts';
import type { ForeignRedirect } from '../../appliance/firewall/foreign.ts';
import { changesOf, hasFirewall, planClear, planFirewall } from '../../appliance/firewall/plan.ts';
import { type ExitStatus, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { describeChanges, planOfChanges, summarizeChanges } from '../changes-text.ts';
import { type CommandLine, defineWord } from '../command.ts';
import { foreignText } from '../foreign-text.ts';

const foreignData = (foreign: readonly ForeignRedirect[]) =>
  foreign.map(({ service, port, section, to }) => ({ service, port, section, to }));

/** Why this host needs no sections. */
async function absentText({ host }: App, { settings }: Appliance): Promise<string> {
  const { bridge } = settings.network;
  const { exists, ours } = await queryBridge(host, bridge);
  const none = 'this host has no /etc/config/firewall';
  return exists && !ours
    ? `${none}: its own firewall must forward the ports to the container on ${bridge}`
    : `${none}: mailctl publishes the ports itself when it starts the server`;
}

export async function runSetup(app: App): Promise<ExitStatus> {
  const { host, output } = app;
  const statusOf = (foreign: readonly unknown[]) =>
    foreign.length === 0 ? STATUS.OK : STATUS.PARTIAL;
  return app.change<FirewallSetup | null>({
    word: 'firewall-setup',
    plan: async (target) => {
      if (!(await hasFirewall(host)))
        return { would: [], details: [await absentText(app, target)], data: noChange };
      const plan = await planFirewall(host, target);
      const planned = planOfChanges(changesOf(plan), output.paint);
      const details = [...(planned.details ?? []), ...plan.foreign.map(foreignText)];
      const data = { ...planned.data, foreign: foreignData(plan.foreign) };
      return { ...planned, details, data, status: statusOf(plan.foreign) };
    },
    apply: async (target) => ((await hasFirewall(host)) ? setUpFirewall(host, target) : null),
    report: async (done, target) => {
      if (done === null) {
        output.result(await absentText(app, target), noChange);
        return STATUS.OK;
      }
      const { changes, foreign, disabled } = done;
      output.result(describeChanges(changes, output.paint), {
        changes: summarizeChanges(changes),
        foreign: foreignData(foreign),
      });
      for (const one of foreign) output.warn(foreignText(one));
      for (const name of disabled)
        output.note(`section ${name} is disabled in /etc/config/firewall`);
      return statusOf(foreign);
    },
  });
}

const noChange = { changes: [], foreign: [] };

export async function runClear(app: App): Promise<ExitStatus> {
  const { host, output } = app;
  return app.change({
    word: 'firewall-clear',
    plan: async (target) => planOfChanges(changesOf(await planClear(host, target)), output.paint),
    apply: (target) => clearFirewall(host, target),
    report: async (changes, target) => {
      const text = (await hasFirewall(host))
        ? describeChanges(changes, output.paint)
        : await absentText(app, target);
      output.result(text, { changes: summarizeChanges(changes) });
      return STATUS.OK;
    },
  });
}

export function registerFirewallSetup(command: Command, line: CommandLine): void {
  defineWord(command, line, {
    kind: 'changes',
    run: runSetup,
    ends: ['PORTS_ELSEWHERE', 'DATA_INVALID', 'HOST_UNFIT', 'PROGRAM_FAILED', 'PROGRAM_MISSING'],
    examples: ['mailctl firewall-setup --dry-run', 'mailctl firewall-setup'],
    more: 'Section firewall of the UCI file selects the services, and the names of the LAN.\nUsed once, the sections then follow mailctl apply.\n',
  });
}

export function registerFirewallClear(command: Command, line: CommandLine): void {
  defineWord(command, line, {
    kind: 'changes',
    run: runClear,
    ends: ['DATA_INVALID', 'HOST_UNFIT', 'PROGRAM_FAILED', 'PROGRAM_MISSING'],
    examples: ['mailctl firewall-clear --dry-run', 'mailctl firewall-clear'],
  });
}
