// mailctl dkim: the keys with which the domains' mail is signed, as DNS wants them, and their change.

import type { Command } from 'commander';
import type { MailDomain } from '../../appliance/address.ts';
import type { Appliance } from '../../appliance/appliance.ts';
import type { RotationReport } from '../../appliance/dkim/rotation.ts';
import { MailctlError } from '../../errors.ts';
import type { App } from '../app.ts';
import { type AppSource, describeWord } from '../command.ts';
import { wakeScheduler } from '../scheduler.ts';

async function ownDomains(app: App, target: Appliance): Promise<ReadonlySet<MailDomain>> {
  const { readDirectory } = await import('../../appliance/accounts/accounts.ts');
  return (await readDirectory(app.host, target)).directory.domains;
}

async function requireOwn(app: App, target: Appliance, name: string): Promise<MailDomain> {
  const { parseDomain } = await import('../../appliance/address.ts');
  const wanted = parseDomain(name);
  if ((await ownDomains(app, target)).has(wanted)) return wanted;
  throw new MailctlError('DOMAIN_UNKNOWN', `${wanted} is not a mail domain here`, {
    hint: 'mailctl domain list',
  });
}

async function show(app: App, name: string | undefined): Promise<void> {
  const { readDkimRecords } = await import('../../appliance/dkim/dkim.ts');
  const { formatZoneRecord } = await import('../../appliance/dkim/record.ts');
  const target = await app.appliance();
  const domains =
    name === undefined
      ? [...(await ownDomains(app, target))].sort()
      : [await requireOwn(app, target, name)];
  const records = await readDkimRecords(app.host, target, domains);
  const uses = {
    signing: 'signs',
    waiting: 'waits until it is published everywhere, then signs',
    retired: 'signs no more',
  };
  const lines = records.flatMap((record) => {
    const until = record.removeAt === null ? '' : `; published until ${record.removeAt}`;
    return [
      `name:  ${record.name}`,
      `type:  ${record.type}`,
      `key:   ${uses[record.use]}${until}`,
      `value: ${record.value}`,
      'as a line of a zone file, in strings of at most 255 bytes:',
      formatZoneRecord(record),
    ];
  });
  const data = records.map(({ removeAt, ...record }) => ({ ...record, remove_at: removeAt }));
  app.output.result(lines, { records: data });
}

function report(app: App, reports: readonly RotationReport[]): void {
  const lines = reports.flatMap(({ done }) => done);
  app.output.result(lines.length === 0 ? 'nothing to do' : lines, { domains: reports });
}

async function rotate(app: App, names: readonly string[], all: boolean): Promise<void> {
  if (all === names.length > 0) {
    throw new MailctlError('USAGE', 'name the domains, or all of them with --all', {
      hint: 'mailctl dkim rotate example.com',
    });
  }
  if (app.options.dryRun) {
    const target = await app.appliance();
    const domains = all ? [...(await ownDomains(app, target))] : names;
    for (const name of names) await requireOwn(app, target, name);
    app.output.result(
      domains.map((domain) => `would make and publish a new key for ${domain}, then sign with it`),
      { would: 'rotate', domains },
    );
    return;
  }
  const reports = await app.changing('dkim rotate', async (target) => {
    const { rotate: run } = await import('../../appliance/dkim/rotation.ts');
    const domains = all ? [...(await ownDomains(app, target))].sort() : [];
    for (const name of names) domains.push(await requireOwn(app, target, name));
    const made: RotationReport[] = [];
    for (const domain of domains) made.push(await run(app.host, target, domain));
    await wakeScheduler(app, target);
    return made;
  });
  report(app, reports);
}

async function revoke(app: App, name: string, selector: string | undefined): Promise<void> {
  const { revocable, revoke: run } = await import('../../appliance/dkim/rotation.ts');
  const target = await app.appliance();
  const domain = await requireOwn(app, target, name);
  const key = await revocable(app.host, target, { domain, selector: selector ?? null });
  const question =
    `Revoke the key ${key.selector} of ${domain}? Mail that it has signed and that is still on its way, ` +
    'in our queue or elsewhere, can no longer be checked, and may be refused or filed as spam.';
  if (app.options.dryRun) {
    const first = key.use === 'signing' ? `publish a new key for ${domain}, sign with it and ` : '';
    app.output.result(`would ${first}remove the key ${key.selector} of ${domain}`, {
      ...{ would: 'revoke', domain, selector: key.selector },
    });
    return;
  }
  await app.confirm(question);
  const done = await app.changing('dkim revoke', async (locked) => {
    const wanted = await requireOwn(app, locked, name);
    return run(app.host, locked, { domain: wanted, selector: key.selector });
  });
  report(app, [done]);
}

async function step(app: App): Promise<void> {
  if (app.options.dryRun) {
    const { rotationDue } = await import('../../appliance/dkim/rotation.ts');
    const due = await rotationDue(app.host, await app.appliance());
    const now = due !== null && due <= app.host.clock.now();
    app.output.result(now ? 'would take the steps that are due' : 'nothing to do', { next: due });
    return;
  }
  const reports = await app.changing('dkim step', async (target) => {
    const { takeSteps } = await import('../../appliance/dkim/rotation.ts');
    return takeSteps(app.host, target);
  });
  report(app, reports);
}

const COMMON = [
  '1   something in the DNS must be done by hand; it is printed',
  '65  a key, or what is remembered of them, is damaged; a zone is not in our hands',
  '67  no such mail domain or key',
  '69  dnsctl or nsupdate is missing',
  '75  not visible at every server yet: mailctl dkim step goes on; a rotation is still going on; the clock is wrong',
  '77  not root',
  '78  the UCI file is wrong',
];

export function registerDkim(program: Command, app: AppSource): void {
  const dkim = program.command('dkim').description('the keys that sign the mail of your domains');
  const shown = dkim
    .command('show [domain]')
    .description('print the DNS records of a domain, or of all')
    .action((domain: string | undefined) => show(app(), domain));
  describeWord(shown, {
    examples: ['mailctl dkim show example.com', 'mailctl dkim show --json'],
    statuses: [
      '64  that is no domain name',
      '65  a key is missing or damaged',
      '67  no such mail domain',
      '78  the UCI file is wrong',
    ],
  });
  const rotated = dkim
    .command('rotate [domain...]')
    .description('sign with a new key as soon as it is published; the old one stays for a while')
    .option('--all', 'every mail domain')
    .action((names: string[], options: { all?: boolean }) =>
      rotate(app(), names, options.all ?? false),
    );
  describeWord(rotated, {
    examples: ['mailctl dkim rotate example.com', 'mailctl dkim rotate --all'],
    statuses: ['64  no domain is named, or features.dkim is 0', ...COMMON],
  });
  const revoked = dkim
    .command('revoke <domain> [selector]')
    .description('in an emergency: a new key at once, and the old record is removed')
    .action((name: string, selector: string | undefined) => revoke(app(), name, selector));
  describeWord(revoked, {
    examples: ['mailctl dkim revoke example.com', 'mailctl dkim revoke example.com mail --yes'],
    statuses: ['64  not confirmed, or features.dkim is 0', ...COMMON],
  });
  const stepped = dkim
    .command('step')
    .description('go on with the rotations: what is published signs, what is over is removed')
    .action(() => step(app()));
  describeWord(stepped, {
    examples: ['mailctl dkim step', 'mailctl dkim step --dry-run'],
    statuses: COMMON,
  });
}
