// mailctl domain show, limit: what a mail domain has and may have.

import type { Command } from 'commander';
import { changeDirectory, readDirectory } from '../../appliance/accounts/accounts.ts';
import { getDomain, type ListedDomain, setLimits } from '../../appliance/accounts/domains.ts';
import { parseCount, parseTotal } from '../../appliance/accounts/limits.ts';
import type { DomainLimits } from '../../appliance/accounts/model.ts';
import { formatQuota } from '../../appliance/accounts/quota.ts';
import { parseDomain } from '../../appliance/address.ts';
import { type ExitStatus, MailctlError, STATUS } from '../../errors.ts';
import type { App } from '../app.ts';
import { type CommandLine, defineWord } from '../command.ts';

const of = (limit: number | string | null) => (limit === null ? '' : ` of ${limit}`);
const size = (bytes: number | null) => (bytes === null ? 'unlimited' : formatQuota(bytes));

function domainLines(domain: ListedDomain): string[] {
  const { mailboxes, aliases, alias_of, quota_bytes } = domain;
  const { max_mailboxes, max_aliases, max_quota_bytes } = domain;
  const row = (name: string, value: string) => `${`${name}:`.padEnd(11)}${value}`;
  const total = quota_bytes === 0 ? 'nothing' : size(quota_bytes);
  return [
    row('domain', domain.name),
    ...(alias_of === null ? [] : [row('alias of', alias_of)]),
    row('mailboxes', `${mailboxes}${of(max_mailboxes)}`),
    row('aliases', `${aliases}${of(max_aliases)}`),
    row('quotas', `${total}${of(max_quota_bytes === null ? null : size(max_quota_bytes))}`),
  ];
}

export async function runShow(app: App, text: string): Promise<ExitStatus> {
  const name = parseDomain(text);
  const { directory } = await readDirectory(app.host, await app.appliance());
  const domain = getDomain(directory, name);
  app.output.result(domainLines(domain), domain);
  return STATUS.OK;
}

interface LimitOptions {
  readonly mailboxes?: string;
  readonly aliases?: string;
  readonly quota?: string;
}

function limitsFrom({ mailboxes, aliases, quota }: LimitOptions): Partial<DomainLimits> {
  if (mailboxes === undefined && aliases === undefined && quota === undefined) {
    throw new MailctlError('USAGE', 'no limit given: --mailboxes, --aliases or --quota', {
      hint: 'mailctl domain limit --help',
    });
  }
  return {
    ...(mailboxes === undefined ? {} : { mailboxes: parseCount(mailboxes) }),
    ...(aliases === undefined ? {} : { aliases: parseCount(aliases) }),
    ...(quota === undefined ? {} : { quotaBytes: parseTotal(quota) }),
  };
}

const isAbove = (present: number | null, limit: number | null) =>
  limit !== null && (present ?? Number.POSITIVE_INFINITY) > limit;

/** What the new limits do not do. */
function noteExcess(app: App, domain: ListedDomain, quotaIsOn: boolean): void {
  const above = [
    ...(isAbove(domain.mailboxes, domain.max_mailboxes) ? ['mailboxes'] : []),
    ...(isAbove(domain.aliases, domain.max_aliases) ? ['aliases'] : []),
    ...(isAbove(domain.quota_bytes, domain.max_quota_bytes) ? ['quotas'] : []),
  ];
  if (above.length > 0) {
    app.output.note(`${domain.name} has more ${above.join(' and ')} already; they stay`);
  }
  if (domain.max_quota_bytes !== null && !quotaIsOn) {
    app.output.note('features.quota is 0: quotas are assigned, and no mailbox is held to its own');
  }
}

export async function runLimit(app: App, text: string, options: LimitOptions): Promise<ExitStatus> {
  const { host, output } = app;
  const name = parseDomain(text);
  const change = limitsFrom(options);
  return app.change({
    word: 'domain limit',
    apply: (target) => changeDirectory(host, target, (draft) => setLimits(draft, name, change)),
    report: (domain, target) => {
      noteExcess(app, domain, target.settings.features.quota);
      output.result(domainLines(domain), domain);
      return STATUS.OK;
    },
  });
}

export function registerDomainLimits(domain: Command, line: CommandLine): void {
  const show = domain.command('show <domain>').description('show a mail domain and its limits');
  defineWord(show, line, {
    kind: 'looks',
    run: runShow,
    ends: ['ADDRESS_INVALID', 'DOMAIN_UNKNOWN'],
    examples: ['mailctl domain show example.org', 'mailctl domain show example.org --json'],
  });
  const limit = domain
    .command('limit <domain>')
    .description('limit the mailboxes and aliases of a mail domain, and the sum of its quotas')
    .option('--mailboxes <number>', 'most mailboxes, or unlimited')
    .option('--aliases <number>', 'most aliases, a catch-all included, or unlimited')
    .option('--quota <size>', 'most that the quotas of its mailboxes may add up to, or unlimited');
  defineWord(limit, line, {
    kind: 'changes',
    run: runLimit,
    ends: [
      ...(['USAGE', 'ADDRESS_INVALID', 'LIMIT_INVALID', 'QUOTA_INVALID'] as const),
      ...(['DIRECTORY_INVALID', 'DOMAIN_UNKNOWN', 'FILE_FAILED'] as const),
    ],
    examples: [
      'mailctl domain limit example.org --mailboxes 20 --quota 100G',
      'mailctl domain limit example.org --mailboxes unlimited',
    ],
    more:
      'What a domain has already stays. A mailbox without a quota counts with features.quota_default.\n' +
      'The sum is checked when a quota is set; the server holds each mailbox to its own quota.',
  });
}
