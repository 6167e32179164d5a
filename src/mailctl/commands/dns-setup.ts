// mailctl dns-setup: publishes the DNS records of the mail domains.

import type { Command } from 'commander';
import { parseDomain } from '../../appliance/address.ts';
import type { Appliance } from '../../appliance/appliance.ts';
import { readRecordFacts } from '../../appliance/dns/facts.ts';
import { requirePublic } from '../../appliance/dns/public-address.ts';
import { formatObstacles, requireNoObstacle } from '../../appliance/dns/publish/change.ts';
import { wantedRecords } from '../../appliance/dns/records.ts';
import {
  applySetup,
  chooseDomains,
  describeRoutes,
  formatRoutes,
  planSetup,
  type SetupPlan,
} from '../../appliance/dns/setup.ts';
import { applyUndo, planUndo } from '../../appliance/dns/undo.ts';
import { formatZone } from '../../appliance/dns/zone-text.ts';
import { type ExitStatus, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { summarizeChanges } from '../changes-text.ts';
import { type CommandLine, defineWord } from '../command.ts';
import type { Ending } from '../statuses.ts';
import { parseWait } from '../wait-option.ts';

interface SetupOptions {
  readonly zone?: boolean;
  readonly undo?: boolean;
  readonly partial?: boolean;
  readonly wait: string;
}

interface Order {
  readonly names: readonly string[];
  readonly options: SetupOptions;
}

const waitOf = ({ wait }: SetupOptions) => parseWait(wait, 'mailctl dns-setup --wait 300');

async function printZone(app: App, names: readonly string[]): Promise<ExitStatus> {
  const target = await app.appliance();
  const domains = await chooseDomains(app.host, target, names.map(parseDomain));
  const facts = await readRecordFacts(app.host, target, domains);
  requirePublic(facts.addresses);
  const records = wantedRecords(facts).map(({ name, type, value, purpose, needsDnssec }) => ({
    ...{ name, type, ttl: target.settings.dns.ttl, value, purpose },
    needs_dnssec: needsDnssec ?? false,
  }));
  app.output.result(formatZone(facts), { records });
  return STATUS.OK;
}

const NOTHING: SetupPlan = { routes: [], obstacles: [], byHand: [], notes: [], zones: [] };

/** The changes to publish or take back. Without --partial, throws DNS_BY_HAND for work to be done by hand first. */
async function planFor(app: App, target: Appliance, order: Order): Promise<SetupPlan> {
  const { names, options } = order;
  const plan = options.undo
    ? ((await planUndo(app.host, target)) ?? NOTHING)
    : await planSetup(app.host, target, names.map(parseDomain));
  for (const note of plan.notes) app.output.warn(note);
  if (!options.partial && !options.undo) {
    requireNoObstacle(plan, 'mailctl dns-setup --partial   (publishes the rest)');
  }
  return plan;
}

async function publish(app: App, target: Appliance, order: Order): Promise<SetupPlan> {
  const { options } = order;
  const plan = await planFor(app, target, order);
  for (const line of formatObstacles(plan.byHand)) app.output.note(line);
  for (const line of plan.routes.length > 0 ? formatRoutes(plan.routes) : []) app.output.note(line);
  const work = { plan, timeout: waitOf(options) };
  const count = plan.routes.length;
  if (options.undo) {
    if (plan === NOTHING) return plan;
    await app.confirm(`Take back ${count} record sets?`);
    await applyUndo(app.host, target, work);
  } else {
    if (count > 0) await app.confirm(`Publish ${count} record sets?`);
    await applySetup(app.host, target, work);
  }
  return plan;
}

/** Work for the operator: before, or in addition to, what is published. */
const leftOf = ({ obstacles, byHand }: SetupPlan) => [...obstacles, ...byHand];

function planData(plan: SetupPlan, published: boolean): object {
  const byHand = leftOf(plan).map(({ name, type, reason, byHand: lines }) => ({
    ...{ name, type, reason },
    by_hand: lines,
  }));
  const changes = summarizeChanges(describeRoutes(plan.routes));
  return { changes, published, by_hand: byHand, notes: plan.notes };
}

const statusOf = (plan: SetupPlan): ExitStatus =>
  leftOf(plan).length > 0 ? STATUS.PARTIAL : STATUS.OK;

function report(app: App, plan: SetupPlan, undo: boolean): ExitStatus {
  const { routes } = plan;
  const published = routes.length > 0;
  const done = `${undo ? 'took back' : 'published'} ${routes.length} record sets; every authoritative server shows them`;
  const lines = published ? [done] : formatRoutes(routes);
  app.output.result([...lines, ...formatObstacles(leftOf(plan))], planData(plan, published));
  if (published && !undo) app.output.note('to undo: mailctl dns-setup --undo');
  return statusOf(plan);
}

export async function run(
  app: App,
  names: readonly string[],
  options: SetupOptions,
): Promise<ExitStatus> {
  waitOf(options);
  if (options.zone) return printZone(app, names);
  const order = { names, options };
  const undo = options.undo ?? false;
  return app.change({
    word: 'dns-setup',
    plan: async (target) => {
      const plan = await planFor(app, target, order);
      const count = plan.routes.length;
      return {
        would: count === 0 ? [] : [`${undo ? 'take back' : 'publish'} ${count} record sets`],
        details: [
          ...(count === 0 ? [] : formatRoutes(plan.routes)),
          ...formatObstacles(leftOf(plan)),
        ],
        data: planData(plan, false),
        status: statusOf(plan),
      };
    },
    apply: (target) => publish(app, target, order),
    report: (plan) => report(app, plan, undo),
  });
}

export const SETUP_ENDS: readonly Ending[] = [
  ...(['DNS_BY_HAND', 'USAGE', 'NOT_CONFIRMED', 'DNS_ZONE_UNFIT', 'DATA_INVALID'] as const),
  ...(['DOMAIN_UNKNOWN', 'PROGRAM_MISSING', 'ADDRESS_UNKNOWN', 'DNS_PROVIDER_UNFIT'] as const),
  ...(['DNS_DENIED', 'DNS_REFUSED'] as const),
  ...(['DNS_NOT_VISIBLE', 'DNS_DISAGREES', 'DNS_UNREACHABLE'] as const),
];

export function registerDnsSetup(command: Command, line: CommandLine): void {
  command
    .argument('[domain...]')
    .option('--zone', 'print the records as a BIND zone file fragment; publish nothing')
    .option('--undo', 'take back the changes of the last dns-setup')
    .option('--partial', 'publish the rest when something must be done by hand first')
    .option('--wait <seconds>', 'time limit until all servers show the records', '300');
  defineWord(command, line, {
    kind: 'changes',
    run,
    ends: SETUP_ENDS,
    examples: ['mailctl dns-setup --dry-run', 'mailctl dns-setup example.com --yes'],
  });
}
