// mailctl dns-setup: publish the records that the world needs to trust this server.

import type { Command } from 'commander';
import type { Appliance } from '../../appliance/appliance.ts';
import { formatObstacles, requireNoObstacle } from '../../appliance/dns/publish/change.ts';
import type { SetupPlan } from '../../appliance/dns/setup.ts';
import { MailctlError } from '../../errors.ts';
import type { App } from '../app.ts';
import { type AppSource, describeWord } from '../command.ts';

interface SetupOptions {
  readonly zone?: boolean;
  readonly undo?: boolean;
  readonly partial?: boolean;
  readonly wait: string;
}

interface Outcome {
  readonly plan: SetupPlan;
  readonly published: boolean;
}

function waitOf({ wait }: SetupOptions): number {
  if (/^\d{1,5}$/.test(wait)) return Number(wait) * 1000;
  throw new MailctlError('USAGE', `--wait takes whole seconds, not ${JSON.stringify(wait)}`, {
    hint: 'mailctl dns-setup --wait 300',
  });
}

async function printZone(app: App, names: readonly string[]): Promise<void> {
  const { parseDomain } = await import('../../appliance/address.ts');
  const { readRecordFacts } = await import('../../appliance/dns/facts.ts');
  const { requirePublic } = await import('../../appliance/dns/public-address.ts');
  const { chooseDomains } = await import('../../appliance/dns/setup.ts');
  const { wantedRecords } = await import('../../appliance/dns/records.ts');
  const { formatZone } = await import('../../appliance/dns/zone-text.ts');
  const target = await app.appliance();
  const domains = await chooseDomains(app.host, target, names.map(parseDomain));
  const facts = await readRecordFacts(app.host, target, domains);
  requirePublic(facts.addresses);
  const records = wantedRecords(facts).map(({ name, type, value, purpose, needsDnssec }) => ({
    ...{ name, type, ttl: target.settings.dns.ttl, value, purpose },
    needs_dnssec: needsDnssec ?? false,
  }));
  app.output.result(formatZone(facts), { records });
}

/** What is going to happen, on stderr: the result on stdout is what has happened. */
async function show(app: App, plan: SetupPlan): Promise<void> {
  const { formatRoutes } = await import('../../appliance/dns/setup.ts');
  for (const note of plan.notes) app.output.warn(note);
  for (const line of formatObstacles(plan.byHand)) app.output.note(line);
  if (app.options.dryRun || plan.routes.length === 0) return;
  for (const line of formatRoutes(plan.routes)) app.output.note(line);
}

async function setUp(
  app: App,
  target: Appliance,
  { names, options }: { names: readonly string[]; options: SetupOptions },
): Promise<Outcome> {
  const { parseDomain } = await import('../../appliance/address.ts');
  const setup = await import('../../appliance/dns/setup.ts');
  const plan = await setup.planSetup(app.host, target, names.map(parseDomain));
  await show(app, plan);
  if (!options.partial) {
    const hint = 'mailctl dns-setup --partial   (publishes the rest and leaves this to you)';
    requireNoObstacle(plan, hint);
  }
  if (app.options.dryRun) return { plan, published: false };
  if (plan.routes.length > 0) await app.confirm(`Publish ${plan.routes.length} record sets?`);
  await setup.applySetup(app.host, target, { plan, timeout: waitOf(options) });
  return { plan, published: plan.routes.length > 0 };
}

async function takeBack(app: App, target: Appliance, options: SetupOptions): Promise<Outcome> {
  const { applyUndo, planUndo } = await import('../../appliance/dns/undo.ts');
  const plan = await planUndo(app.host, target);
  if (plan === null) {
    const none = { routes: [], obstacles: [], byHand: [], notes: [], zones: [] };
    return { plan: none, published: false };
  }
  await show(app, plan);
  if (app.options.dryRun) return { plan, published: false };
  await app.confirm(`Take back ${plan.routes.length} record sets?`);
  await applyUndo(app.host, target, { plan, timeout: waitOf(options) });
  return { plan, published: plan.routes.length > 0 };
}

async function report(app: App, { plan, published }: Outcome, undo: boolean): Promise<void> {
  const { describeRoutes, formatRoutes } = await import('../../appliance/dns/setup.ts');
  const { summarizeChanges } = await import('../changes-text.ts');
  const changes = describeRoutes(plan.routes);
  const left = [...plan.obstacles, ...plan.byHand];
  const byHand = left.map(({ name, type, reason, byHand: lines }) => ({
    ...{ name, type, reason },
    by_hand: lines,
  }));
  const done = `${undo ? 'took back' : 'published'} ${changes.length} record sets; every authoritative server shows them`;
  const lines = published ? [done] : formatRoutes(plan.routes);
  app.output.result([...lines, ...formatObstacles(left)], {
    changes: summarizeChanges(changes),
    published,
    by_hand: byHand,
    notes: plan.notes,
  });
  if (published && !undo) app.output.note('to undo: mailctl dns-setup --undo');
  if (left.length > 0) process.exitCode = 1;
}

export function registerDnsSetup(program: Command, app: AppSource): void {
  const command = program
    .command('dns-setup [domain...]')
    .description('publish the records of the mail domains, and prove it')
    .option('--zone', 'print them as part of a BIND zone file, publish nothing')
    .option('--undo', 'take back the last dns-setup')
    .option('--partial', 'do not stop for what must be done by hand first: publish the rest')
    .option('--wait <seconds>', 'how long to wait until all servers show the records', '300')
    .action(async (names: string[], options: SetupOptions) => {
      waitOf(options);
      if (options.zone) return printZone(app(), names);
      const outcome = await app().changing('dns-setup', (target) =>
        options.undo ? takeBack(app(), target, options) : setUp(app(), target, { names, options }),
      );
      await report(app(), outcome, options.undo ?? false);
    });
  describeWord(command, {
    examples: ['mailctl dns-setup --dry-run', 'mailctl dns-setup example.com --yes'],
    statuses: [
      '1   something must be done by hand; it is printed. Where it must be done first, nothing was touched',
      '64  a wrong option, or not confirmed',
      '65  a zone is not registered, or not one of the account',
      '67  no such mail domain',
      '69  the provider refused, a program or credentials are missing, or no public address is known',
      '75  not visible at every server yet, the servers do not agree, or the provider is busy: repeat it later',
      '77  not root',
      '78  the UCI file is wrong',
    ],
  });
}
