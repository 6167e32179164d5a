// mailctl dkim: the DKIM keys of the mail domains, their DNS records and their rotation.

import type { Command } from 'commander';
import { readDirectory } from '../../appliance/accounts/accounts.ts';
import { type MailDomain, parseDomain } from '../../appliance/address.ts';
import type { Appliance } from '../../appliance/appliance.ts';
import { readDkimRecords } from '../../appliance/dkim/dkim.ts';
import { formatZoneRecord } from '../../appliance/dkim/record.ts';
import {
  type RotationReport,
  revocable,
  revoke,
  rotate,
  rotationDue,
  takeSteps,
} from '../../appliance/dkim/rotation.ts';
import { type ExitStatus, MailctlError, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord, describeGroup } from '../command.ts';
import { wakeScheduler } from '../scheduler.ts';
import type { Ending } from '../statuses.ts';

async function ownDomains(app: App, target: Appliance): Promise<ReadonlySet<MailDomain>> {
  return (await readDirectory(app.host, target)).directory.domains;
}

async function requireOwn(app: App, target: Appliance, name: string): Promise<MailDomain> {
  const wanted = parseDomain(name);
  if ((await ownDomains(app, target)).has(wanted)) return wanted;
  throw new MailctlError('DOMAIN_UNKNOWN', `${wanted} is not a mail domain here`, {
    hint: 'mailctl domain list',
  });
}

export async function runShow(app: App, name: string | undefined): Promise<ExitStatus> {
  const target = await app.appliance();
  const domains =
    name === undefined
      ? [...(await ownDomains(app, target))].sort()
      : [await requireOwn(app, target, name)];
  const records = await readDkimRecords(app.host, target, domains);
  const uses = {
    signing: 'signs',
    waiting: 'waiting until every server publishes it, then signs',
    retired: 'no longer signs',
  };
  const lines = records.flatMap((record) => {
    const until = record.removeAt === null ? '' : `; published until ${record.removeAt}`;
    return [
      `name:  ${record.name}`,
      `type:  ${record.type}`,
      `key:   ${uses[record.use]}${until}`,
      `value: ${record.value}`,
      'zone file line, in strings of at most 255 bytes:',
      formatZoneRecord(record),
    ];
  });
  const data = records.map(({ removeAt, ...record }) => ({ ...record, remove_at: removeAt }));
  app.output.result(lines, { records: data });
  return STATUS.OK;
}

function report(app: App, reports: readonly RotationReport[]): ExitStatus {
  const lines = reports.flatMap(({ done }) => done);
  app.output.result(lines.length === 0 ? 'nothing to do' : lines, { domains: reports });
  return STATUS.OK;
}

interface RotateOptions {
  readonly all?: boolean;
}

export async function runRotate(
  app: App,
  names: readonly string[],
  { all = false }: RotateOptions,
): Promise<ExitStatus> {
  if (all === names.length > 0) {
    throw new MailctlError('USAGE', 'name the domains, or all of them with --all', {
      hint: 'mailctl dkim rotate example.com',
    });
  }
  const domainsOf = async (target: Appliance): Promise<MailDomain[]> => {
    if (all) return [...(await ownDomains(app, target))].sort();
    return Promise.all(names.map((name) => requireOwn(app, target, name)));
  };
  return app.change({
    word: 'dkim rotate',
    plan: async (target) => ({
      would: (await domainsOf(target)).map(
        (domain) => `make and publish a new key for ${domain}, then sign with it`,
      ),
    }),
    apply: async (target) => {
      const made: RotationReport[] = [];
      for (const domain of await domainsOf(target)) {
        made.push(await rotate(app.host, target, domain));
      }
      wakeScheduler(app, target);
      return made;
    },
    report: (made) => report(app, made),
  });
}

export async function runRevoke(
  app: App,
  name: string,
  selector: string | undefined,
): Promise<ExitStatus> {
  const { host } = app;
  const target = await app.appliance();
  const domain = await requireOwn(app, target, name);
  const key = await revocable(host, target, { domain, selector: selector ?? null });
  await app.confirm(
    `Revoke the key ${key.selector} of ${domain}? Signatures of mail in transit, here or elsewhere, ` +
      'can no longer be verified; that mail may be refused or filed as spam.',
  );
  const replacement = `publish a new key for ${domain} and sign with it`;
  return app.change({
    word: 'dkim revoke',
    plan: async () => ({
      would: [
        ...(key.use === 'signing' ? [replacement] : []),
        `remove the key ${key.selector} of ${domain}`,
      ],
    }),
    apply: async (locked) => {
      const wanted = await requireOwn(app, locked, name);
      return revoke(host, locked, { domain: wanted, selector: key.selector });
    },
    report: (done) => report(app, [done]),
  });
}

export async function runStep(app: App): Promise<ExitStatus> {
  return app.change({
    word: 'dkim step',
    plan: async (target) => {
      const due = await rotationDue(app.host, target);
      const now = due !== null && due <= app.host.clock.now();
      const data = { next: due };
      return now
        ? { would: ['do the due steps'], data }
        : { would: [], details: ['nothing to do'], data };
    },
    apply: (target) => takeSteps(app.host, target),
    report: (reports) => report(app, reports),
  });
}

const CHANGE_ENDS: readonly Ending[] = [
  ...(['DKIM_OFF', 'ADDRESS_INVALID', 'DOMAIN_UNKNOWN', 'DNS_BY_HAND'] as const),
  ...(['DKIM_KEY_INVALID', 'DATA_INVALID', 'DNS_ZONE_UNFIT', 'DNS_PROVIDER_UNFIT'] as const),
  ...([
    'PROGRAM_MISSING',
    'DNS_DENIED',
    'DNS_REFUSED',
    'DNS_NOT_VISIBLE',
    'DKIM_BUSY',
    'CLOCK_UNSET',
  ] as const),
];

export function registerDkim(dkim: Command, line: CommandLine): void {
  const shown = dkim
    .command('show [domain]')
    .description('print the DKIM records of a domain, or of all');
  defineWord(shown, line, {
    kind: 'reads',
    run: runShow,
    ends: ['ADDRESS_INVALID', 'DKIM_KEY_INVALID', 'DOMAIN_UNKNOWN'],
    examples: ['mailctl dkim show example.com', 'mailctl dkim show --json'],
  });
  const rotated = dkim
    .command('rotate [domain...]')
    .description('publish a new key, then sign with it; the old record stays for dns.dkim_grace')
    .option('--all', 'every mail domain');
  defineWord(rotated, line, {
    kind: 'changes',
    run: runRotate,
    ends: ['USAGE', ...CHANGE_ENDS],
    examples: ['mailctl dkim rotate example.com', 'mailctl dkim rotate --all'],
  });
  const revoked = dkim
    .command('revoke <domain> [selector]')
    .description('in an emergency: sign with a new key, remove the old record at once');
  defineWord(revoked, line, {
    kind: 'changes',
    run: runRevoke,
    ends: ['NOT_CONFIRMED', 'SELECTOR_UNKNOWN', ...CHANGE_ENDS],
    examples: ['mailctl dkim revoke example.com', 'mailctl dkim revoke example.com mail --yes'],
  });
  const stepped = dkim
    .command('step')
    .description('continue rotations: sign with published keys, remove expired ones');
  defineWord(stepped, line, {
    kind: 'changes',
    run: runStep,
    ends: CHANGE_ENDS,
    examples: ['mailctl dkim step', 'mailctl dkim step --dry-run'],
  });
  describeGroup(dkim, {
    examples: ['mailctl dkim show example.com', 'mailctl dkim rotate example.com'],
  });
}
